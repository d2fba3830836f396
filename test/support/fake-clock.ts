/** A clock that stands still until a test says `pass`. */
import type { Clock, Deadline } from '../../src/clock.ts'

type Timer = { readonly at: number; readonly order: number; readonly run: () => void }

/** 2026-01-01T00:00:00Z, where a FakeClock starts unless told. */
export const newYear = Date.UTC(2026, 0, 1)

/** Implements Clock by hand: `await clock.pass(ms)` runs the timers that fall due, in order, and what they set off. */
export class FakeClock implements Clock {
  /** What `random` answers next, in order; then `luck` for ever. */
  readonly randoms: number[] = []
  /** What `random` answers when `randoms` is empty. */
  luck = 0.5
  /** What timers go by. */
  #steady = 0
  /** When the steady time began, as far as `now` knows. */
  #began: number
  #timers: Timer[] = []
  #order = 0

  constructor(startMs = newYear) {
    this.#began = startMs
  }

  /** How many timers wait: a test that ends with one has leaked it. */
  get waiting(): number {
    return this.#timers.length
  }

  readonly now = (): number => this.#began + this.#steady

  readonly steady = (): number => this.#steady

  /** Sets the clock forth, or back, as NTP or a person does: no time passes, and no timer falls due. */
  step(ms: number): void {
    this.#began += ms
  }

  readonly random = (): number => this.randoms.shift() ?? this.luck

  readonly abortAfter = (ms: number): Deadline => {
    const controller = new AbortController()
    const abort = () => controller.abort(new DOMException(`${ms} ms have passed`, 'TimeoutError'))
    if (ms <= 0) {
      abort()
      return { signal: controller.signal, release: () => {} }
    }
    return { signal: controller.signal, release: this.#after(ms, abort) }
  }

  readonly after = (ms: number, run: () => void): (() => void) => this.#after(ms, run)

  readonly sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const release = this.#after(ms, resolve)
    const stop = () => {
      release()
      reject(signal?.reason as Error)
    }
    signal?.addEventListener('abort', stop, { once: true })
    await promise.finally(() => signal?.removeEventListener('abort', stop))
  }

  /** Moves time on by `ms`, running each due timer at its own moment; resolves when all that it set off has settled. */
  async pass(ms: number): Promise<void> {
    const until = this.#steady + ms
    await settled()
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      const due = next
      this.#timers = this.#timers.filter((timer) => timer !== due)
      this.#steady = Math.max(this.#steady, due.at)
      due.run()
      await settled()
    }
    this.#steady = until
  }

  #next(until: number): Timer | undefined {
    const due = this.#timers.filter((timer) => timer.at <= until)
    return due.sort((a, b) => a.at - b.at || a.order - b.order)[0]
  }

  #after(ms: number, run: () => void): () => void {
    const timer = { at: this.#steady + Math.max(0, ms), order: this.#order++, run }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }
}

/** All promises that are ready, and one turn of the event loop. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}
