/** The looks that go on, and how many workers they hold: a slow one gives its worker back, and goes on without it. */
import type { Clock, Deadline } from '../clock.ts'

/** How many looks may go on at once. */
export type SlotOptions = {
  readonly clock: Clock
  readonly workers: number
  /** After how long a look is a slow one. */
  readonly slowAfterMs: number
  /** How many slow looks may go on without a worker; more of them keep theirs. */
  readonly maxSlow: number
}

/** Of a queue that does not say otherwise. */
export const usualSlots = {
  workers: 4,
  // Far more than a look takes that waits for the API server alone.
  slowAfterMs: 5_000,
  // Each waits for an answer and holds little but its connection: a bound for a day on which nobody answers.
  maxSlow: 1_000,
}

/** Looks that go on. */
export class Slots {
  readonly #options: SlotOptions
  readonly #onFree: () => void
  readonly #looks = new Set<Promise<void>>()
  readonly #slow = new Set<Promise<void>>()

  /** `onFree` is called whenever a worker may have become free. */
  constructor(options: SlotOptions, onFree: () => void) {
    this.#options = options
    this.#onFree = onFree
  }

  /** All that go on. */
  get size(): number {
    return this.#looks.size
  }

  /** Those of them that are slow. */
  get slow(): number {
    return this.#slow.size
  }

  /** Whether another look may begin. */
  get free(): boolean {
    const { maxSlow, workers } = this.#options
    return this.#looks.size - Math.min(this.#slow.size, maxSlow) < workers
  }

  /** Takes a worker for a look, which never rejects. */
  hold(look: Promise<void>): void {
    const patience = this.#options.clock.abortAfter(this.#options.slowAfterMs)
    const giveBack = () => {
      this.#slow.add(look)
      this.#onFree()
    }
    this.#looks.add(look)
    patience.signal.addEventListener('abort', giveBack, { once: true })
    void this.#wait(look, patience)
  }

  async #wait(look: Promise<void>, patience: Deadline): Promise<void> {
    await look
    patience.release()
    this.#looks.delete(look)
    this.#slow.delete(look)
    this.#onFree()
  }

  /** Resolves when all that go on now have ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#looks)
  }
}
