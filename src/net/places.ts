/** How many calls are under way at once: in all, and to one host and port. Who finds no place waits within its own time. */
import { semaphore, type Semaphore } from './semaphore.ts'

/**
 * Of all hosts together. The leader has up to 1,000 slow post actions under way (src/control/queue-slots.ts): one host that
 * hangs can have them all, and as many pre actions as an admission takes find a place beside them.
 */
export const mostCalls = 1250
/** To one host and port. */
export const mostCallsPerHost = 1000

/** Runs a call when it has a place; rejects with the signal's reason if that aborts before. */
export type Places = <T>(host: string, work: () => Promise<T>, signal: AbortSignal) => Promise<T>

/** Makes the places. */
export function createPlaces(most: { readonly inAll: number; readonly perHost: number }): Places {
  const all = semaphore(most.inAll)
  const hosts = new Map<string, { readonly enter: Semaphore; users: number }>()
  return async (host, work, signal) => {
    const place = hosts.get(host) ?? { enter: semaphore(most.perHost), users: 0 }
    hosts.set(host, place)
    place.users += 1
    try {
      // The host's place first: who waits for a host takes none of the others.
      return await place.enter(() => all(work, signal), signal)
    } finally {
      place.users -= 1
      if (place.users === 0) hosts.delete(host)
    }
  }
}
