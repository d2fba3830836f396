/** Keeps the history within its limits, whatever comes. */
import type { Clock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import type { DecisionStore, Limits } from './store.ts'

// In a minute a busy cluster writes some MiB: far less than the fifth of the file that is kept free.
const everyMs = 60_000

/** What keeping within limits needs. */
export type RetentionPorts = {
  readonly store: Pick<DecisionStore, 'purge'>
  readonly limits: Omit<Limits, 'now'>
  readonly clock: Clock
  readonly log: Log
}

/** Removes what is over the limits once a minute until the signal aborts; never rejects. */
export async function keepWithin(ports: RetentionPorts, signal: AbortSignal): Promise<void> {
  const { store, limits, clock, log } = ports
  while (!signal.aborted) {
    try {
      const removed = await store.purge({ ...limits, now: clock.now() })
      if (removed > 0) log.info({ removed, ...limits }, 'the oldest decisions left the history')
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, 'the history could not be kept within its limits')
    }
    await clock.sleep(everyMs, signal).catch(() => {})
  }
}
