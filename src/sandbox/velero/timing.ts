/** Waiting, on the sandbox's clock. */
import type { Clock } from '../apiserver/clock.ts'

/** Resolves after `ms`; rejects with the signal's reason if it aborts first. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(reasonOf(signal))
      return
    }
    const stop = (): void => {
      release()
      reject(reasonOf(signal))
    }
    const release = clock.after(ms, () => {
      signal.removeEventListener('abort', stop)
      resolve()
    })
    signal.addEventListener('abort', stop, { once: true })
  })
}

/** Calls at once and then every so often, until the signal aborts (wait.Until: the wait begins when the call has ended). */
export async function every(
  { clock, ms, signal }: { readonly clock: Clock; readonly ms: number; readonly signal: AbortSignal },
  call: () => Promise<void> | void,
): Promise<void> {
  while (!signal.aborted) {
    await call()
    await sleep(clock, ms, signal).catch(() => undefined)
  }
}

function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason
  return reason instanceof Error ? reason : new Error('stopped')
}

// velero pkg/client/retry.go CapBackoff: 10 ms, five times longer each time, at most --resource-timeout (10 min).
const firstRetryMs = 10
const retryFactor = 5
const longestRetryMs = 600_000

/** Tries again after each error, with growing waits, and throws the last one when the waits have grown too long. */
export async function withRetries<T>(
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  call: () => Promise<T>,
): Promise<T> {
  for (let wait = firstRetryMs; ; wait *= retryFactor) {
    try {
      return await call()
    } catch (error) {
      if (wait > longestRetryMs || signal.aborted) throw error
      await sleep(clock, wait, signal)
    }
  }
}
