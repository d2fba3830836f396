/** When a failed call may be made again, and after how long. */
import type { KubeError } from './errors.ts'

const mostAttempts = 6
const firstMs = 100
const longestMs = 5_000

/** What decides about another attempt. */
export type Failure = {
  readonly error: KubeError
  /** How many attempts were made. */
  readonly attempts: number
  /** True for calls that change nothing. */
  readonly safe: boolean
  /** What is left of the time of the call. */
  readonly leftMs: number
  /** In [0, 1). */
  readonly random: number
}

/** The wait before the next attempt, or undefined if there must be none. */
export function waitBeforeRetry(failure: Failure): number | undefined {
  const { error, attempts, leftMs, random } = failure
  if (attempts >= mostAttempts || !mayRepeat(failure)) return undefined
  // Half of the wait is jitter, so that clients that failed together do not come back together.
  const backoff = Math.min(longestMs, firstMs * 2 ** (attempts - 1)) * (0.5 + random / 2)
  const asked = error.retryAfterMs === undefined ? 0 : error.retryAfterMs * (1 + random / 4)
  const wait = Math.max(backoff, asked)
  return wait < leftMs ? wait : undefined
}

function mayRepeat({ error, safe }: Failure): boolean {
  // 429 comes from priority and fairness, before anything was done; with Retry-After it asks us to come again.
  if (error.code === 'TOO_MANY') return safe || error.retryAfterMs !== undefined
  if (!safe) return false
  // A TIMEOUT with a status is the server's; one without is our own deadline.
  return (
    error.code === 'NETWORK' ||
    error.code === 'UNAVAILABLE' ||
    (error.code === 'TIMEOUT' && error.status !== undefined)
  )
}
