/** Calls as an account, as attempts of an action. */
import type { Unacted } from './ports.ts'
import type { FailedAttempt } from './runners.ts'

/** The attempt that a failed call stands for; `sent`: whether something was changed before it. */
export function failedBy(unacted: Unacted, sent = false): FailedAttempt {
  const { failed, why, retryAfterMs, message } = unacted
  return {
    status: 'failed',
    cause: failed,
    ...(why === undefined ? {} : { why }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    sent: sent || unacted.sent,
    message,
  }
}

/** What was not begun for a reason that another attempt does not mend. */
export const notTried = (message: string, cause: FailedAttempt['cause'] = 'answer'): FailedAttempt => ({
  status: 'failed',
  cause,
  sent: false,
  message,
})
