/** How many Backups the Velero of each namespace works on at once, asked for now and then while this replica leads. */
import { backupsAtOnce } from '../core/hold/slots.ts'
import { componentLabel } from '../core/plugin/deployment.ts'
import type { World } from './world.ts'

const everyMs = 60_000

/** What is known of it. */
export type Slots = {
  readonly backups: (namespace: string) => number
  /** Asks until the signal aborts. */
  readonly start: (signal: AbortSignal) => Promise<void>
}

/** Nothing is known before it is started: one at a time, which is Velero's default. */
export function createSlots(world: Pick<World, 'calls' | 'clock' | 'log' | 'caches'>): Slots {
  const known = new Map<string, number>()
  const ask = async (namespace: string, signal: AbortSignal) => {
    const { items } = await world.calls
      .of('apps', 'deployments', namespace)
      .list({ labelSelector: `${componentLabel.key}=${componentLabel.value}`, signal })
    const found = items.flatMap((one) => backupsAtOnce(one) ?? [])
    if (found.length > 0) known.set(namespace, Math.min(...found))
  }
  return {
    backups: (namespace) => known.get(namespace) ?? 1,
    start: async (signal) => {
      while (!signal.aborted) {
        for (const namespace of world.caches.keys())
          await ask(namespace, signal).catch((err: unknown) => {
            if (!signal.aborted)
              world.log.warn(
                { namespace, err },
                'how many Backups Velero works on at once could not be asked',
              )
          })
        await world.clock.sleep(everyMs, signal).catch(() => undefined)
      }
    },
  }
}
