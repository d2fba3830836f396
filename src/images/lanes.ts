/** At most so many requests to one host at once; the others wait in line for as long as their signal lets them. */

/** Runs work on the lane of a host; rejects with the signal's reason if it aborts before the turn came. */
export type Lanes = <T>(host: string, signal: AbortSignal, work: () => Promise<T>) => Promise<T>

type Lane = { running: number; readonly waiting: Set<() => void> }

/** Makes lanes. A host that nobody asks has none, so they do not add up. */
export function createLanes(most: number): Lanes {
  const lanes = new Map<string, Lane>()
  return async (host, signal, work) => {
    signal.throwIfAborted()
    const lane = lanes.get(host) ?? { running: 0, waiting: new Set() }
    lanes.set(host, lane)
    if (lane.running < most) lane.running += 1
    else await turn(lane, signal)
    try {
      return await work()
    } finally {
      const [next] = lane.waiting
      // The place is handed on: it is never free in between.
      if (next !== undefined) next()
      else lane.running -= 1
      if (lane.running === 0) lanes.delete(host)
    }
  }
}

async function turn(lane: Lane, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const begin = () => {
    lane.waiting.delete(begin)
    resolve()
  }
  const stop = () => {
    lane.waiting.delete(begin)
    reject(signal.reason)
  }
  lane.waiting.add(begin)
  signal.addEventListener('abort', stop, { once: true })
  await promise.finally(() => signal.removeEventListener('abort', stop))
}
