/** What each action of a stage would do, rendered, secrets masked. Nothing is written, nothing is called. */
import type { Stage } from '../api/action.ts'
import type { ActionRun, PlannedAction } from '../api/action-run.ts'
import { templatesOf } from '../core/action-check.ts'
import type { Outcome } from '../core/outcome.ts'
import { specOf } from '../core/run/rows.ts'
import { draftOf, type Case } from './case.ts'
import type { ForesightPorts } from './gate-ports.ts'

type Failed = Extract<Outcome, { readonly status: 'failed' }>

/** One action, and what it would do. */
export type Foreseen = { readonly action: PlannedAction } & (
  | { readonly does: 'skip'; readonly because: string }
  /** `request` is as it would be recorded: the request line, headers, an empty line, the body. */
  | { readonly does: 'call'; readonly request: string }
  /** It needs outputs of actions before it, which are not there yet. */
  | { readonly does: 'later' }
  | { readonly does: 'fail'; readonly cause: Failed['cause']; readonly problem: string }
)

// For one action: what is slow here is the API server, asked for a Secret.
const renderMs = 2_000

/** Each action of a stage in order, one at a time as it is asked for. */
export async function* foreseen(
  actions: readonly PlannedAction[],
  stage: Stage,
  at: Case,
): AsyncGenerator<Foreseen> {
  const run = unwritten(actions, stage, at)
  for (const action of actions) yield await foreseeOne(action, run, at)
}

async function foreseeOne(
  action: PlannedAction,
  run: ActionRun,
  { arrival, ports, request }: Case,
): Promise<Foreseen> {
  if (action.skip !== undefined) return { action, does: 'skip', because: action.skip }
  const endsAt = ports.clock.now() + renderMs
  const { object } = arrival
  const outcome = await ports.perform({
    run,
    action,
    object,
    renderOnly: true,
    endsAt,
    signal: request.signal(),
  })
  if (outcome.status !== 'failed') return { action, does: 'call', request: outcome.request }
  if (outcome.cause === 'template' && usesOutputs(action, ports)) return { action, does: 'later' }
  return { action, does: 'fail', cause: outcome.cause, problem: outcome.message }
}

// Outputs of actions that were not run are not there: what refers to them cannot be rendered in a preview.
function usesOutputs(action: PlannedAction, { namesVariable }: ForesightPorts): boolean {
  return templatesOf(specOf(action)).some(({ source, variables }) =>
    namesVariable(source, 'outputs', variables),
  )
}

function unwritten(actions: readonly PlannedAction[], stage: Stage, at: Case): ActionRun {
  const draft = draftOf(at, stage, actions)
  return {
    metadata: { ...draft.metadata, uid: '', resourceVersion: '', creationTimestamp: '' },
    spec: draft.spec,
    status: {},
  }
}
