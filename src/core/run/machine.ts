/**
 * The life of a run, as a pure function: what is seen changes the status, and says what to do next. Admission, post,
 * hold and undo are drivers of this one machine.
 *
 * The contract with every driver: write the returned status first (with the resourceVersion of the run that was
 * stepped), and only if that write succeeded carry out the effects. What is not recorded does not happen.
 */
import type { ActionRun, RunRow, RunStatus } from '../../api/action-run.ts'
import type { Outcome } from '../outcome.ts'
import type { Progress } from '../velero.ts'
import { disposition, entries, specOf, withRow, type Entry } from './rows.ts'
import { afterUndo, startUndo } from './undo.ts'

/** Why a run was cut short. */
export type AbortReason = 'OutOfTime' | 'ClientGone' | 'Stopping'

/** What a driver sees. Times are milliseconds since the epoch. */
export type Seen =
  /** The driver takes the run, or goes on with it, until a deadline. `progress` is given at post stages. */
  | { readonly see: 'claim'; readonly owner: string; readonly until: number; readonly progress?: Progress }
  /** An action that was performed ended. */
  | {
      readonly see: 'outcome'
      readonly action: string
      readonly outcome: Outcome
      readonly progress?: Progress
      readonly because?: AbortReason
    }
  /** The stage is cut short before its next action. */
  | { readonly see: 'abort'; readonly reason: AbortReason; readonly message: string }
  /** The owner's deadline and a margin have passed: the leader takes what is left over. */
  | { readonly see: 'overdue'; readonly owner: string; readonly until: number; readonly progress?: Progress }
  /** The object never started: what was done is to be undone. */
  | { readonly see: 'undo'; readonly owner: string; readonly until: number }
  /** An undo ended. */
  | { readonly see: 'undone'; readonly action: string; readonly outcome: Outcome }
  /** The object never came to be, or ended in a way that no action names. */
  | { readonly see: 'pointless'; readonly message: string }

/** What a driver is to do, after the status was written. */
export type Effect =
  | { readonly do: 'perform'; readonly action: string; readonly renderOnly: boolean }
  | { readonly do: 'undo'; readonly action: string }
  /** The run ended: Events, annotation, metrics. */
  | { readonly do: 'announce' }
  /** Nobody knows what the action did; a person must look. */
  | { readonly do: 'report-unknown'; readonly action: string }

/** The new status, and what to do once it is written. An unchanged status needs no write. */
export type Step = { readonly status: RunStatus; readonly effects: readonly Effect[] }

/** Phases in which nothing is left to do (an undo may still follow Refused, Failed, Unknown or Succeeded). */
export const settled: ReadonlySet<string> = new Set([
  'Succeeded',
  'Refused',
  'Failed',
  'Undone',
  'Skipped',
  'Unknown',
])

// What an owner has beyond the action's own timeout to write down how it ended.
const slackMs = 5_000

const isPre = (run: ActionRun): boolean => run.spec.stage.startsWith('Pre')
const time = (ms: number): string => new Date(ms).toISOString()

type Phase = NonNullable<RunStatus['phase']>

/** The phases in which a sight means something; in any other the run stays as it is. */
const heeds: Readonly<Record<Seen['see'], readonly Phase[]>> = {
  claim: ['Pending'],
  outcome: ['Running'],
  abort: ['Pending', 'Running'],
  overdue: ['Running'],
  undo: ['Succeeded', 'Refused', 'Failed', 'Unknown', 'Undoing'],
  undone: ['Undoing'],
  pointless: ['Pending'],
}

