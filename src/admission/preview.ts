/** The answer to a dry-run request: what would run, rendered, secrets masked. Nothing is written, nothing is called. */
import type { ActionRun, PlannedAction } from '../api/action-run.ts'
import { templatesOf } from '../core/action-check.ts'
import { refusal } from '../core/refusal.ts'
import { stagesOf } from '../core/run/names.ts'
import { specOf } from '../core/run/rows.ts'
import { headsFirst, wouldRun, type WouldRun } from '../core/would-run.ts'
import { allow, deny, type Verdict } from '../core/verdict.ts'
import { draftOf, type Case, type Plans } from './case.ts'
import type { GatePorts } from './gate-ports.ts'
import { overBudget } from './limits.ts'

/** Lists as warnings what would run. An action that cannot even be rendered refuses, as it would. */
export async function preview(plans: Plans, at: Case): Promise<Verdict> {
  const { arrival } = at
  const { pre, post } = stagesOf(arrival.kind)
  const refused = overBudget(plans.pre.actions, at)
  if (refused !== undefined) return refused
  const lines: WouldRun[] = []
  const run = previewRun(plans, at)
  for (const action of plans.pre.actions) {
    const rendered = await render(action, run, at)
    if ('problem' in rendered) {
      const why = `${pre} action "${action.name}" could not run: ${rendered.problem}`
      const next = 'Mend the Action, or skip it'
      return deny('CannotRender', refusal(arrival.subject, why, next), { warnings: headsFirst(lines) })
    }
    lines.push(rendered.ok)
  }
  for (const { name } of plans.post.actions)
    lines.push(plain(`tidewaiter: dry run, ${post} action "${name}" would run after it ended`))
  return allow('DryRun', 'dry run: nothing was run', headsFirst(lines))
}

const plain = (head: string): WouldRun => ({ head, body: [], rest: [] })

type Rendered = { readonly ok: WouldRun } | { readonly problem: string }

async function render(
  action: PlannedAction,
  run: ActionRun,
  { arrival, ports, request }: Case,
): Promise<Rendered> {
  const { stage } = run.spec
  if (action.skip !== undefined)
    return { ok: plain(`tidewaiter: dry run, ${stage} action "${action.name}" would be ${action.skip}`) }
  const endsAt = ports.clock.now() + 2_000
  const { object } = arrival
  const { signal } = request
  const outcome = await ports.perform({ run, action, object, renderOnly: true, endsAt, signal })
  if (outcome.status !== 'failed') return { ok: wouldRun(stage, action.name, outcome.request) }
  if (outcome.cause === 'template' && usesOutputs(action, ports))
    return { ok: wouldRun(stage, action.name, 'with outputs of the actions before it') }
  return { problem: outcome.message }
}

// Outputs of actions that were not run are not there: what refers to them cannot be rendered in a preview.
function usesOutputs(action: PlannedAction, { namesVariable }: GatePorts): boolean {
  return templatesOf(specOf(action)).some(({ source, variables }) =>
    namesVariable(source, 'outputs', variables),
  )
}

function previewRun(plans: Plans, at: Case): ActionRun {
  const draft = draftOf(at, stagesOf(at.arrival.kind).pre, plans.pre.actions)
  return {
    metadata: { ...draft.metadata, uid: '', resourceVersion: '', creationTimestamp: '' },
    spec: draft.spec,
    status: {},
  }
}
