/**
 * The cool-down: Velero answers a refused scheduled Backup by creating another under a new name, for ever (24 in seven
 * minutes were seen), and GitOps tools create a refused object again and again. Derived from the recorded runs, so that
 * a restart forgets nothing. Any change of a matching Action ends it.
 */
import type { ActionRun } from '../api/action-run.ts'
import { endedAt, endedPhase } from './run/ending.ts'

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
  const own = runs
    .filter((run) => run.status.completionTimestamp !== undefined && isOwn(run, request))
    .sort((a, b) => endedAt(b) - endedAt(a))
  const untilOf = request.schedule === '' ? ofPeople : ofSchedule
  const until = untilOf(request, own)
  const [run] = own
  if (run === undefined || until <= now) return undefined
  let held = 1
  while (held < mostHolding && untilOf(request, own.slice(held)) > now) held += 1
  return { until, run, holding: own.slice(0, held) }
}

const isOwn = ({ spec }: ActionRun, request: CooldownRequest): boolean =>
  request.schedule === ''
    ? spec.fingerprint === request.fingerprint
    : spec.scheduleName === request.schedule && spec.requestedBy === request.requestedBy

// Not what a client gave up, or a replica that stopped on purpose: those say nothing about the action.
const failures: ReadonlySet<string> = new Set(['ActionFailed', 'OutOfTime', 'OwnerLost'])

const refusedAlike = (run: ActionRun, request: CooldownRequest): boolean =>
  ['Refused', 'Unknown'].includes(endedPhase(run)) &&
  failures.has(run.status.reason ?? '') &&
  run.spec.actionsHash === request.actionsHash

/** Until when a Schedule waits, by its own runs, newest first; 0 if it need not. */
function ofSchedule(request: CooldownRequest, own: readonly ActionRun[]): number {
  const firstOther = own.findIndex((run) => !refusedAlike(run, request))
  const streak = firstOther === -1 ? own : own.slice(0, firstOther)
  const [last] = streak
  if (last === undefined) return 0
  return endedAt(last) + Math.min(firstMs * 2 ** Math.min(streak.length - 1, 8), longestMs)
}

/** Until when a person waits, by the runs of identical requests, newest first; 0 if nobody need. */
function ofPeople(request: CooldownRequest, own: readonly ActionRun[]): number {
  const latest = own.slice(0, identical)
  const [last] = latest
  const oldest = latest[identical - 1]
  if (last === undefined || oldest === undefined) return 0
  if (!latest.every((run) => refusedAlike(run, request)) || endedAt(last) - endedAt(oldest) > windowMs)
    return 0
  return endedAt(oldest) + windowMs
}