/** What becomes of a run when this is seen. Pure. */
export function step(run: ActionRun, seen: Seen, now: number): Step {
  if (!heeds[seen.see].includes(run.status.phase ?? 'Pending')) return still(run)
  switch (seen.see) {
    case 'claim':
      return goOn(claimed(run, seen, now), seen.progress, now)
    case 'outcome':
      return afterOutcome(run, seen, now)
    case 'abort':
      return aborted(run, seen, now)
    case 'overdue':
      return takenOver(run, seen, now)
    case 'undo':
      return startUndo(run, seen, now)
    case 'undone':
      return afterUndo(run, seen, now)
    case 'pointless':
      return settle(run, now, { phase: 'Skipped', reason: 'Pointless', message: seen.message })
  }
}

const still = (run: ActionRun): Step => ({ status: run.status, effects: [] })

function claimed(
  run: ActionRun,
  claim: { readonly owner: string; readonly until: number },
  now: number,
): ActionRun {
  const status: RunStatus = {
    ...run.status,
    phase: 'Running',
    owner: claim.owner,
    deadline: time(claim.until),
    startTimestamp: run.status.startTimestamp ?? time(now),
  }
  return { ...run, status }
}

/** Takes the next action that is due; ends the run when none is left; goes back to Pending when the rest must wait. */
function goOn(run: ActionRun, progress: Progress | undefined, now: number): Step {
  let current = run
  for (const { action, row } of entries(run.spec, run.status)) {
    if (row.phase !== 'Pending') continue
    const what = disposition(action, progress)
    if (what === 'due') return start(current, row, now)
    if (what !== 'wait')
      current = put(current, {
        ...row,
        phase: 'Skipped',
        completionTimestamp: time(now),
        message: what.never,
      })
  }
  if (entries(current.spec, current.status).some(({ row }) => row.phase === 'Pending')) {
    return { status: { ...current.status, phase: 'Pending' }, effects: [] }
  }
  return finish(current, progress, now)
}

function start(run: ActionRun, row: RunRow, now: number): Step {
  const entry = entries(run.spec, run.status).find(({ action }) => action.name === row.name)
  const running: RunRow = {
    ...row,
    phase: 'Running',
    startTimestamp: row.startTimestamp ?? time(now),
    attempts: row.attempts,
  }
  const renderOnly = entry !== undefined && specOf(entry.action).dryRun
  const status = put(run, running).status
  // A post stage may last for hours: its deadline moves with each action. A pre stage ends with its admission request.
  const deadline =
    entry === undefined || isPre(run)
      ? {}
      : { deadline: time(now + specOf(entry.action).timeoutSeconds * 1000 + slackMs) }
  return { status: { ...status, ...deadline }, effects: [{ do: 'perform', action: row.name, renderOnly }] }
}

const put = (run: ActionRun, row: RunRow): ActionRun => ({
  ...run,
  status: withRow(run.spec, run.status, row),
})

function entryOf(run: ActionRun, name: string): Entry | undefined {
  return entries(run.spec, run.status).find(({ action }) => action.name === name)
}

function afterOutcome(run: ActionRun, seen: Extract<Seen, { see: 'outcome' }>, now: number): Step {
  const entry = entryOf(run, seen.action)
  if (entry === undefined || entry.row.phase !== 'Running') return still(run)
  const { outcome } = seen
  const after = put(run, rowAfter(entry.row, outcome, now))
  if (outcome.status === 'done') return goOn(after, seen.progress, now)
  const cutShort = outcome.cause === 'aborted'
  if (!cutShort && specOf(entry.action).onError === 'Continue') return goOn(after, seen.progress, now)
  const reason = cutShort ? (seen.because ?? 'Stopping') : 'ActionFailed'
  return stopStage(after, { phase: isPre(run) ? 'Refused' : 'Failed', reason, message: outcome.message }, now)
}

function rowAfter(row: RunRow, outcome: Outcome, now: number): RunRow {
  return {
    ...row,
    phase: outcome.status === 'done' ? 'Succeeded' : 'Failed',
    attempts: row.attempts + outcome.attempts,
    completionTimestamp: time(now),
    message: outcome.message.slice(0, 4096),
    request: outcome.request.slice(0, 8192),
    ...(outcome.status === 'done' && Object.keys(outcome.outputs).length > 0
      ? { outputs: outcome.outputs }
      : {}),
  }
}

