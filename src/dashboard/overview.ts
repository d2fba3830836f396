/** What the first page says: the state in a sentence, the numbers behind it, and what needs somebody. Pure. */
import type { ActionRun } from '../api/action-run.ts'
import { holds } from '../core/run/conditions.ts'
import { endedAt } from '../core/run/ending.ts'
import { settled } from '../core/run/machine.ts'
import { isStuck } from '../core/run/undo.ts'
import type { HoldRow } from './holds.ts'
import type { ObjectRow } from './objects.ts'
import type { ScheduleRow } from './schedules.ts'
import { counted } from './words.ts'

/** What it is made of; what the visitor may not see is absent. */
export type OverviewFacts = {
  readonly rows: readonly ObjectRow[]
  readonly held: readonly HoldRow[]
  readonly runs: readonly ActionRun[] | undefined
  readonly schedules: readonly ScheduleRow[]
  /** Refused (or failed by a fault of ours) within a day; absent where it is not known. */
  readonly refused: number | undefined
  /** Why this may not be all there is. */
  readonly doubts: readonly string[]
  readonly now: number
}

/** `unclear`: nothing needs somebody of what is known here, and that is not everything. */
export type State = 'well' | 'needy' | 'unclear'

/** The state. */
export type Overview = {
  readonly running: number | undefined
  readonly refused: number | undefined
  readonly unguarded: readonly ObjectRow[]
  readonly stuck: readonly ObjectRow[]
  /** Post stages that failed, and runs of which nobody knows what was done, within a day. */
  readonly failed: readonly ActionRun[]
  /** What is held, the longest first. */
  readonly held: readonly HoldRow[]
  /** Runs of which an undo fails for long. */
  readonly undoStuck: readonly ActionRun[]
  /** Runs whose object never came to be, within a day. */
  readonly orphaned: readonly ActionRun[]
  readonly refusedSchedules: readonly ScheduleRow[]
  readonly sentence: string
  readonly state: State
}

/** For how long a hold is nothing to speak of: what the alert HeldTooLong goes by. */
export const longHoldMs = 30 * 60_000
/** Within which time something is still news. */
export const dayMs = 86_400_000
const failures: ReadonlySet<string> = new Set(['Failed', 'Unknown'])

type Findings = Omit<Overview, 'running' | 'refused' | 'sentence' | 'state'>

/** The state, by these facts. */
export function overviewOf(facts: OverviewFacts): Overview {
  const { runs, schedules, refused, doubts, now } = facts
  const findings = findingsIn(facts)
  const needs = needsOf(findings, now)
  return {
    ...findings,
    running: runs?.filter(({ status }) => isOpen(status)).length,
    refused,
    ...(needs.length > 0
      ? { state: 'needy', sentence: `${sentenceOf(needs)}.` }
      : doubts.length > 0
        ? {
            state: 'unclear',
            sentence: `Nothing that is known here needs anybody, but ${doubts.join('; ')}.`,
          }
        : { state: 'well', sentence: wellSentence(refused, schedules) }),
  }
}

function findingsIn({ rows, held, runs = [], schedules, now }: OverviewFacts): Findings {
  const isNews = (at: number) => now - at < dayMs
  return {
    unguarded: rows.filter(({ isUnguarded, at }) => isUnguarded && isNews(at)),
    stuck: rows.filter((row) => row.isStuck),
    failed: runs.filter(
      ({ status }) =>
        failures.has(status.phase ?? '') &&
        isNews(Date.parse(status.completionTimestamp ?? status.startTimestamp ?? '')),
    ),
    held: [...held].sort((a, b) => a.since - b.since),
    undoStuck: runs.filter(isStuck),
    orphaned: runs.filter((run) => holds(run, 'Orphaned') && isNews(endedAt(run))),
    refusedSchedules: schedules.filter(({ refusedInARow }) => refusedInARow > 0),
  }
}

/** What needs somebody, in words; what nobody need look at says nothing. */
function needsOf(found: Findings, now: number): readonly string[] {
  const { refusedSchedules, unguarded, stuck, failed, held, undoStuck, orphaned } = found
  const long = held.filter(({ since }) => now - since > longHoldMs)
  const all: readonly (readonly [readonly unknown[], (count: number) => string])[] = [
    [refusedSchedules, () => scheduleSentence(refusedSchedules)],
    [unguarded, (count) => `${counted(count, 'object')} began without the actions before it`],
    [stuck, (count) => `${counted(count, 'object')} ${isAre(count)} stuck`],
    [failed, (count) => `${counted(count, 'run')} failed`],
    [
      undoStuck,
      (count) => `what ${counted(count, 'run')} did could not be undone, and something may be frozen still`,
    ],
    [long, (count) => `${counted(count, 'object')} ${isAre(count)} held for more than half an hour`],
    [
      orphaned,
      (count) =>
        `${counted(count, 'object')} never came to be after ${count === 1 ? 'its' : 'their'} actions`,
    ],
  ]
  return all.flatMap(([some, say]) => (some.length === 0 ? [] : [say(some.length)]))
}

const sentenceOf = (needs: readonly string[]): string =>
  needs.map((one, i) => (i === 0 ? `${one.slice(0, 1).toUpperCase()}${one.slice(1)}` : one)).join('; ')

/** Waiting for its object to end is no work. */
const isOpen = ({ phase = 'Pending' }: ActionRun['status']): boolean =>
  !settled.has(phase) && phase !== 'Pending'

const isAre = (count: number): string => (count === 1 ? 'is' : 'are')

function scheduleSentence(refused: readonly ScheduleRow[]): string {
  const [only] = refused
  if (refused.length > 1 || only === undefined)
    return `The last Backups of ${counted(refused.length, 'Schedule')} were refused`
  const { name, refusedInARow: count } = only
  return count === 1
    ? `The last Backup of Schedule ${name} was refused`
    : `The last ${counted(count, 'Backup')} of Schedule ${name} were refused`
}

function wellSentence(refused = 0, schedules: readonly ScheduleRow[]): string {
  const admitted = schedules.filter(({ lastAdmitted }) => lastAdmitted !== undefined).length
  if (admitted > 0)
    return `The last Backup of ${admitted === 1 ? 'the Schedule' : `each of ${admitted} Schedules`} was admitted.`
  if (refused > 0)
    return `Nothing needs anybody now. ${counted(refused, 'request')} ${refused === 1 ? 'was' : 'were'} refused in the last 24 hours.`
  return 'Nothing needs anybody, and nothing was refused in the last 24 hours.'
}
