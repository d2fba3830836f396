/**
 * What a Schedule is told of its refused Backups. A refused Backup is no object that an Event could be about, and its
 * Schedule looks healthy. Derived from the recorded runs: told again, by whichever leader, it is the same Event.
 */
import type { ActionRun } from '../api/action-run.ts'
import { cooldownOf } from './cooldown.ts'
import { holds } from './run/conditions.ts'
import { endedAt, endedPhase } from './run/ending.ts'

/** Refusals of one Schedule for one cause. Times are milliseconds. */
export type ScheduleRefusal = {
  readonly schedule: string
  /** The same for the same action and kind of failure, whatever the words of the answer. */
  readonly cause: string
  readonly count: number
  readonly firstAt: number
  readonly lastAt: number
  readonly message: string
  /** The uids of the refusals before the newest. */
  readonly earlier: readonly string[]
}

// As long as the API server keeps an Event (--event-ttl): what was refused longer ago was told by a leader before.
const toldForMs = 60 * 60_000
// An Event's message has 1,024 characters: the answer of an action must not push the run's name out of it.
const longestAnswer = 500

/** Somebody wanted it gone, or it was refused by another. */
const notOurs: ReadonlySet<string> = new Set(['Unguarded', 'Deleted', 'Aborted', 'NeverAppeared'])

/** Unguarded is a Backup that began unasked, or although it was refused: it is there, and has an Event of its own. */
const wasRefused = (run: ActionRun): boolean => {
  const phase = endedPhase(run)
  if (run.spec.stage !== 'PreBackup' || holds(run, 'Unguarded')) return false
  return (phase === 'Refused' || phase === 'Unknown') && !notOurs.has(run.status.reason ?? '')
}

const failedRow = (run: ActionRun) => run.status.actions?.findLast(({ phase }) => phase === 'Failed')
const causeOf = (run: ActionRun): string => `${run.status.reason ?? ''}/${failedRow(run)?.name ?? ''}`

/**
 * What a settled run has to tell: of all refusals like it, if it is the newest; undefined if there is nothing. The run is
 * one that Velero asked for; `runs` are those of its namespace, whoever asked for them.
 */
export function scheduleRefusal(
  run: ActionRun,
  runs: readonly ActionRun[],
  now: number,
): ScheduleRefusal | undefined {
  const { scheduleName: schedule, requestedBy = '', fingerprint, actionsHash } = run.spec
  // What is past is most of the runs by far: nothing is compared for those.
  if (schedule === undefined || !wasRefused(run) || endedAt(run) <= now - toldForMs) return undefined
  const own = runs.filter((one) => isOfSame(one, run))
  const cause = causeOf(run)
  const others = own.filter(
    (one) => one.metadata.uid !== run.metadata.uid && wasRefused(one) && causeOf(one) === cause,
  )
  if (others.some((one) => isNewer(one, run))) return undefined
  const until = cooldownOf({ schedule, requestedBy, fingerprint, actionsHash }, own, now)?.until
  return {
    schedule,
    cause,
    count: 1 + others.length,
    firstAt: others.reduce((first, one) => Math.min(first, endedAt(one)), endedAt(run)),
    lastAt: endedAt(run),
    message: messageOf(run, until),
    earlier: others.map(({ metadata }) => metadata.uid),
  }
}

/** The same Schedule, by the same account, in the same cluster. */
const isOfSame = ({ spec: one }: ActionRun, { spec: other }: ActionRun): boolean =>
  one.scheduleName === other.scheduleName &&
  one.requestedBy === other.requestedBy &&
  one.cluster === other.cluster

// One of two that ended at once must be the newest, and the same one whichever is looked at.
const isNewer = (one: ActionRun, other: ActionRun): boolean =>
  endedAt(one) === endedAt(other) ? one.metadata.uid > other.metadata.uid : endedAt(one) > endedAt(other)

function messageOf(run: ActionRun, until: number | undefined): string {
  const { namespace, name } = run.metadata
  const row = failedRow(run)
  const what =
    row === undefined
      ? (run.status.message ?? 'nobody knows why')
      : `PreBackup action "${row.name}" failed: ${row.message ?? 'no answer'}`
  const next =
    until === undefined
      ? ''
      : ` Nothing is run for this Schedule before ${new Date(until).toISOString()}, unless the spec of a matching Action changes, or somebody ends that: tidewaiter cooldowns reset ${run.spec.scheduleName ?? ''} -n ${namespace}.`
  return (
    `tidewaiter refused Backup ${namespace}/${run.spec.objectRef.name}: ${what.slice(0, longestAnswer)}.${next} ` +
    `All of it: kubectl -n ${namespace} get actionrun ${name} -o yaml`
  )
}
