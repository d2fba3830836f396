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
import {
  endedPhase,
  isInline,
  isPre,
  put,
  rest,
  settle,
  slackMs,
  stopStage,
  time,
  leftOver,
  type End,
} from './ending.ts'
import { changedNothing, disposition, entries, specOf, type Entry } from './rows.ts'
import { afterUndo, startUndo, type UndoScope } from './undo.ts'

/** Why a run was cut short. The last five: of a held object. */
export type AbortReason =
  | 'OutOfTime'
  | 'ClientGone'
  | 'Stopping'
  | 'HeldTooLong'
  | 'Released'
  | 'Deleted'
  | 'Aborted'
  | 'NeverAppeared'

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
      /** Who cut it short, and why, where somebody said so. */
      readonly words?: string
    }
  /** The stage is cut short before its next action. */
  | { readonly see: 'abort'; readonly reason: AbortReason; readonly message: string }
  /** The owner's deadline and a margin have passed: the leader takes what is left over. */
  | { readonly see: 'overdue'; readonly owner: string; readonly until: number; readonly progress?: Progress }
  /** What was done is to be undone, as far as `scope` says; or its undo is to be tried again. */
  | { readonly see: 'undo'; readonly owner: string; readonly scope: UndoScope }
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
  /** The undo of the action fails for long; it is tried again from time to time. */
  | { readonly do: 'report-stuck'; readonly action: string }

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

/** Whether the stage of a run has ended; its actions may still be undone. */
export const hasEnded = (run: ActionRun): boolean => settled.has(endedPhase(run))

type Phase = NonNullable<RunStatus['phase']>

/** The phases in which a sight means something; in any other the run stays as it is. */
const heeds: Readonly<Record<Seen['see'], readonly Phase[]>> = {
  claim: ['Pending'],
  outcome: ['Running'],
  abort: ['Pending', 'Running'],
  overdue: ['Running'],
  undo: ['Succeeded', 'Refused', 'Unknown', 'Skipped', 'Undoing'],
  undone: ['Undoing'],
  pointless: ['Pending'],
}

