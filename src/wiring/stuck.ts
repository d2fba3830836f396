/** Counts Backups and Restores that started and do not end, once a minute. Leader only. */
import { progressOf } from '../core/velero.ts'
import type { World } from './world.ts'

const everyMs = 60_000

/** Counts until the signal aborts. */
export async function watchStuck(world: World, signal: AbortSignal): Promise<void> {
  const { clock, config, metrics } = world
  while (!signal.aborted) {
    for (const kind of ['Backup', 'Restore'] as const) {
      const now = clock.now()
      const objects = [...world.caches.values()].flatMap((caches) => caches.objects[kind].list())
      const stuck = objects.filter(({ progress, startedAt }) => {
        const { started, ended } = progressOf(progress, now)
        return started && ended === undefined && now - startedAt > config.stuckAfterSeconds * 1000
      })
      metrics.stuck.set({ kind }, stuck.length)
    }
    await clock.sleep(everyMs, signal).catch(() => undefined)
  }
}
