/** For how long something has been so, as this process saw it: the dates of others are only as good as their clocks. */
import type { Clock } from '../clock.ts'

/** Counts how long things last. */
export type Lasting = {
  /**
   * Notes whether it is so now; answers for how many milliseconds it has been so at each look. `undefined`: this look could not find
   * out, so that nothing is counted and nothing forgotten.
   */
  readonly note: (thing: string, isSo: boolean | undefined) => number
}

/** `mostMs` is what counts at most between two looks: a clock that was put forward shows no time that has passed. */
export function createLasting(clock: Clock, mostMs: number): Lasting {
  const known = new Map<string, { readonly at: number; readonly ms: number }>()
  return {
    note: (thing, isSo) => {
      const before = known.get(thing)
      if (isSo === undefined) return before?.ms ?? 0
      known.delete(thing)
      if (!isSo) return 0
      const at = clock.now()
      const passed = before === undefined ? 0 : Math.min(mostMs, Math.max(0, at - before.at))
      const ms = (before?.ms ?? 0) + passed
      known.set(thing, { at, ms })
      // A thing that nobody asks for again is of a certificate that is gone.
      for (const oldest of [...known.keys()].slice(0, -mostThings)) known.delete(oldest)
      return ms
    },
  }
}

const mostThings = 16