/** What becomes of a run when this is seen. Pure. */
export function step(run: ActionRun, seen: Seen, now: number): Step {
  if (!heeds[seen.see].includes(run.status.phase ?? 'Pending')) return still(run)
  switch (seen.see) {
    case 'claim':
      return unlessIdle(run, goOn(claimed(run, seen, now), seen.progress, now))
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

/** A claim that finds nothing due leaves no trace: its write would be seen, bring the run up again, and so on for hours. */
const unlessIdle = (run: ActionRun, next: Step): Step =>
  next.status.phase === 'Pending' && next.status.actions === run.status.actions ? still(run) : next

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
  for (const entry of entries(run.spec, run.status)) {
    if (entry.row.phase !== 'Pending') continue
    const what = disposition(entry.action, progress)
    if (what === 'due') return start(current, entry, now)
    if (what !== 'wait')
      current = put(current, {
        ...entry.row,
        phase: 'Skipped',
        completionTimestamp: time(now),
        message: what.never,
      })
  }
  return rest(current, progress, now)
}

function start(run: ActionRun, { action, row }: Entry, now: number): Step {
  const { dryRun, timeoutSeconds } = specOf(action)
  const { completionTimestamp: _returned, ...open } = neverSent(row) ? fresh(row) : row
  const startTimestamp = open.startTimestamp ?? time(now)
  const { status } = put(run, { ...open, phase: 'Running', startTimestamp })
  const isFirst = entries(run.spec, run.status).every(
    (other) => other.row.name === row.name || other.row.startTimestamp === undefined,
  )
  // A stage may last for hours: its deadline moves with each action. One inside an admission request ends with that.
  const deadline = isInline(run) ? {} : { deadline: time(now + timeoutSeconds * 1000 + slackMs) }
  const effects: readonly Effect[] = [{ do: 'perform', action: row.name, renderOnly: dryRun }]
  return { status: { ...status, ...deadline, ...(isFirst ? { startTimestamp } : {}) }, effects }
}

/** It came back without a try: it waited for an exclusive key. That wait is no part of what it takes. */
const neverSent = (row: RunRow): boolean =>
  row.completionTimestamp !== undefined && row.attempts === 0 && row.cutShort !== true

const fresh = ({ startTimestamp: _waited, message: _why, ...row }: RunRow): RunRow => row

type Outcomes = Extract<Seen, { readonly see: 'outcome' }>

function afterOutcome(run: ActionRun, seen: Outcomes, now: number): Step {
  const entry = entries(run.spec, run.status).find(({ action }) => action.name === seen.action)
  if (entry === undefined || entry.row.phase !== 'Running') return still(run)
  const { outcome } = seen
  const after = put(run, rowAfter(entry.row, outcome, now))
  if (outcome.status === 'done') return goOn(after, seen.progress, now)
  if (!isInline(run) && comesAgain(entry, { seen, outcome }))
    return handedBack(run, entry, { seen, outcome, now })
  const end = endAfter(run, entry, { seen, outcome })
  return end === undefined ? goOn(after, seen.progress, now) : stopStage(after, end, now)
}

/** How the stage ends because an action failed; undefined if it goes on. */
function endAfter(
  run: ActionRun,
  { action }: Entry,
  { seen, outcome }: Omit<CutShort, 'now'>,
): End | undefined {
  const message = seen.words === undefined ? outcome.message : `${seen.words}; ${outcome.message}`
  const { dryRun, onError } = specOf(action)
  // Nobody waits for the answer any more: an action after this one would have no time either.
  const cutShort = outcome.cause === 'aborted' ? (seen.because ?? 'Stopping') : seen.because
  // An action that is only tried out decides about nothing, nor does the time it took: if none is left, the next one finds that.
  const itsOwn = dryRun && cutShort === 'OutOfTime'
  if (isPre(run) && cutShort !== undefined && !itsOwn)
    return { phase: phaseAfter(cutShort), reason: cutShort, message }
  const passedOver = onError === 'Continue' || dryRun
  return passedOver ? undefined : { phase: phaseOnError(run), reason: 'ActionFailed', message }
}

const phaseOnError = (run: ActionRun): 'Refused' | 'Failed' => (isPre(run) ? 'Refused' : 'Failed')

/** Who lifts a hold wants the object to run without the rest: nothing was refused. */
const phaseAfter = (reason: AbortReason): Phase => (reason === 'Released' ? 'Skipped' : 'Refused')

// A tool of ours that is broken for longer than this many looks (about 25 minutes) ends the action.
const mostReturns = 100

/**
 * Whether an action that failed is to be done again: its owner stops, another object has its exclusive key, or a tool of ours
 * failed before anything was sent.
 */
function comesAgain({ row }: Entry, { seen, outcome }: Omit<CutShort, 'now'>): boolean {
  if (outcome.cause === 'aborted') return (seen.because ?? 'Stopping') === 'Stopping'
  // What cuts the stage short cuts the wait for a key short too.
  if (outcome.cause === 'exclusive') return seen.because === undefined
  return outcome.cause === 'internal' && !outcome.mayHaveHadEffect && row.attempts < mostReturns
}

function rowAfter(row: RunRow, outcome: Outcome, now: number): RunRow {
  return {
    ...row,
    phase: outcome.status === 'done' ? 'Succeeded' : 'Failed',
    attempts: row.attempts + outcome.attempts,
    completionTimestamp: time(now),
    message: outcome.message.slice(0, 4096),
    request: outcome.request.slice(0, 8192),
    // What an attempt before this one did is not known.
    ...(outcome.status === 'failed' && !outcome.mayHaveHadEffect && row.cutShort !== true
      ? { noEffect: true }
      : {}),
    ...(outcome.status === 'done' && Object.keys(outcome.outputs).length > 0
      ? { outputs: outcome.outputs }
      : {}),
  }
}

/** Doing it again does no harm: it says so, or it changes nothing. */
const mayRepeat = ({ action }: Entry): boolean =>
  specOf(action).idempotent || changedNothing(action) !== undefined

type CutShort = {
  readonly seen: Outcomes
  readonly outcome: Extract<Outcome, { readonly status: 'failed' }>
  readonly now: number
}

/**
 * The owner of a stage that nobody waits for stops in the middle of an action. Nothing may be lost: the next owner goes on,
 * as it would after a crash.
 */
function handedBack(run: ActionRun, entry: Entry, { seen, outcome, now }: CutShort): Step {
  const waits = outcome.cause === 'exclusive'
  const attempts = entry.row.attempts + (waits ? 0 : Math.max(1, outcome.attempts))
  const message = `${waits ? 'waits' : 'cut short, to be done again'}: ${outcome.message}`.slice(0, 4096)
  // When it came back: what another holds, or a broken tool of ours handed back, is not begun again at once.
  const since = outcome.cause === 'aborted' ? {} : { completionTimestamp: time(now) }
  const cutShort = outcome.mayHaveHadEffect ? { cutShort: true } : {}
  const after = put(run, { ...entry.row, phase: 'Pending', attempts, message, ...since, ...cutShort })
  if (mayRepeat(entry) || !outcome.mayHaveHadEffect) return rest(after, seen.progress, now)
  const cut = { ...entry, row: { ...entry.row, attempts } }
  return leftUnknown(run, cut, { now, next: (left) => rest(left, seen.progress, now) })
}

function aborted(run: ActionRun, seen: Extract<Seen, { see: 'abort' }>, now: number): Step {
  const phase = isPre(run) ? phaseAfter(seen.reason) : phaseOnError(run)
  const end = { phase, reason: seen.reason, message: seen.message } as const
  const lost = running(run)
  if (lost === undefined) return stopStage(run, end, now)
  const { status, effects } = stopStage(put(run, leftOver(lost, now)), end, now)
  return { status, effects: [...effects, ...report(lost)] }
}

const running = (run: ActionRun): Entry | undefined =>
  entries(run.spec, run.status).find(({ row }) => row.phase === 'Running')

/**
 * The owner is gone. A stage inside an admission request is over (nobody waits for its answer any more): what was running is
 * Unknown. Any other goes on: an idempotent action is done again with the same key, another one is left Unknown and reported.
 */
function takenOver(run: ActionRun, seen: Extract<Seen, { see: 'overdue' }>, now: number): Step {
  const lost = running(run)
  if (isInline(run)) {
    const after = lost === undefined ? run : put(run, leftOver(lost, now))
    const message = 'the replica that ran this stage ended before it answered'
    const { status, effects } = stopStage(after, { phase: 'Unknown', reason: 'OwnerLost', message }, now)
    return { status, effects: lost === undefined ? effects : [...effects, ...report(lost)] }
  }
  const mine = claimed(run, seen, now)
  if (lost === undefined) return goOn(mine, seen.progress, now)
  if (mayRepeat(lost)) return start(mine, { ...lost, row: { ...lost.row, cutShort: true } }, now)
  return leftUnknown(mine, lost, { now, next: (left) => goOn(left, seen.progress, now) })
}

type Leaving = { readonly now: number; readonly next: (run: ActionRun) => Step }

/** Nobody knows what this action did, and it must not be done again: reported, and the end of the stage unless it says Continue. */
function leftUnknown(run: ActionRun, lost: Entry, { now, next }: Leaving): Step {
  const left = put(run, leftOver(lost, now))
  const message = `nobody knows what ${lost.action.name} did`
  const goesOn = specOf(lost.action).onError === 'Continue'
  const { status, effects } = goesOn
    ? next(left)
    : stopStage(left, { phase: 'Unknown', reason: 'OwnerLost', message }, now)
  return { status, effects: [...effects, ...report(lost)] }
}

const report = ({ action }: Entry): readonly Effect[] =>
  changedNothing(action) !== undefined ? [] : [{ do: 'report-unknown', action: action.name }]
