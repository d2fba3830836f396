/** The status of Actions: whether each can run, and how it last ended. Leader only. */
import type { Action, ActionStatus } from '../api/action.ts'
import type { ActionRun } from '../api/action-run.ts'
import { conditionOf, isSaid, type Condition, type Said } from '../core/condition.ts'

/** What is known of an Action. */
export type ActionFacts = {
  /** Its problems as one text, if it cannot be understood. */
  readonly problem?: string
  readonly action?: Action
  /** Its status as it stands, where the rest cannot be understood: what stands already is not written again. */
  readonly status?: ActionStatus
  /** Finds what is most likely wrong with it, although it may be used. Asked once for each generation: it compiles every expression. */
  readonly doubts?: () => readonly string[]
  /** Whether somebody with the rights wrote its spec. */
  readonly adopted: boolean
}

/** The condition Accepted that the facts ask for; undefined if it stands already. */
export function acceptedCondition(facts: ActionFacts, now: number): Condition | undefined {
  const generation = facts.action?.metadata.generation
  const old = standing(facts)
  const observed = generation === undefined ? {} : { observedGeneration: generation }
  const said: Said = { type: 'Accepted', ...accepted(facts, old), ...observed }
  return isSaid(old, said) ? undefined : conditionOf(said, old, now)
}

const standing = ({ action, status }: ActionFacts): Condition | undefined =>
  (action?.status ?? status)?.conditions?.find(({ type }) => type === 'Accepted')

/** What was said of this generation already, if it was found to run. */
function knownMessage(action: Action | undefined, old: Condition | undefined): string | undefined {
  const generation = action?.metadata.generation
  if (old?.reason !== 'Accepted' || generation === undefined) return undefined
  return old.observedGeneration === generation ? old.message : undefined
}

function accepted(
  { problem, action, doubts, adopted }: ActionFacts,
  old: Condition | undefined,
): Pick<Condition, 'status' | 'reason' | 'message'> {
  if (problem !== undefined)
    return adopted
      ? { status: 'False', reason: 'Invalid', message: problem.slice(0, 1000) }
      : { status: 'False', reason: 'Unadopted', message: `${unread}: ${problem}`.slice(0, 1000) }
  if (action?.spec.suspend === true)
    return { status: 'False', reason: 'Suspended', message: 'spec.suspend is true' }
  if (adopted) {
    const known = knownMessage(action, old)
    const message = known ?? ['it runs where it matches', ...(doubts?.() ?? [])].join('; ').slice(0, 1000)
    return { status: 'True', reason: 'Accepted', message }
  }
  return { status: 'False', reason: 'Unadopted', message: unadopted(action) }
}

const unread =
  'nobody has adopted it, so it is not run and refuses nothing; it can be adopted once it can be understood'

function unadopted(action: Action | undefined): string {
  const { namespace = 'NAMESPACE', name = 'NAME' } = action?.metadata ?? {}
  const adopt = `tidewaiter actions adopt -n ${namespace} ${name} (or kubectl -n ${namespace} annotate --overwrite action ${name} tidewaiter.io/adopt=$(date +%s))`
  return `its spec came in another way than through tidewaiter (a Restore, or a write while it was away); adopt it with: ${adopt}`
}

/** How an action of a run last ended. */
export type Result = { readonly name: string; readonly at: string; readonly result: string }

/** What a settled run says of its actions. */
export function resultsOf(run: ActionRun): readonly Result[] {
  return (run.status.actions ?? []).flatMap(({ name, phase, completionTimestamp }) =>
    completionTimestamp === undefined || phase === 'Skipped'
      ? []
      : [{ name, at: completionTimestamp, result: phase }],
  )
}
