/** Faults on request: what a test wants to go wrong, at which call, how often. */
import type { RequestInfo } from '../rest/request-info.ts'

/** Which calls a fault is meant for; what is absent matches all. */
export type Match = {
  readonly verb?: string
  readonly group?: string
  readonly resource?: string
  readonly subresource?: string
  readonly namespace?: string
  readonly name?: string
  readonly path?: string
  readonly user?: string
}

/** What goes wrong. */
export type Effect =
  /** The connection closes before the call is handled. */
  | { readonly kind: 'cut' }
  /** The call is handled, and the connection closes instead of an answer. */
  | { readonly kind: 'cut-answer' }
  | { readonly kind: 'delay'; readonly ms: number }
  /** An answer without handling the call: 409, 410, 429, 500, ... */
  | {
      readonly kind: 'answer'
      readonly code: number
      readonly reason?: string
      readonly message?: string
      readonly retryAfterSeconds?: number
    }
  /** Nothing is answered until `thaw`. */
  | { readonly kind: 'freeze' }
  /** The watch ends after so many events. */
  | { readonly kind: 'drop-watch'; readonly afterEvents: number }
  | { readonly kind: 'skip-bookmarks' }

/** A fault: from the nth matching call on (the first is 1), for so many calls (1 unless told). */
export type Fault = {
  readonly match?: Match
  readonly nth?: number
  readonly times?: number
  readonly effect: Effect
}

/** A call as faults see it. */
export type FaultyCall = { readonly info: RequestInfo; readonly user: string }

type Armed = { readonly fault: Fault; seen: number }

/** The faults that wait to happen. */
export class Faults {
  #armed: Armed[] = []
  #frozen: (() => void)[] = []
  readonly #droppers = new Set<{ readonly call: FaultyCall; readonly drop: () => void }>()

  /** Adds a fault; the returned function takes it away. */
  add(fault: Fault): () => void {
    const armed = { fault, seen: 0 }
    this.#armed.push(armed)
    return () => {
      this.#armed = this.#armed.filter((one) => one !== armed)
    }
  }

  /** Takes all faults away and lets frozen calls go on. */
  clear(): void {
    this.#armed = []
    this.thaw()
  }

  /** Lets frozen calls go on. */
  thaw(): void {
    for (const go of this.#frozen.splice(0)) go()
  }

  /** Ends the watches that match now; says how many. */
  dropWatches(match: Match = {}): number {
    const dropped = [...this.#droppers].filter((one) => matches(match, one.call))
    for (const one of dropped) one.drop()
    return dropped.length
  }

  /** The effects that this call meets. */
  meets(call: FaultyCall): readonly Effect[] {
    return this.#armed.flatMap((armed) => {
      const { match = {}, nth = 1, times = 1, effect } = armed.fault
      if (!matches(match, call)) return []
      armed.seen += 1
      return armed.seen >= nth && armed.seen < nth + times ? [effect] : []
    })
  }

  /** Resolves when calls go on again. */
  frozen(): Promise<void> {
    return new Promise((resolve) => this.#frozen.push(resolve))
  }

  /** Tells of an open watch, so that it can be dropped; the returned function forgets it. */
  watching(call: FaultyCall, drop: () => void): () => void {
    const one = { call, drop }
    this.#droppers.add(one)
    return () => this.#droppers.delete(one)
  }
}

function matches(match: Match, { info, user }: FaultyCall): boolean {
  const seen: Readonly<Record<string, string>> = { ...info, user }
  return Object.entries(match).every(([key, wanted]) => wanted === undefined || seen[key] === wanted)
}
