/** A work queue as controller-runtime has it: a key is in work once, comes again if it was added meanwhile, and errors back off. */
import type { Clock } from '../apiserver/clock.ts'

// client-go workqueue.DefaultTypedControllerRateLimiter: 5 ms, doubling, at most 1000 s for each key.
const firstMs = 5
const longestMs = 1_000_000

/** What a queue needs. */
export type QueueOptions = {
  readonly clock: Clock
  /** Keys in work at once. */
  readonly workers?: number
  /** Does the work for a key; a number: come again after so many milliseconds. */
  readonly reconcile: (key: string) => Promise<number | void>
  readonly onError: (key: string, error: unknown) => void
}

/** Keys that wait for work. */
export class WorkQueue {
  readonly #options: QueueOptions
  readonly #waiting = new Set<string>()
  readonly #working = new Map<string, Promise<void>>()
  readonly #failures = new Map<string, number>()
  readonly #timers = new Set<() => void>()
  #stopped = false

  constructor(options: QueueOptions) {
    this.#options = options
  }

  /** Adds a key; it is worked on at once if there is a worker. */
  add(key: string): void {
    if (this.#stopped) return
    this.#waiting.add(key)
    this.#next()
  }

  /** Adds a key later. */
  addAfter(key: string, ms: number): void {
    if (this.#stopped) return
    const release = this.#options.clock.after(ms, () => {
      this.#timers.delete(release)
      this.add(key)
    })
    this.#timers.add(release)
  }

  /** Takes no more work; resolves when what is in work has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#waiting.clear()
    for (const release of this.#timers) release()
    this.#timers.clear()
    await Promise.all(this.#working.values())
  }

  #next(): void {
    for (const key of this.#waiting) {
      if (this.#working.size >= (this.#options.workers ?? 1)) return
      if (this.#working.has(key)) continue
      this.#waiting.delete(key)
      this.#working.set(key, this.#work(key))
    }
  }

  async #work(key: string): Promise<void> {
    try {
      const again = await this.#options.reconcile(key)
      this.#failures.delete(key)
      if (typeof again === 'number') this.addAfter(key, again)
    } catch (error) {
      if (!this.#stopped) this.#failed(key, error)
    } finally {
      this.#working.delete(key)
      if (!this.#stopped) this.#next()
    }
  }

  #failed(key: string, error: unknown): void {
    const times = this.#failures.get(key) ?? 0
    this.#failures.set(key, times + 1)
    this.addAfter(key, Math.min(firstMs * 2 ** Math.min(times, 30), longestMs))
    this.#options.onError(key, error)
  }
}