type End = { readonly phase: Phase; readonly reason: string; readonly message: string }

/** Ends the stage at once: what has not run is skipped. */
function stopStage(run: ActionRun, end: End, now: number): Step {
  let current = run
  for (const { row } of entries(run.spec, run.status)) {
    if (row.phase !== 'Pending') continue
    current = put(current, {
      ...row,
      phase: 'Skipped',
      completionTimestamp: time(now),
      message: 'an action before it ended the stage',
    })
  }
  return settle(current, now, end)
}

function settle(run: ActionRun, now: number, end: End): Step {
  const status: RunStatus = {
    ...run.status,
    phase: end.phase,
    reason: end.reason,
    message: end.message.slice(0, 32_000),
    completionTimestamp: time(now),
  }
  return { status, effects: [{ do: 'announce' }] }
}

function finish(run: ActionRun, progress: Progress | undefined, now: number): Step {
  const rows = entries(run.spec, run.status)
  const count = (phase: string) => rows.filter(({ row }) => row.phase === phase).length
  const message = `${count('Succeeded')} succeeded, ${count('Failed')} failed, ${count('Skipped')} skipped`
  const ended: ActionRun =
    progress?.ended === undefined ? run : { ...run, status: { ...run.status, endedAs: progress.ended } }
  if (count('Unknown') > 0) return settle(ended, now, { phase: 'Unknown', reason: 'OwnerLost', message })
  if (count('Succeeded') + count('Failed') === 0)
    return settle(ended, now, { phase: 'Skipped', reason: 'NothingToDo', message })
  const failed = !isPre(run) && count('Failed') > 0
  return settle(ended, now, {
    phase: failed ? 'Failed' : 'Succeeded',
    reason: failed ? 'ActionFailed' : 'Done',
    message,
  })
}

function aborted(run: ActionRun, seen: Extract<Seen, { see: 'abort' }>, now: number): Step {
  return stopStage(
    run,
    { phase: isPre(run) ? 'Refused' : 'Failed', reason: seen.reason, message: seen.message },
    now,
  )
}

/**
 * The owner is gone. A pre stage is over (nobody waits for its answer any more): what was running is Unknown. A post
 * stage goes on: an idempotent action is done again with the same key, another one is left Unknown and reported.
 */
function takenOver(run: ActionRun, seen: Extract<Seen, { see: 'overdue' }>, now: number): Step {
  const lost = entries(run.spec, run.status).find(({ row }) => row.phase === 'Running')
  if (isPre(run)) {
    const after = lost === undefined ? run : put(run, unknown(lost.row, now))
    const message = 'the replica that ran this stage ended before it answered'
    const { status, effects } = stopStage(after, { phase: 'Unknown', reason: 'OwnerLost', message }, now)
    return { status, effects: [...effects, ...reports(lost)] }
  }
  const mine = claimed(run, seen, now)
  if (lost === undefined) return goOn(mine, seen.progress, now)
  if (specOf(lost.action).idempotent) return start(mine, lost.row, now)
  const after = put(mine, unknown(lost.row, now))
  const next =
    specOf(lost.action).onError === 'Continue'
      ? goOn(after, seen.progress, now)
      : stopStage(
          after,
          { phase: 'Unknown', reason: 'OwnerLost', message: `nobody knows what ${lost.action.name} did` },
          now,
        )
  return { status: next.status, effects: [...next.effects, ...reports(lost)] }
}

const unknown = (row: RunRow, now: number): RunRow => ({
  ...row,
  phase: 'Unknown',
  completionTimestamp: time(now),
  message: 'its owner ended while it ran; it may or may not have had its effect',
})

const reports = (lost: Entry | undefined): readonly Effect[] =>
  lost === undefined ? [] : [{ do: 'report-unknown', action: lost.action.name }]
