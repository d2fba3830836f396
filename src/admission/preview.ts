/** The answer to a dry-run request: what would run, rendered, secrets masked. Nothing is written, nothing is called. */
import type { ActionRun, PlannedAction } from '../api/action-run.ts'
import { refusal, wouldRunWarning } from '../core/refusal.ts'
import { stagesOf } from '../core/run/names.ts'
import { specOf } from '../core/run/rows.ts'
import { allow, deny, type Verdict } from '../core/verdict.ts'
import { draftOf, type Case, type Plans } from './case.ts'
import { overBudget } from './limits.ts'

/** Lists as warnings what would run. An action that cannot even be rendered refuses, as it would. */
export async function preview(plans: Plans, at: Case): Promise<Verdict> {
  const { arrival, ports, request } = at
  const { pre, post } = stagesOf(arrival.kind)
  const refused = overBudget(plans.pre.actions, at)
  if (refused !== undefined) return refused
  const warnings: string[] = []
  const run = previewRun(plans, at)
  for (const action of plans.pre.actions) {
    if (action.skip !== undefined) {
      warnings.push(`tidewaiter: dry run, ${pre} action "${action.name}" would be ${action.skip}`)
      continue
    }
    const endsAt = ports.clock.now() + 2_000
    const outcome = await ports.perform({
      run,
      action,
      object: arrival.object,
      renderOnly: true,
      endsAt,
      signal: request.signal,
    })
    if (outcome.status === 'failed' && outcome.cause === 'template' && usesOutputs(action))
      warnings.push(wouldRunWarning(pre, action.name, 'with outputs of the actions before it'))
    else if (outcome.status === 'failed') {
      const why = `${pre} action "${action.name}" could not run: ${outcome.message}`
      return deny('CannotRender', refusal(arrival.subject, why, 'Mend the Action, or skip it'), { warnings })
    } else warnings.push(wouldRunWarning(pre, action.name, outcome.request))
  }
  for (const action of plans.post.actions)
    warnings.push(`tidewaiter: dry run, ${post} action "${action.name}" would run after it ended`)
  return allow('DryRun', 'dry run: nothing was run', warnings)
}

// Outputs of actions that were not run are not there: what refers to them cannot be rendered in a preview.
const usesOutputs = (action: PlannedAction): boolean =>
  JSON.stringify(specOf(action).http ?? {}).includes('outputs')

function previewRun(plans: Plans, at: Case): ActionRun {
  const draft = draftOf(at, stagesOf(at.arrival.kind).pre, plans.pre.actions)
  return {
    metadata: { ...draft.metadata, uid: '', resourceVersion: '', creationTimestamp: '' },
    spec: draft.spec,
    status: {},
  }
}
