/** Keys that are due later: one timer for all of them, the earliest first. */
import type { Clock } from '../clock.ts'

type Due = { readonly key: string; readonly at: number; readonly order: number }

/** Keys that wait for their time. */
export class Delays {
  readonly #clock: Clock
  readonly #onDue: (key: string) => void
  /** A binary heap by time; an entry counts only while `#due` still holds it. */
  readonly #heap: Due[] = []
  readonly #due = new Map<string, Due>()
  #order = 0
  #timer: AbortController | undefined
  #closed = false

  constructor(clock: Clock, onDue: (key: string) => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  get size(): number {
    return this.#due.size
  }

  has(key: string): boolean {
    return this.#due.has(key)
  }

  /** Makes a key due after `ms`; the earliest of several times counts. */
  add(key: string, ms: number): void {
    const at = this.#clock.steady() + Math.max(0, ms)
    const former = this.#due.get(key)
    if (this.#closed || (former !== undefined && former.at <= at)) return
    const due = { key, at, order: this.#order++ }
    this.#due.set(key, due)
    if (this.#heap.length > 64 + 2 * this.#due.size) this.#compact()
    else this.#push(due)
    if (this.#heap[0] === due) this.#arm()
  }

  /** Forgets a key: it is being looked at now. */
  remove(key: string): void {
    this.#due.delete(key)
  }

  /** Forgets all and frees the timer. */
  close(): void {
    this.#closed = true
    this.#due.clear()
    this.#heap.length = 0
    this.#timer?.abort()
  }

  #arm(): void {
    this.#timer?.abort()
    const first = this.#heap[0]
    if (first === undefined || this.#closed) return
    const timer = new AbortController()
    this.#timer = timer
    void this.#wait(first.at - this.#clock.steady(), timer.signal)
  }

  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#clock.sleep(Math.max(0, ms), signal)
    } catch {
      return // Another key is due earlier, or all is over.
    }
    if (signal.aborted) return
    this.#fire()
    this.#arm()
  }

  #fire(): void {
    const now = this.#clock.steady()
    for (let first = this.#heap[0]; first !== undefined && first.at <= now; first = this.#heap[0]) {
      this.#pop()
      if (this.#due.get(first.key) !== first) continue
      this.#due.delete(first.key)
      this.#onDue(first.key)
    }
  }

  /** Drops entries that count no more: a key that is added and removed again and again leaves one each time. */
  #compact(): void {
    const live = [...this.#due.values()].sort((a, b) => a.at - b.at || a.order - b.order)
    this.#heap.length = 0
    for (const due of live) this.#heap.push(due) // Sorted is a heap, too; spreading 100,000 arguments would overflow the stack.
  }

  #push(due: Due): void {
    let at = this.#heap.push(due) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#swapIfBefore(at, parent)) return
      at = parent
    }
  }

  #pop(): void {
    const last = this.#heap.pop()
    if (last === undefined || this.#heap.length === 0) return
    this.#heap[0] = last
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      const least = this.#isBefore(right, left) ? right : left
      if (!this.#swapIfBefore(least, at)) return
      at = least
    }
  }

  #swapIfBefore(at: number, parent: number): boolean {
    const [one, other] = [this.#heap[at], this.#heap[parent]]
    if (one === undefined || other === undefined || !this.#isBefore(at, parent)) return false
    this.#heap[at] = other
    this.#heap[parent] = one
    return true
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a], this.#heap[b]]
    if (one === undefined) return false
    return other === undefined || one.at < other.at || (one.at === other.at && one.order < other.order)
  }
}

// client-go: DefaultControllerRateLimiter begins at 5 ms; its 1,000 s are too long where a person waits for a Backup.
const firstBackoffMs = 5
const longestBackoffMs = 300_000

/** How long a key waits that failed so often in a row: 5 ms, doubled with each failure up to 5 minutes, half of it jitter. */
export function backoffMs(failures: number, random: number): number {
  return Math.min(longestBackoffMs, firstBackoffMs * 2 ** Math.min(failures - 1, 30)) * (0.5 + random / 2)
}
