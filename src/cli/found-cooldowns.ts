/** The cool-downs of a namespace as a command finds them. */
import { resetAtOf, scheduleStreaks, type ScheduleStreak } from '../core/cooldown.ts'
import { textAt, textMapAt } from '../core/velero.ts'
import { resource } from '../kube/resource.ts'
import type { Reached } from '../wiring/reach.ts'
import { annotationsIn } from '../wiring/world.ts'
import { findRuns } from './found-runs.ts'

/** The Schedules that there are, and those that wait. */
export type FoundCooldowns = {
  readonly schedules: ReadonlySet<string>
  /** Those that wait longest first. */
  readonly waiting: readonly ScheduleStreak[]
}

/** The Schedules of Velero in this cluster. */
export const schedulesIn = ({ client }: Reached, namespace: string) =>
  resource(client, {
    group: 'velero.io',
    version: 'v1',
    plural: 'schedules',
    namespace,
    parse: (raw: unknown) => ({
      metadata: {
        name: textAt(raw, 'metadata', 'name'),
        annotations: textMapAt(raw, 'metadata', 'annotations'),
      },
      annotations: annotationsIn(raw),
    }),
  })

/** Looks. */
export async function findCooldowns(
  cluster: Reached,
  namespace: string,
  now: number,
): Promise<FoundCooldowns> {
  const { items } = await schedulesIn(cluster, namespace).list({ pageSize: 100 })
  const resets = new Map(items.map((one) => [one.metadata.name, resetAtOf(one.annotations, now)]))
  const found = await findRuns(cluster, { namespace, stage: 'PreBackup', whole: false })
  // Velero's own account has whatever name the install gives it; nobody else there creates the Backups of a Schedule.
  const asked = found.flatMap(({ run }) =>
    run?.spec.requestedBy?.startsWith(`system:serviceaccount:${namespace}:`) === true ? [run] : [],
  )
  const waiting = scheduleStreaks(asked, (schedule) => resets.get(schedule))
    .filter(({ schedule, until }) => resets.has(schedule) && until > now)
    .sort((a, b) => b.until - a.until)
  return { schedules: new Set(resets.keys()), waiting }
}
