/** How busy this process, or its machine, is: how late its timers are. */

const everyMs = 20
const keptMs = 2_000

/** Watches from its start on. */
export class Lag {
  readonly #late: { readonly at: number; readonly ms: number }[] = []
  #expected = performance.now() + everyMs
  readonly #timer = setInterval(() => this.#tick(), everyMs)

  /** The longest of the last two seconds, milliseconds. */
  worst(): number {
    const since = performance.now() - keptMs
    return Math.max(0, ...this.#late.filter(({ at }) => at > since).map(({ ms }) => ms))
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #tick(): void {
    const now = performance.now()
    this.#late.push({ at: now, ms: now - this.#expected })
    while ((this.#late[0]?.at ?? now) < now - keptMs) this.#late.shift()
    this.#expected = now + everyMs
  }
}
