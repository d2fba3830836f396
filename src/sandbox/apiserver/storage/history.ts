/** What happened to one resource lately: a ring bounded in number and in size, from which watches resume. */
import type { JsonObject } from '../json.ts'

/** One write, as watches see it. */
export type Change = {
  readonly revision: number
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly key: string
  readonly object: JsonObject
  readonly before: JsonObject | undefined
}

/** How much of the past is kept for each resource. */
export type HistoryLimits = { readonly changes: number; readonly bytes: number }

/** The changes of one resource in the order of their revisions. */
export class History {
  #changes: { readonly change: Change; readonly bytes: number }[] = []
  #first = 0
  #bytes = 0
  #oldest: number
  readonly #limits: HistoryLimits

  constructor(limits: HistoryLimits, startsAfter: number) {
    this.#limits = limits
    this.#oldest = startsAfter
  }

  /** Changes after this revision are all known. */
  get knownAfter(): number {
    return this.#oldest
  }

  /** Notes one change; the oldest go when there are too many or they are too large. */
  note(change: Change, bytes: number): void {
    this.#changes.push({ change, bytes })
    this.#bytes += bytes
    while (this.#changes.length - this.#first > this.#limits.changes || this.#bytes > this.#limits.bytes) {
      if (!this.#dropOldest()) break
    }
    // Moving the rest down once in a while keeps each note at constant cost on the average.
    if (this.#first > 1024 && this.#first > this.#changes.length / 2) {
      this.#changes = this.#changes.slice(this.#first)
      this.#first = 0
    }
  }

  /** Forgets all, as a compaction does. */
  forget(at: number): void {
    this.#changes = []
    this.#first = 0
    this.#bytes = 0
    this.#oldest = at
  }

  /** The changes after a revision, or undefined where some of them are forgotten. */
  after(revision: number): readonly Change[] | undefined {
    if (revision < this.#oldest) return undefined
    let low = this.#first
    let high = this.#changes.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#changes[middle]?.change.revision ?? 0) > revision) high = middle
      else low = middle + 1
    }
    return this.#changes.slice(low).map((one) => one.change)
  }

  #dropOldest(): boolean {
    const oldest = this.#changes[this.#first]
    if (oldest === undefined) return false
    this.#bytes -= oldest.bytes
    this.#oldest = oldest.change.revision
    this.#first += 1
    return true
  }
}
