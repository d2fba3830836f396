/** Choices that are the same for the same seed. */

/** A source of numbers in [0, 1) that is the same for the same seed (mulberry32). */
export function numbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Draws one of several, or whether something happens. */
export type Draw = {
  readonly one: <T>(given: readonly [T, ...T[]]) => T
  readonly chance: (part: number) => boolean
  /** The value in so many cases, else nothing: to be spread into an object. */
  readonly maybe: <T extends object>(part: number, make: () => T) => Partial<T>
}

/** The choices of a seed. */
export function draws(seed: number): Draw {
  const next = numbers(seed)
  const chance = (part: number): boolean => next() < part
  return {
    one: (given) => given[Math.floor(next() * given.length)] ?? given[0],
    chance,
    maybe: (part, make) => (chance(part) ? make() : {}),
  }
}
