/** How a run ends: all done, stopped in the middle, or put aside until the object is further on. */
import type { ActionRun, RunRow, RunStatus } from '../../api/action-run.ts'
import type { Progress } from '../velero.ts'
import type { Step } from './machine.ts'
import { changedNothing, entries, specOf, withRow, type Entry } from './rows.ts'

type Phase = NonNullable<RunStatus['phase']>
/** How a run ended, why in one word, and in a sentence. */
export type End = { readonly phase: Phase; readonly reason: string; readonly message: string }

/** Whether the run is of a stage that comes before the object starts. */
export const isPre = (run: Pick<ActionRun, 'spec'>): boolean => run.spec.stage.startsWith('Pre')

/** Whether the run is carried out inside an admission request: somebody waits for the answer, and nobody goes on with it. */
export const isInline = (run: Pick<ActionRun, 'spec'>): boolean => isPre(run) && run.spec.held !== true

/** Milliseconds since the epoch as the API server writes times. */
export const time = (ms: number): string => new Date(ms).toISOString()

/** What an owner has beyond an action's own timeout to write down how it ended, milliseconds. */
export const slackMs = 5_000

/** When a run ended, milliseconds; when it was made, while it has not. */
export const endedAt = ({ status, metadata }: ActionRun): number =>
  Date.parse(status.completionTimestamp ?? metadata.creationTimestamp)

/** The phase in which the run ended, whatever was undone since; its phase while it has not ended. */
export const endedPhase = ({ status }: ActionRun): Phase => status.undoneFrom ?? status.phase ?? 'Pending'

/** The run with one row replaced. */
export const put = (run: ActionRun, row: RunRow): ActionRun => ({
  ...run,
  status: withRow(run.spec, run.status, row),
})

/** The row of an action whose owner ended while it ran: nobody knows what it did, unless it changes nothing. */
export function leftOver({ action, row }: Entry, now: number): RunRow {
  const nothing = changedNothing(action)
  const ended = { ...row, completionTimestamp: time(now) }
  if (nothing !== undefined) return { ...ended, phase: 'Skipped', message: nothing }
  const how =
    row.phase === 'Running' ? 'its owner ended while it ran' : 'it was cut short, and not done again'
  return { ...ended, phase: 'Unknown', message: `${how}; it may or may not have had its effect` }
}

/** Ends the run. */
export function settle(run: ActionRun, now: number, end: End): Step {
  const status: RunStatus = {
    ...run.status,
    phase: end.phase,
    reason: end.reason,
    message: end.message.slice(0, 32_000),
    completionTimestamp: time(now),
  }
  return { status, effects: [{ do: 'announce' }] }
}

/** An action that does not run any more; one that was cut short before may have had its effect all the same. */
function notRun(entry: Entry, now: number): RunRow {
  if (entry.row.cutShort === true) return leftOver(entry, now)
  const message = 'an action before it ended the stage'
  return { ...entry.row, phase: 'Skipped', completionTimestamp: time(now), message }
}

/** Ends the stage at once: what has not run is skipped. */
export function stopStage(run: ActionRun, end: End, now: number): Step {
  let current = run
  for (const entry of entries(run.spec, run.status))
    if (entry.row.phase === 'Pending') current = put(current, notRun(entry, now))
  return settle(current, now, end)
}

/** Nothing is due now: the run waits for the next claim, or is finished if nothing is left. */
export function rest(run: ActionRun, progress: Progress | undefined, now: number): Step {
  const waits = entries(run.spec, run.status).some(({ row }) => row.phase === 'Pending')
  return waits ? { status: { ...run.status, phase: 'Pending' }, effects: [] } : finish(run, progress, now)
}

function finish(run: ActionRun, progress: Progress | undefined, now: number): Step {
  const rows = entries(run.spec, run.status)
  const count = (phase: string) => rows.filter(({ row }) => row.phase === phase).length
  const unknown = count('Unknown') === 0 ? '' : `${count('Unknown')} unknown, `
  const message = `${count('Succeeded')} succeeded, ${count('Failed')} failed, ${unknown}${count('Skipped')} skipped`
  const ended: ActionRun =
    progress?.ended === undefined ? run : { ...run, status: { ...run.status, endedAs: progress.ended } }
  // At a pre stage it says onError: Continue, or it would have ended the stage: the object may start.
  if (count('Unknown') > 0 && !isPre(run))
    return settle(ended, now, { phase: 'Unknown', reason: 'OwnerLost', message })
  if (count('Succeeded') + count('Failed') + count('Unknown') === 0)
    return settle(ended, now, { phase: 'Skipped', reason: 'NothingToDo', message })
  // An action that is only tried out decides about nothing.
  const failed =
    !isPre(run) && rows.some(({ action, row }) => row.phase === 'Failed' && !specOf(action).dryRun)
  return settle(ended, now, {
    phase: failed ? 'Failed' : 'Succeeded',
    reason: failed ? 'ActionFailed' : 'Done',
    message,
  })
}
