/** Waiting no longer than a signal allows. */

/** Resolves when the signal aborts, at once if it has. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** The promise, or a rejection with the signal's reason as soon as it aborts; what the promise does later is ignored. */
export async function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const stop = () => reject(signal.reason)
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  // A loser of the race may reject long after everybody left.
  promise.catch(() => {})
  try {
    return await Promise.race([aborted, promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** Those who wait for something that is handed on, in the order in which they came. */
export type Line = {
  /** Waits for a turn; rejects with the signal's reason if that aborts before. `handOn`: the turn came in the moment in which it gave up. */
  readonly wait: (signal: AbortSignal | undefined, handOn: () => void) => Promise<void>
  /** Gives the first its turn; false if nobody waits. */
  readonly next: () => boolean
}

/** Makes a line in which nobody waits yet. */
export function line(): Line {
  // A Set keeps the order in which they came.
  const waiting = new Set<() => void>()
  return {
    wait: async (signal, handOn) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting.add(resolve)
      try {
        await (signal === undefined ? promise : unlessAborted(signal, promise))
      } catch (error) {
        if (!waiting.delete(resolve)) handOn()
        throw error
      }
    },
    next: () => {
      const [first] = waiting
      if (first === undefined) return false
      waiting.delete(first)
      first()
      return true
    },
  }
}
