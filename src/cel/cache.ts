/** A memory of bounded size for what is costly to make. */

type Kept<T> = { readonly value: T; readonly weight: number }

/** Keeps what was used last. */
export class LastUsed<T> {
  readonly #kept = new Map<string, Kept<T>>()
  readonly #most: number
  readonly #weigh: (value: T, key: string) => number
  #weight = 0

  /** Keeps as many as together weigh at most so much; each weighs one if nobody says otherwise. */
  constructor(most: number, weigh: (value: T, key: string) => number = () => 1) {
    this.#most = most
    this.#weigh = weigh
  }

  /** How many are kept. */
  get size(): number {
    return this.#kept.size
  }

  /** What is kept under the key, made if it is not there; those that were not used for longest make room. */
  get(key: string, make: () => T): T {
    const kept = this.#kept.get(key) ?? this.#made(key, make())
    this.#kept.delete(key)
    this.#kept.set(key, kept)
    for (const [oldest, { weight }] of this.#kept) {
      if (this.#weight <= this.#most) break
      this.#kept.delete(oldest)
      this.#weight -= weight
    }
    return kept.value
  }

  #made(key: string, value: T): Kept<T> {
    const weight = this.#weigh(value, key)
    this.#weight += weight
    return { value, weight }
  }
}
