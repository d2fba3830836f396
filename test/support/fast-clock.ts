/** A clock that runs faster than the wall's, for whole systems: leases, deadlines and backoffs need not be waited for. */
import type { Clock } from '../../src/clock.ts'
import { systemClock as sandboxClock, type Clock as SandboxClock } from '../../src/sandbox/apiserver/clock.ts'
import { systemClock } from '../../src/system-clock.ts'

/** The service's clock and the sandbox's at once, running `speed` times as fast from now on. */
export function fastClock(speed: number): Clock & SandboxClock {
  const began = systemClock.now()
  return {
    now: () => began + (systemClock.now() - began) * speed,
    sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
    abortAfter: (ms) => systemClock.abortAfter(ms / speed),
    after: (ms, call) => sandboxClock.after(ms / speed, call),
    random: systemClock.random,
  }
}
