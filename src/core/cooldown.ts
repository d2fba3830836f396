/**
 * The cool-down: Velero answers a refused scheduled Backup by creating another under a new name, for ever (24 in seven
 * minutes were seen), and GitOps tools create a refused object again and again. Derived from the recorded runs, so that
 * a restart forgets nothing. Any change of a matching Action ends it.
 */
import type { ActionRun } from '../api/action-run.ts'
import { endedAt, endedPhase } from './run/ending.ts'
import { recordedAt } from './run/recorded.ts'

const firstMs = 5 * 60_000
const longestMs = 60 * 60_000
const identical = 3
const windowMs = 5 * 60_000

/** What is asked for. */
export type CooldownRequest = {
  /** The Schedule that made the Backup, or '' for one that a person or a pipeline creates. */
  readonly schedule: string
  /** Who asks. The label of a Schedule is anybody's to write: its runs are those that the same account asked for. */
  readonly requestedBy: string
  readonly fingerprint: string
  readonly actionsHash: string
  /** What ended at this time or before counts no more (`resetAtOf`). */
  readonly resetAt?: number
}

/** On a Schedule: a time in RFC 3339. Refusals that ended until then count no more; the guard lets whoever holds `release` write it. */
export const resetAnnotation = 'tidewaiter.io/cooldown-reset'

/** Until when the refusals of a Schedule count no more, by its annotations; undefined if they all count. */
export function resetAtOf(annotations: Readonly<Record<string, string>>, now: number): number | undefined {
  const at = Date.parse(annotations[resetAnnotation] ?? '')
  // A time to come would switch the cool-down off until then.
  return at <= now ? at : undefined
}

/** Until when the same answer is given without running anything, and which run gave it. */
export type Cooldown = {
  readonly until: number
  readonly run: ActionRun
  /** The newest runs: without them there is no cool-down. One, unless runs that came close together say the same. */
  readonly holding: readonly ActionRun[]
}

// An answer has room for so many names; who deletes them is told the next ones.
const mostHolding = 20

/** The cool-down in force, from the runs of the same stage in the namespace; undefined if there is none. */
export function cooldownOf(
  request: CooldownRequest,
  runs: readonly ActionRun[],
  now: number,
): Cooldown | undefined {
  const own = newestFirst(runs.map((run) => dated(run, now)).filter((run) => isOwn(run, request)))
  const untilOf = request.schedule === '' ? ofPeople : ofSchedule
  const until = untilOf(request, own)
  const [run] = own
  if (run === undefined || until <= now) return undefined
  let held = 1
  while (held < mostHolding && untilOf(request, own.slice(held)) > now) held += 1
  return { until, run, holding: own.slice(0, held) }
}

/** One that ended ahead of our clock counts from its creation, of which the API server said when: a clock was set forth and back. */
function dated(run: ActionRun, now: number): ActionRun {
  const { completionTimestamp } = run.status
  if (completionTimestamp === undefined || recordedAt(completionTimestamp, now) > 0) return run
  return { ...run, status: { ...run.status, completionTimestamp: run.metadata.creationTimestamp } }
}

/** What runs of a stage can be found by, when the same is asked for again: `cooldownKeysOf` gives it for each run. */
export const cooldownKey = (
  stage: string,
  { schedule, requestedBy, fingerprint }: Pick<CooldownRequest, 'schedule' | 'requestedBy' | 'fingerprint'>,
): string => JSON.stringify(schedule === '' ? [stage, fingerprint] : [stage, schedule, requestedBy])

/** The keys under which a run is to be found. */
export function cooldownKeysOf({ spec }: ActionRun): readonly string[] {
  const { stage, scheduleName = '', requestedBy = '', fingerprint } = spec
  const asked = { requestedBy, fingerprint }
  const byRequest = cooldownKey(stage, { ...asked, schedule: '' })
  return scheduleName === ''
    ? [byRequest]
    : [byRequest, cooldownKey(stage, { ...asked, schedule: scheduleName })]
}

function isOwn(run: ActionRun, request: CooldownRequest): boolean {
  const { scheduleName, requestedBy, fingerprint } = run.spec
  if (request.schedule === '') return fingerprint === request.fingerprint
  const isIts = scheduleName === request.schedule && requestedBy === request.requestedBy
  return isIts && !(endedAt(run) <= (request.resetAt ?? Number.NaN))
}

/** Those that ended. */
const newestFirst = (runs: readonly ActionRun[]): readonly ActionRun[] =>
  runs
    .filter(({ status }) => status.completionTimestamp !== undefined)
    .map((run) => ({ run, at: endedAt(run) }))
    .sort((a, b) => b.at - a.at)
    .map(({ run }) => run)

