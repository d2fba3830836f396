/**
 * What a Schedule is told of its refused Backups. A refused Backup is no object that an Event could be about, and its
 * Schedule looks healthy. Derived from the recorded runs: told again, by whichever leader, it is the same Event.
 */
import type { ActionRun } from '../api/action-run.ts'
import { cooldownOf } from './cooldown.ts'

/** Refusals of one Schedule for one cause. Times are milliseconds. */
export type ScheduleRefusal = {
  readonly schedule: string
  /** The same for the same action and kind of failure, whatever the words of the answer. */
  readonly cause: string
  readonly count: number
  readonly firstAt: number
  readonly lastAt: number
  readonly message: string
}

// As long as the API server keeps an Event (--event-ttl): what was refused longer ago was told by a leader before.
const toldForMs = 60 * 60_000
// An Event's message has 1,024 characters: the answer of an action must not push the run's name out of it.
const longestAnswer = 500

const endedAt = (run: ActionRun): number =>
  Date.parse(run.status.completionTimestamp ?? run.metadata.creationTimestamp)

/** Unguarded is a Backup that was admitted unasked: it is there, and has an Event of its own. */
const wasRefused = ({ spec, status }: ActionRun): boolean =>
  spec.stage === 'PreBackup' &&
  (status.phase === 'Refused' || (status.phase === 'Unknown' && status.reason !== 'Unguarded'))

const failedRow = (run: ActionRun) => run.status.actions?.findLast(({ phase }) => phase === 'Failed')
const causeOf = (run: ActionRun): string => `${run.status.reason ?? ''}/${failedRow(run)?.name ?? ''}`

/**
 * The refusals that a settled run belongs to; undefined if there is nothing to tell. The run is one that Velero asked for;
 * `runs` are those of its namespace, whoever asked for them.
 */
export function scheduleRefusal(
  run: ActionRun,
  runs: readonly ActionRun[],
  now: number,
): ScheduleRefusal | undefined {
  const { scheduleName: schedule, requestedBy = '', cluster } = run.spec
  if (schedule === undefined || !wasRefused(run)) return undefined
  const own = runs.filter(
    ({ spec }) =>
      spec.scheduleName === schedule && spec.requestedBy === requestedBy && spec.cluster === cluster,
  )
  const cause = causeOf(run)
  const alike = own
    .filter((one) => wasRefused(one) && causeOf(one) === cause)
    .sort((a, b) => endedAt(a) - endedAt(b))
  const [oldest = run] = alike
  const newest = alike.at(-1) ?? run
  if (endedAt(newest) <= now - toldForMs) return undefined
  const { fingerprint, actionsHash } = newest.spec
  const request = { schedule, requestedBy, fingerprint, actionsHash }
  const until = cooldownOf(request, own, now)?.until
  return {
    schedule,
    cause,
    count: Math.max(1, alike.length),
    firstAt: endedAt(oldest),
    lastAt: endedAt(newest),
    message: messageOf(newest, until),
  }
}

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
      : ` Nothing is run for this Schedule before ${new Date(until).toISOString()}, unless the spec of a matching Action changes.`
  return (
    `tidewaiter refused Backup ${namespace}/${run.spec.objectRef.name}: ${what.slice(0, longestAnswer)}.${next} ` +
    `All of it: kubectl -n ${namespace} get actionrun ${name} -o yaml`
  )
}
