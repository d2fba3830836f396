/** A memory of bounded size for what is costly to make. */

/** Keeps what was used last. */
export class LastUsed<T> {
  readonly #kept = new Map<string, T>()
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  /** How many are kept. */
  get size(): number {
    return this.#kept.size
  }

  /** What is kept under the key, made if it is not there; the one that was not used for longest makes room. */
  get(key: string, make: () => T): T {
    const found = this.#kept.get(key)
    const value = found ?? make()
    this.#kept.delete(key)
    this.#kept.set(key, value)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > this.#most && oldest !== undefined) this.#kept.delete(oldest)
    return value
  }
}