// Not what a client gave up, or a replica that stopped on purpose: those say nothing about the action.
const failures: ReadonlySet<string> = new Set(['ActionFailed', 'OutOfTime', 'OwnerLost'])

type Wanted = Pick<CooldownRequest, 'actionsHash'>
const refusedAlike = (run: ActionRun, request: Wanted): boolean =>
  ['Refused', 'Unknown'].includes(endedPhase(run)) &&
  failures.has(run.status.reason ?? '') &&
  run.spec.actionsHash === request.actionsHash

/** Until when a Schedule waits, by its own runs, newest first; 0 if it need not. */
function ofSchedule(request: Wanted, own: readonly ActionRun[]): number {
  const streak = streakOf(request, own)
  const [last] = streak
  if (last === undefined) return 0
  // A held Backup that fails is there, and Velero makes no other in its place: the next one runs its actions when it is due.
  if (last.spec.held === true) return endedAt(last)
  return endedAt(last) + Math.min(firstMs * 2 ** Math.min(streak.length - 1, 8), longestMs)
}

/** The refusals since the last run that was none, newest first. */
function streakOf(request: Wanted, own: readonly ActionRun[]): readonly ActionRun[] {
  const firstOther = own.findIndex((run) => !refusedAlike(run, request))
  return firstOther === -1 ? own : own.slice(0, firstOther)
}

/** Until when a person waits, by the runs of identical requests, newest first; 0 if nobody need. */
function ofPeople(request: Wanted, own: readonly ActionRun[]): number {
  const latest = own.slice(0, identical)
  const [last] = latest
  const oldest = latest[identical - 1]
  if (last === undefined || oldest === undefined) return 0
  if (!latest.every((run) => refusedAlike(run, request)) || endedAt(last) - endedAt(oldest) > windowMs)
    return 0
  return endedAt(oldest) + windowMs
}

/** The refusals of one Schedule in a row, and until when nothing is run for it because of them; that may be past. */
export type ScheduleStreak = {
  readonly schedule: string
  readonly refusals: number
  readonly until: number
  /** The newest. */
  readonly run: ActionRun
}

/** The Schedules of which the newest Backup was refused, by the runs of the stage PreBackup that Velero asked for, and since when those count. */
export function scheduleStreaks(
  runs: readonly ActionRun[],
  resetAt: (schedule: string) => number | undefined = () => undefined,
): readonly ScheduleStreak[] {
  const groups = Map.groupBy(runs, ({ spec }) => spec.scheduleName ?? '')
  groups.delete('')
  return [...groups].flatMap(([schedule, group]) => {
    const reset = resetAt(schedule) ?? Number.NaN
    const own = newestFirst(group.filter((run) => !(endedAt(run) <= reset)))
    const [run] = own
    if (run === undefined) return []
    const refusals = streakOf(run.spec, own).length
    return refusals === 0 ? [] : [{ schedule, refusals, until: ofSchedule(run.spec, own), run }]
  })
}

// More refusals make no longer wait: 5, 10, 20, 40 minutes, an hour.
const mostThatMatter = 5

/** The uids of the runs by which cool-downs are in force: without them a wait would be shorter, or none. */
export function holdingCooldowns(runs: readonly ActionRun[], now: number): ReadonlySet<string> {
  const pre = runs.filter(({ spec }) => spec.stage.startsWith('Pre'))
  const scheduled = pre.filter(({ spec }) => spec.scheduleName !== undefined)
  const bySchedule = Map.groupBy(scheduled, ({ spec }) => `${spec.scheduleName} ${spec.requestedBy}`)
  const byRequest = Map.groupBy(pre, ({ spec }) => `${spec.stage} ${spec.fingerprint}`)
  const held = [
    ...holdingOf(bySchedule.values(), now, { untilOf: ofSchedule, most: mostThatMatter }),
    ...holdingOf(byRequest.values(), now, { untilOf: ofPeople, most: identical }),
  ]
  return new Set(held.map(({ metadata }) => metadata.uid))
}

type Rule = {
  readonly untilOf: (request: Wanted, own: readonly ActionRun[]) => number
  readonly most: number
}

function holdingOf(
  groups: Iterable<readonly ActionRun[]>,
  now: number,
  { untilOf, most }: Rule,
): readonly ActionRun[] {
  return [...groups].flatMap((group) => {
    const own = newestFirst(group)
    const [run] = own
    return run === undefined || untilOf(run.spec, own) <= now ? [] : own.slice(0, most)
  })
}
