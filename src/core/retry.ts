/** Whether, and after how long, an action that failed is tried again. */
import type { RetryPolicy } from '../api/action.ts'

/** How the last attempt ended, as far as trying again depends on it. */
export type LastAttempt = {
  /** Attempts made so far, the last one included. */
  readonly attempts: number
  /** A status (`503`), `network` or `timeout`; undefined for what never gets better by itself. */
  readonly why: string | undefined
  /** What the server asked for with Retry-After. */
  readonly retryAfterMs?: number
  readonly timeLeftMs: number
  /** A number in [0, 1). */
  readonly random: number
}

/** What to do after an attempt that failed; `because` is set where the policy would try again but cannot. */
export type Again =
  { readonly again: true; readonly afterMs: number } | { readonly again: false; readonly because?: string }

/** Decides about another attempt. A wait always ends before the time does. */
export function tryAgain(policy: RetryPolicy | undefined, last: LastAttempt): Again {
  if (policy === undefined || policy.limit === 0 || !isListed(policy.retryOn, last.why))
    return { again: false }
  if (last.attempts > policy.limit) return { again: false }
  const afterMs = Math.max(
    jittered(longestWait(policy, last.attempts), last.random),
    asked(policy, last.retryAfterMs),
  )
  if (afterMs < last.timeLeftMs) return { again: true, afterMs }
  return {
    again: false,
    because: `not tried again: the next attempt would be in ${seconds(afterMs)}, and ${seconds(last.timeLeftMs)} are left`,
  }
}

/**
 * How long an attempt may take. One that could be followed by another because of a timeout gets half of the time that is
 * left: an answer that never comes must leave time to try again. Any other gets all of it.
 */
export function attemptTime(
  policy: RetryPolicy | undefined,
  { attempts, timeLeftMs }: Pick<LastAttempt, 'attempts' | 'timeLeftMs'>,
): number {
  const another = policy !== undefined && attempts < policy.limit && policy.retryOn.includes('timeout')
  return another ? Math.ceil(timeLeftMs / 2) : timeLeftMs
}

/** Reads Retry-After (RFC 9110 10.2.3): seconds, or a date. Undefined for anything else. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  const text = value.trim()
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  // Only the date form that servers must send; Date.parse alone would take "1" or "12 May" for a date.
  const date = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)
    ? Date.parse(text)
    : Number.NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

/** The wait after `attempts` attempts, before it is spread: grows by the factor up to the longest. */
export function longestWait(policy: RetryPolicy, attempts: number): number {
  return 1000 * Math.min(policy.maxSeconds, policy.initialSeconds * policy.factor ** (attempts - 1))
}

// Between half and the whole: many actions that failed at one moment do not come back at one moment.
const jittered = (waitMs: number, random: number): number => Math.round(waitMs * (0.5 + random / 2))

const asked = (policy: RetryPolicy, retryAfterMs = 0): number =>
  Math.min(retryAfterMs, policy.maxSeconds * 1000)

function isListed(on: readonly string[], why: string | undefined): boolean {
  return why !== undefined && (on.includes(why) || (/^\d{3}$/.test(why) && on.includes(`${why.charAt(0)}xx`)))
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
