/**
 * A clock that runs many times as fast as the wall's, and shows the same time in every process that is told the same beginning:
 * leases, deadlines and backoffs pass in a fraction of their time, and no process is ahead of another.
 */
import type { Clock } from '../../src/clock.ts'
import type { Clock as SandboxClock } from '../../src/sandbox/apiserver/clock.ts'
import { waiting } from '../support/waiting.ts'

/** When it began, milliseconds since the epoch, and how fast it is. */
export type Pace = { readonly beganAt: number; readonly speed: number }

/** The variable that tells a process its pace. */
export const paceVariable = 'CRASH_PACE'

// A longer delay overflows and fires at once (Node's TIMEOUT_MAX): it is waited for in pieces.
const longestTimer = 2 ** 31 - 1

/** The service's clock and the sandbox's at once. */
export function pacedClock({ beganAt, speed }: Pace): Clock & SandboxClock {
  const now = () => beganAt + (Date.now() - beganAt) * speed
  const after = (ms: number, call: () => void) => {
    let timer = wait(ms / speed)
    function wait(left: number): NodeJS.Timeout {
      if (left <= longestTimer) return setTimeout(call, left)
      return setTimeout(() => (timer = wait(left - longestTimer)), longestTimer)
    }
    return () => clearTimeout(timer)
  }
  const steady = () => performance.now() * speed
  return { now, steady, after, ...waiting(after), random: () => Math.random() }
}
