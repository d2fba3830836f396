/** What the first page says: the state in a sentence, the numbers behind it, and what needs somebody. Pure. */
import type { ActionRun } from '../api/action-run.ts'
import { settled } from '../core/run/machine.ts'
import type { ObjectRow } from './objects.ts'
import type { ScheduleRow } from './schedules.ts'
import { counted } from './words.ts'

/** What it is made of; what the visitor may not see is absent. */
export type OverviewFacts = {
  readonly rows: readonly ObjectRow[]
  readonly runs: readonly ActionRun[] | undefined
  readonly schedules: readonly ScheduleRow[]
  /** Refused (or failed by a fault of ours) within a day; absent where it is not known. */
  readonly refused: number | undefined
  readonly now: number
}

/** The state. */
export type Overview = {
  readonly running: number | undefined
  readonly refused: number | undefined
  readonly unguarded: readonly ObjectRow[]
  readonly stuck: readonly ObjectRow[]
  /** Post stages that failed, and runs of which nobody knows what was done, within a day. */
  readonly failed: readonly ActionRun[]
  readonly refusedSchedules: readonly ScheduleRow[]
  readonly sentence: string
  readonly isWell: boolean
}

/** Within which time something is still news. */
export const dayMs = 86_400_000
const failures: ReadonlySet<string> = new Set(['Failed', 'Unknown'])

/** The state, by these facts. */
export function overviewOf({ rows, runs, schedules, refused, now }: OverviewFacts): Overview {
  const isNews = (at: number) => now - at < dayMs
  const unguarded = rows.filter(({ isUnguarded, at }) => isUnguarded && isNews(at))
  const stuck = rows.filter(({ isStuck }) => isStuck)
  const failed = (runs ?? []).filter(
    ({ status }) =>
      failures.has(status.phase ?? '') &&
      isNews(Date.parse(status.completionTimestamp ?? status.startTimestamp ?? '')),
  )
  const refusedSchedules = schedules.filter(({ refusedInARow }) => refusedInARow > 0)
  const needs = [
    refusedSchedules.length === 0 ? undefined : scheduleSentence(refusedSchedules),
    unguarded.length === 0
      ? undefined
      : `${counted(unguarded.length, 'object')} began without the actions before it`,
    stuck.length === 0 ? undefined : `${counted(stuck.length, 'object')} ${isAre(stuck.length)} stuck`,
    failed.length === 0 ? undefined : `${counted(failed.length, 'run')} failed`,
  ].filter((one) => one !== undefined)
  return {
    running: runs?.filter(({ status }) => isOpen(status)).length,
    refused,
    unguarded,
    stuck,
    failed,
    refusedSchedules,
    sentence: needs.length > 0 ? `${needs.join('; ')}.` : wellSentence(refused, schedules),
    isWell: needs.length === 0,
  }
}

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

function wellSentence(refused: number | undefined, schedules: readonly ScheduleRow[]): string {
  const admitted = schedules.filter(({ lastAdmitted }) => lastAdmitted !== undefined).length
  if (admitted > 0)
    return `The last Backup of ${admitted === 1 ? 'the Schedule' : `each of ${admitted} Schedules`} was admitted.`
  if (refused === undefined) return 'Nothing that you may see needs anybody.'
  if (refused > 0)
    return `Nothing needs anybody now. ${counted(refused, 'request')} ${refused === 1 ? 'was' : 'were'} refused in the last 24 hours.`
  return 'Nothing needs anybody, and nothing was refused in the last 24 hours.'
}
