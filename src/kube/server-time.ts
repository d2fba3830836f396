/** The time as the API server tells it: a clock of ours that is wrong, or is set, does not move it. */
import type { Clock } from '../clock.ts'

/** That time, and who hears of it. */
export type ServerTime = {
  /** Takes what an answer said, milliseconds since the epoch. */
  readonly heard: (ms: number) => void
  /** As it was heard last, gone on since by time that nobody sets; our own before anything was heard. */
  readonly now: () => number
}

/** Nothing is heard yet. */
export function createServerTime(clock: Pick<Clock, 'now' | 'steady'>): ServerTime {
  let last: { readonly ms: number; readonly steady: number } | undefined
  return {
    heard: (ms) => {
      last = { ms, steady: clock.steady() }
    },
    now: () => (last === undefined ? clock.now() : last.ms + (clock.steady() - last.steady)),
  }
}
