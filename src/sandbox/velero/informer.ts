/** A copy of one kind that follows the API server by list and watch, and tells of changes (as client-go's shared informers do). */
import type { Clock } from '../apiserver/clock.ts'
import { same, textAt, type JsonObject } from '../apiserver/json.ts'
import type { Client } from './client.ts'
import { sleep } from './timing.ts'

/** A change: made (no `old`), changed, or gone (no `now`). */
export type Change = { readonly old: JsonObject | undefined; readonly now: JsonObject | undefined }

const firstWaitMs = 50
const longestWaitMs = 5_000

/** The name of an object. */
export const nameOf = (object: JsonObject): string => textAt(object, 'metadata', 'name')

/** Follows one kind. */
export class Informer {
  readonly #client: Client
  readonly #plural: string
  readonly #clock: Clock
  readonly #objects = new Map<string, JsonObject>()
  readonly #listeners: ((change: Change) => void)[] = []
  readonly #synced = Promise.withResolvers<void>()

  constructor(client: Client, plural: string, clock: Clock) {
    this.#client = client
    this.#plural = plural
    this.#clock = clock
  }

  /** One object as it was last heard of. */
  get(name: string): JsonObject | undefined {
    return this.#objects.get(name)
  }

  /** All objects as they were last heard of. */
  list(): readonly JsonObject[] {
    return [...this.#objects.values()]
  }

  /** Calls back for each change, and first for what is there already. */
  onChange(listener: (change: Change) => void): void {
    this.#listeners.push(listener)
    for (const now of this.#objects.values()) listener({ old: undefined, now })
  }

  /** Resolves when the kind was seen whole once. */
  synced(): Promise<void> {
    return this.#synced.promise
  }

  /** Follows until the signal aborts; never rejects. */
  async follow(signal: AbortSignal): Promise<void> {
    let wait = firstWaitMs
    while (!signal.aborted) {
      try {
        const { items, resourceVersion } = await this.#client.list(this.#plural)
        if (signal.aborted) break
        this.#replace(items)
        this.#synced.resolve()
        wait = firstWaitMs
        await this.#watchFrom(resourceVersion, signal)
      } catch {
        wait = Math.min(wait * 2, longestWaitMs)
      }
      await sleep(this.#clock, wait, signal).catch(() => undefined)
    }
    this.#synced.resolve()
  }

  /** Watches, and watches on from where a watch ended, until one ends with an error. */
  async #watchFrom(from: string, signal: AbortSignal): Promise<void> {
    let version = from
    while (!signal.aborted) {
      const before = version
      for await (const event of this.#client.watch(this.#plural, version, signal)) {
        const type = textAt(event, 'type')
        if (type === 'ERROR') return
        const object = event['object'] as JsonObject
        version = textAt(object, 'metadata', 'resourceVersion')
        if (type === 'DELETED') this.#change(nameOf(object), undefined)
        else if (type !== 'BOOKMARK') this.#change(nameOf(object), object)
      }
      // A watch that ended without a word may end so again: the caller waits and lists.
      if (version === before) return
    }
  }

  #replace(items: readonly JsonObject[]): void {
    const names = new Set(items.map(nameOf))
    for (const name of this.#objects.keys()) if (!names.has(name)) this.#change(name, undefined)
    for (const item of items) this.#change(nameOf(item), item)
  }

  #change(name: string, now: JsonObject | undefined): void {
    const old = this.#objects.get(name)
    if (now === undefined) this.#objects.delete(name)
    else this.#objects.set(name, now)
    if (same(old, now)) return
    // Another object of the same name: the old one went unseen.
    const other = old !== undefined && now !== undefined && uidOf(old) !== uidOf(now)
    for (const listener of this.#listeners) {
      if (other) listener({ old, now: undefined })
      listener({ old: other ? undefined : old, now })
    }
  }
}

const uidOf = (object: JsonObject): string => textAt(object, 'metadata', 'uid')
