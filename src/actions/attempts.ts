/** Tries a prepared action until it succeeds, may not be tried again, or its time is over. */
import type { RetryPolicy } from '../api/action.ts'
import type { Clock } from '../clock.ts'
import { attemptTime, tryAgain } from '../core/retry.ts'
import { unlessAborted } from '../until.ts'
import type { Attempt, FailedAttempt, Prepared } from './runners.ts'

/** How long a runner may take to stop, ms: enough to say how far it came, little beside the 1.5 s the budget spares. */
export const graceMs = 100

/** What bounds the attempts. `signal` aborts at `endsAt`, or earlier if the caller gives up. */
export type Bounds = {
  readonly policy: RetryPolicy | undefined
  readonly clock: Clock
  readonly endsAt: number
  readonly signal: AbortSignal
}

/** How it ended; for a failure `sent` speaks of all attempts, and the message of the last ones. */
export type Tried = { readonly last: Attempt; readonly attempts: number }

/** Tries. */
export async function tryOut(prepared: Prepared, bounds: Bounds): Promise<Tried> {
  const { clock, endsAt, policy, signal } = bounds
  let sent = false
  let answered: FailedAttempt | undefined
  for (let attempts = 1; ; attempts += 1) {
    const attempt = await once(prepared, bounds, attempts - 1)
    if (attempt.status === 'done') return { last: attempt, attempts }
    sent ||= attempt.sent
    const last = { ...attempt, sent }
    const { why, retryAfterMs } = last
    const again = tryAgain(policy, {
      attempts,
      why: signal.aborted ? undefined : why,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      timeLeftMs: endsAt - clock.now(),
      random: clock.random(),
    })
    if (!again.again) return { last: { ...last, message: told(last, answered, again.because) }, attempts }
    const interrupted = await pause(again.afterMs, bounds)
    if (interrupted !== undefined) {
      return {
        last: {
          ...last,
          cause: interrupted,
          message: `${last.message}; then stopped before it was tried again`,
        },
        attempts,
      }
    }
    if (last.cause === 'answer') answered = last
  }
}

/** Why the signal aborted, as an outcome has it. */
export function causeOf(signal: AbortSignal): 'timeout' | 'aborted' {
  const reason: unknown = signal.reason
  return reason instanceof DOMException && reason.name === 'TimeoutError' ? 'timeout' : 'aborted'
}

async function once(
  prepared: Prepared,
  { policy, clock, endsAt, signal }: Bounds,
  made: number,
): Promise<Attempt> {
  const timeLeftMs = endsAt - clock.now()
  const ownMs = attemptTime(policy, { attempts: made, timeLeftMs })
  // With all the time that is left `signal` alone is its end: a timer of its own could be quicker by a hair, and it
  // would seem that the action had time left.
  const limit = ownMs < timeLeftMs ? clock.abortAfter(ownMs) : undefined
  const both = limit === undefined ? signal : AbortSignal.any([signal, limit.signal])
  try {
    const attempt = await cutOff(prepared.attempt(both), both, clock)
    if (attempt !== undefined) return attempt
    const cause = causeOf(both)
    const message = `${prepared.what} did not stop when its time was over: what it does is no longer waited for`
    return { status: 'failed', cause, sent: true, message, ...(cause === 'timeout' ? { why: cause } : {}) }
  } finally {
    limit?.release()
  }
}

/** What the work gives, if it ends at most the grace time after the signal; undefined otherwise. */
async function cutOff<T>(work: Promise<T>, signal: AbortSignal, clock: Clock): Promise<T | undefined> {
  try {
    return await unlessAborted(signal, work)
  } catch (error) {
    if (!signal.aborted) throw error
  }
  const grace = clock.abortAfter(graceMs)
  try {
    return await unlessAborted(grace.signal, work)
  } catch {
    // Out of grace, or it ended by throwing what the signal gave it.
    return undefined
  } finally {
    grace.release()
  }
}

async function pause(ms: number, { clock, signal }: Bounds): Promise<'timeout' | 'aborted' | undefined> {
  try {
    await clock.sleep(ms, signal)
    return undefined
  } catch (error) {
    if (!signal.aborted) throw error
    return causeOf(signal)
  }
}

function told(last: FailedAttempt, answered: FailedAttempt | undefined, because: string | undefined): string {
  // "No answer in time" alone would hide that an attempt before it was answered.
  const earlier = answered === undefined || last.cause === 'answer' ? '' : `; before that ${answered.message}`
  return `${last.message}${earlier}${because === undefined ? '' : `; ${because}`}`
}
