/** How the Backups of Schedules fare: when the last one was admitted, and how many were refused since. Pure. */
import type { AdmissionDecision } from '../api/admission-decision.ts'
import type { ActionRun } from '../api/action-run.ts'
import type { SeenObject } from '../core/post.ts'
import { endedAt, endedPhase } from '../core/run/ending.ts'
import { hasEnded } from '../core/run/machine.ts'
import { coolingUntil, nextRunOf, type CoolingFacts, type NextRun } from './next-runs.ts'
import type { KnownSchedule } from './ports.ts'

/** One Schedule. Times are milliseconds. */
export type ScheduleRow = {
  readonly namespace: string
  readonly name: string
  /** Absent where the Schedule itself is not known (any more). */
  readonly cron?: string
  readonly paused: boolean
  readonly lastAdmitted?: number
  /** Refused since the last one that was admitted, as far as the cluster still has the records. */
  readonly refusedInARow: number
  readonly refusedSince?: number
  readonly lastReason?: string
  /** Absent where the Schedule itself is not known (any more). */
  readonly next?: NextRun
  /** Until when its Backups are refused as the last one was, without running anything. */
  readonly coolingUntil?: number
}

/** What rows are made of: what the one who looks may see of a namespace. */
export type ScheduleFacts = CoolingFacts & {
  readonly namespace: string
  readonly schedules: readonly KnownSchedule[]
  readonly decisions: readonly AdmissionDecision[]
  readonly backups: readonly SeenObject[]
}

/** A row for each Schedule that is known or was decided about; those that are refused first. */
export function scheduleRows({
  namespace,
  schedules,
  decisions,
  backups,
  ...cooling
}: ScheduleFacts): readonly ScheduleRow[] {
  const about = decisions.filter(({ spec }) => spec.kind === 'Backup' && (spec.schedule ?? '') !== '')
  const names = new Set([
    ...schedules.map(({ name }) => name),
    ...about.map(({ spec }) => spec.schedule ?? ''),
    ...backups.map(({ schedule }) => schedule).filter((name) => name !== ''),
  ])
  const rows = [...names].map((name) => {
    const known = schedules.find((one) => one.name === name)
    const until = coolingUntil(name, cooling, known?.reset)
    return {
      namespace,
      name,
      ...(known === undefined ? {} : { cron: known.cron, next: nextRunOf(known) }),
      ...(until === undefined ? {} : { coolingUntil: until }),
      paused: known?.paused ?? false,
      ...fateOf(
        about.filter(({ spec }) => spec.schedule === name),
        backups.filter(({ schedule }) => schedule === name),
        heldOf(name, cooling),
      ),
    }
  })
  return rows.sort((a, b) => b.refusedInARow - a.refusedInARow || (a.name < b.name ? -1 : 1))
}

type Fate = Pick<ScheduleRow, 'lastAdmitted' | 'refusedInARow' | 'refusedSince' | 'lastReason'>

/** The runs of its Backups that were held, as far as Velero made them. */
const heldOf = (schedule: string, { runs, veleroUsers }: CoolingFacts): readonly ActionRun[] =>
  runs.filter(
    ({ spec: { stage, held, scheduleName, requestedBy = '' } }) =>
      stage === 'PreBackup' &&
      held === true &&
      scheduleName === schedule &&
      veleroUsers.includes(requestedBy),
  )

const good: ReadonlySet<string> = new Set(['Succeeded', 'Skipped'])

function fateOf(
  decisions: readonly AdmissionDecision[],
  backups: readonly SeenObject[],
  held: readonly ActionRun[],
): Fate {
  const lastAdmitted = lastAdmittedOf(decisions, backups, held)
  const failed = held
    .filter((run) => hasEnded(run) && !good.has(endedPhase(run)) && endedAt(run) > lastAdmitted)
    .sort((a, b) => endedAt(b) - endedAt(a))
  const fate = refusedSince(decisions, lastAdmitted)
  const [newest] = failed
  if (newest === undefined) return fate
  const reason = newest.status.reason ?? fate.lastReason
  return {
    ...fate,
    refusedInARow: fate.refusedInARow + failed.length,
    refusedSince: Math.min(fate.refusedSince ?? Infinity, ...failed.map(endedAt)),
    ...(reason === undefined ? {} : { lastReason: reason }),
  }
}

const lastOf = ({ status }: AdmissionDecision) => Date.parse(status.last.time)

function lastAdmittedOf(
  decisions: readonly AdmissionDecision[],
  backups: readonly SeenObject[],
  held: readonly ActionRun[],
): number {
  const waited = new Map(held.map((run) => [run.spec.objectRef.uid, run]))
  // What becomes of a held one is decided later, by its run.
  const admitted = decisions.filter(({ spec }) => spec.verdict === 'Allowed' && spec.reason !== 'Held')
  const created = backups.filter(({ uid, held: waits }) => !waits && !waited.has(uid))
  const released = held.filter((run) => good.has(endedPhase(run)))
  const times = [
    ...admitted.map(lastOf),
    ...created.map(({ createdAt }) => createdAt),
    ...released.map(endedAt),
  ]
  return Math.max(-Infinity, ...times.filter(Number.isFinite))
}

function refusedSince(decisions: readonly AdmissionDecision[], lastAdmitted: number): Fate {
  const refused = decisions
    .filter((one) => one.spec.verdict !== 'Allowed' && lastOf(one) > lastAdmitted)
    .sort((a, b) => lastOf(b) - lastOf(a))
  const times = refused.map((one) => refusalsAfter(one, lastAdmitted))
  const since = Math.min(...times.map(({ since }) => since))
  const reason = refused[0]?.spec.reason
  return {
    ...(Number.isFinite(lastAdmitted) ? { lastAdmitted } : {}),
    refusedInARow: times.reduce((sum, { count }) => sum + count, 0),
    ...(Number.isFinite(since) ? { refusedSince: since } : {}),
    ...(reason === undefined ? {} : { lastReason: reason }),
  }
}

/** A record that began before may hold older refusals too: then those count whose times it still has. */
function refusalsAfter(
  { status }: AdmissionDecision,
  after: number,
): { readonly count: number; readonly since: number } {
  const { first, last, recent = [], count } = status
  if (Date.parse(first.time) > after) return { count, since: Date.parse(first.time) }
  const times = [...recent, last].map(({ time }) => Date.parse(time)).filter((time) => time > after)
  return { count: times.length, since: Math.min(...times) }
}
