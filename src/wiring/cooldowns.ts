/** The cool-downs of Schedules, as metrics. Leader only. */
import { resetAtOf, scheduleStreaks } from '../core/cooldown.ts'
import { readable } from './caches.ts'
import { annotationsOfSchedule, isVelero, type World } from './world.ts'

// Velero tries a refused Backup again within a minute: a Schedule of which nothing comes for so long is gone, or paused.
const forgottenMs = 60 * 60_000

/** Sets the gauges anew: what waits, and how often each Schedule was refused in a row. */
export async function gaugeCooldowns(world: World): Promise<void> {
  const { cooldownUntil, refusedInARow } = world.metrics
  const found = (await Promise.all([...world.caches.keys()].map((one) => streaksIn(world, one)))).flat()
  cooldownUntil.reset()
  refusedInARow.reset()
  for (const { namespace, schedule, refusals, until } of found) {
    refusedInARow.set({ namespace, schedule }, refusals)
    if (until > world.clock.now()) cooldownUntil.set({ namespace, schedule }, until / 1000)
  }
}

async function streaksIn(world: World, namespace: string) {
  const now = world.clock.now()
  const asked = readable(world.caches.get(namespace)?.runs.list() ?? []).filter(
    ({ spec }) =>
      spec.stage === 'PreBackup' && isVelero(world, { username: spec.requestedBy ?? '' }, namespace),
  )
  const fresh = scheduleStreaks(asked).filter(({ until }) => now < until + forgottenMs)
  const resets = new Map<string, number | undefined>()
  for (const { schedule } of fresh) resets.set(schedule, await resetOf(world, { namespace, schedule, now }))
  return scheduleStreaks(asked, (schedule) => resets.get(schedule))
    .filter(({ schedule }) => resets.has(schedule))
    .map((streak) => ({ ...streak, namespace }))
}

type Asked = { readonly namespace: string; readonly schedule: string; readonly now: number }

async function resetOf(world: World, { namespace, schedule, now }: Asked): Promise<number | undefined> {
  try {
    return resetAtOf(await annotationsOfSchedule(world, namespace, schedule), now)
  } catch (err) {
    world.log.warn({ err, namespace, schedule }, 'whether a cool-down was reset could not be asked')
    return undefined
  }
}
