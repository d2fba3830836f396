/** The state of a reflector: its store, its place in the history, and what a list or an event does to them. */
import { agoMs, momentOf, type Moment } from '../clock.ts'
import { KubeError } from './errors.ts'
import type { ReflectorOptions } from './reflector-options.ts'
import { createStore } from './store.ts'
import type { Change, Store } from './store.ts'
import type { WatchEvent } from './watch-event.ts'
import { identityOf } from './watched-object.ts'

/** Takes in what the server says. It knows nothing of connections. */
export class Reflected<T> {
  readonly store: Store<T>
  readonly #options: ReflectorOptions<T>
  readonly #whenSynced = Promise.withResolvers<void>()
  /** Where a watch goes on; undefined: nowhere yet, everything must be seen anew. */
  place: string | undefined
  synced = false
  trouble: string | undefined
  #heardAt: Moment | undefined
  /** The keys seen while everything is seen anew; what is not among them at the end is gone. */
  #seen: Set<string> | undefined
  #bookmarks = 0
  readonly counts = { lists: 0, watches: 0, events: 0, garbled: 0, unprojected: 0 }

  constructor(options: ReflectorOptions<T>) {
    this.#options = options
    this.store = createStore(options.indexes ?? {}, (change) => this.#tell(change))
  }

  get whenSynced(): Promise<void> {
    return this.#whenSynced.promise
  }

  /** Whether everything is being seen anew. */
  get initial(): boolean {
    return this.#seen !== undefined
  }

  /** Whether this server was seen to send bookmarks from time to time. */
  get bookmarked(): boolean {
    return this.#bookmarks >= 2
  }

  silentMs(): number {
    return this.#heardAt === undefined ? Number.POSITIVE_INFINITY : agoMs(this.#options.clock, this.#heardAt)
  }

  keyOf(namespace: string, name: string): string {
    // Joined, for what is added would stay in two parts, beside the whole: tens of thousands are kept.
    return this.#options.key?.(namespace, name) ?? (namespace === '' ? name : [namespace, name].join('/'))
  }

  /** Everything will now be seen anew. States seen on the way count at once; what is missing counts at the end. */
  begin(): void {
    this.place = undefined
    this.#seen = new Set()
    this.counts.lists++
  }

  /** Everything was seen, as of `resourceVersion`. */
  complete(resourceVersion: string): void {
    if (this.#seen !== undefined) this.store.keepOnly(this.#seen)
    this.#seen = undefined
    this.place = resourceVersion
    this.#heard()
    this.synced = true
    this.trouble = undefined
    this.#whenSynced.resolve()
  }

  /** An object of a list, or of an ADDED or MODIFIED event. */
  put(raw: unknown): string {
    const { namespace, name, uid, resourceVersion } = identityOf(raw)
    const key = this.keyOf(namespace, name)
    const object = this.#project(raw, key)
    if (object === undefined) {
      this.#seen?.delete(key)
      this.store.remove(key)
      return resourceVersion
    }
    this.#seen?.add(key)
    this.store.put(key, { uid, resourceVersion, object })
    return resourceVersion
  }

  /** An event of a watch; an ERROR event is thrown. */
  take(event: WatchEvent): void {
    this.counts.events++
    switch (event.type) {
      case 'put':
        return this.#moved(this.put(event.object))
      case 'delete':
        return this.#moved(this.#delete(event.object))
      case 'bookmark':
        this.#bookmarks++
        if (event.initialEnd && this.initial) return this.complete(event.resourceVersion)
        return this.#moved(event.resourceVersion)
      case 'error':
        throw event.error
    }
  }

  #delete(raw: unknown): string {
    const { namespace, name, resourceVersion } = identityOf(raw)
    const key = this.keyOf(namespace, name)
    this.#seen?.delete(key)
    this.store.remove(key, this.#project(raw, key))
    return resourceVersion
  }

  #moved(resourceVersion: string): void {
    // Initial events come in the order of names: their versions are no place to go on from.
    if (this.initial) return
    this.place = resourceVersion
    this.#heard()
  }

  #heard(): void {
    this.#heardAt = momentOf(this.#options.clock)
  }

  #project(raw: unknown, key: string): T | undefined {
    try {
      return this.#options.project(raw)
    } catch (error) {
      this.counts.unprojected++
      this.#options.log.error(
        { path: this.#options.path, key, err: error },
        'an object could not be read and is left out',
      )
      return undefined
    }
  }

  #tell(change: Change<T>): void {
    try {
      this.#options.onChange?.(change)
    } catch (error) {
      // A fault of a listener must not end the watch for all the others.
      this.#options.log.error(
        { path: this.#options.path, key: change.key, err: error },
        'a listener failed on a change',
      )
    }
  }

  /** Notes an answer that made no sense. */
  garbled(error: unknown): void {
    if (error instanceof KubeError && (error.code === 'BAD_ANSWER' || error.code === 'TOO_LARGE'))
      this.counts.garbled++
  }
}
