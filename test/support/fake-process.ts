/** A process that can die: at its n-th call to the outside, before the call had its effect or after. */

/** What every call of a dead process throws. */
export class Died extends Error {}

/** Counts the calls of one process. `dieAt` undefined: it lives. */
export class FakeProcess {
  readonly calls: string[] = []
  dead = false
  readonly #dieAt: number | undefined
  readonly #when: 'before' | 'after'

  constructor(dieAt?: number, when: 'before' | 'after' = 'before') {
    this.#dieAt = dieAt
    this.#when = when
  }

  /** Makes one call to the outside. */
  async call<T>(what: string, effect: () => T | Promise<T>): Promise<T> {
    if (this.dead) throw new Died('dead')
    this.calls.push(what)
    const fatal = this.calls.length === this.#dieAt
    if (fatal && this.#when === 'before') this.#die(what)
    await Promise.resolve()
    const result = await effect()
    if (fatal) this.#die(what)
    return result
  }

  #die(what: string): never {
    this.dead = true
    throw new Died(`died at call ${this.calls.length}: ${what}`)
  }
}
