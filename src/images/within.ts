/** Gives a piece of work so much time. */
import type { Clock } from '../clock.ts'
import type { Within } from './ports.ts'

/** Runs it; its signal aborts after `ms`, or when `signal` does. */
export async function withinTime<T>(
  { ms, signal }: { readonly ms: number; readonly signal: AbortSignal },
  clock: Clock,
  work: (within: Within) => Promise<T>,
): Promise<T> {
  const limit = clock.abortAfter(ms)
  try {
    return await work({ signal: AbortSignal.any([signal, limit.signal]), endsAt: clock.now() + ms })
  } finally {
    limit.release()
  }
}
