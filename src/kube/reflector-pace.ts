/** What a reflector does after a round of list and watch has ended: when to begin again, and whether from the beginning. */
import { isKubeError } from './errors.ts'

/** How a round ended. */
export type RoundEnd = {
  /** Undefined if the server closed the watch cleanly. */
  readonly error: unknown
  /** How long its watch was live. */
  readonly liveMs: number
  /** How many rounds before it failed in a row. */
  readonly failures: number
  /** Whether it was a watch-list that ended before its initial events were complete. */
  readonly initial: boolean
  /** In [0, 1). */
  readonly random: number
}

/** What to do next. */
export type NextRound = {
  readonly waitMs: number
  /** The place in the history is lost, or not to be trusted: list again. */
  readonly relist: boolean
  /** The server does not do watch-lists: use pages. */
  readonly pages: boolean
  readonly failures: number
}

const healthyMs = 30_000
const longestMs = 30_000
// Something on the way may cut every watch-list short, though it lets pages pass.
const mostWatchLists = 3
const longestAskedMs = 300_000

/** Decides how to go on. */
export function nextRound(end: RoundEnd): NextRound {
  const former = end.liveMs >= healthyMs ? 0 : end.failures
  const pages = end.initial && (isWatchListRefused(end.error) || former >= mostWatchLists)
  const relist = isPlaceLost(end.error)
  // The usual ends: a watch that ran its time, or whose place expired; the server is well, so go on at once. A server that
  // closes every watch at once, or answers 410 to each, meets the backoff.
  const atOnce =
    former === 0 &&
    (pages || isKubeError(end.error, 'GONE') || (end.error === undefined && end.liveMs >= 1000))
  if (atOnce) return { waitMs: 0, relist, pages, failures: end.error === undefined ? 0 : 1 }
  return { waitMs: waitFor(end, former), relist, pages, failures: former + 1 }
}

function waitFor({ error, random }: RoundEnd, failures: number): number {
  // 1..2 s, 2..4 s, and so on to 15..30 s: half of it is jitter, so that all replicas do not come back at once.
  const backoff = Math.min(longestMs, 2000 * 2 ** Math.min(failures, 10)) * (0.5 + random / 2)
  const asked = isKubeError(error) ? (error.retryAfterMs ?? 0) : 0
  return Math.max(backoff, Math.min(asked, longestAskedMs))
}

/** Before 1.34 (or without the feature WatchList) the server answers 422; one that ignores the parameter stays silent. */
function isWatchListRefused(error: unknown): boolean {
  return isKubeError(error, 'INVALID', 'BAD_ANSWER', 'TIMEOUT')
}

function isPlaceLost(error: unknown): boolean {
  // INVALID and a 504 (`Too large resource version`): etcd was restored from a backup, and our place is in its future.
  // NOT_FOUND: the kind has gone, and when it comes again it is another. The rest: what was sent cannot be trusted.
  if (isKubeError(error, 'GONE', 'INVALID', 'NOT_FOUND', 'BAD_ANSWER', 'TOO_LARGE')) return true
  return isKubeError(error, 'TIMEOUT') && error.status === 504
}
