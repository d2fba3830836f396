/** A clock that runs faster than the wall's, for whole systems: leases, deadlines and backoffs need not be waited for. */
import type { Clock } from '../../src/clock.ts'
import type { Clock as SandboxClock } from '../../src/sandbox/apiserver/clock.ts'
import { systemClock } from '../../src/system-clock.ts'
import { waiting } from './waiting.ts'

const tickMs = 10
// However long a busy machine held this process up, what runs in it had one turn: time passes for one.
const longestTickMs = 2 * tickMs

type Timer = { readonly due: number; readonly call: () => void }

/**
 * The service's clock and the sandbox's at once, running up to `speed` times as fast from now on. A process that
 * gets little of the processor has slower time: no deadline passes that a busy machine made impossible to meet.
 */
export function fastClock(speed: number): Clock & SandboxClock {
  const timers = new Set<Timer>()
  let [time, looked] = [systemClock.now(), systemClock.now()]
  let ticker: NodeJS.Timeout | undefined
  const pass = (atMost: number) => {
    const wall = systemClock.now()
    time += Math.min(Math.max(0, wall - looked), atMost) * speed
    looked = wall
  }
  const tick = () => {
    pass(longestTickMs)
    for (const timer of dueOf(timers, time)) if (timers.delete(timer)) timer.call()
    if (timers.size > 0) return
    clearInterval(ticker)
    ticker = undefined
  }
  const now = () => {
    if (ticker === undefined) pass(Number.POSITIVE_INFINITY)
    return time
  }
  const after = (ms: number, call: () => void) => {
    const timer = { due: now() + ms, call }
    timers.add(timer)
    ticker ??= setInterval(tick, tickMs)
    return () => void timers.delete(timer)
  }
  return { now, steady: now, after, ...waiting(after), random: systemClock.random }
}

const dueOf = (timers: ReadonlySet<Timer>, time: number): readonly Timer[] =>
  [...timers].filter(({ due }) => due <= time).sort((a, b) => a.due - b.due)
