/**
 * A fence before everything that an action sends. Timers end its time; but in a process that stood still and wakes up, what it waited
 * for comes before the timers that were due: so the clock is looked at right before each send.
 */
import { agoMs, momentOf, type Clock } from '../clock.ts'
import type { Actor, Performance, Ports } from './ports.ts'

/** Closed once and for all when it is asked too late; then the signal says why. */
export type Fence = { readonly isOpen: () => boolean; readonly signal: AbortSignal }

/** A fence that closes at the end of the time, by either time of the clock, or when the run is no more ours to act for. */
export function fenceOf({
  clock,
  isOurs,
  endsAt,
}: Pick<Performance, 'isOurs' | 'endsAt'> & { readonly clock: Clock }): Fence {
  const closed = new AbortController()
  const began = momentOf(clock)
  const isOpen = () => {
    if (agoMs(clock, began) >= endsAt - began.now)
      closed.abort(new DOMException('the time was over before it was sent', 'TimeoutError'))
    else if (isOurs?.() === false) closed.abort(new Error('another leads'))
    return !closed.signal.aborted
  }
  return { isOpen, signal: closed.signal }
}

/** The ways out of an action, each with the fence before it. Reads pass: they change nothing. */
export function fenced<P extends Pick<Ports, 'send'>>(
  ports: P,
  actor: Actor,
  isWanted: () => boolean,
): { readonly ports: P; readonly actor: Actor } {
  return {
    ports: { ...ports, send: (call) => ports.send({ ...call, isWanted }) },
    actor: {
      ...actor,
      patch: (aim, name, change) => actor.patch(aim, name, { ...change, isWanted }),
    },
  }
}
