/** Where objects live: one rising revision over all resources, compare-and-set writes, a bounded past, and listeners. */
import { textAt, type JsonObject } from '../json.ts'
import { setAt } from '../json.ts'
import { History, type Change, type HistoryLimits } from './history.ts'

/** Called in the order of revisions, synchronously within the write. */
export type Listener = (resource: string, change: Change) => void

/** The bounds of a store. */
export type StoreLimits = { readonly objects: number; readonly history: HistoryLimits }

/** Everything a store held at one moment; objects are shared, since they never change. */
export type Snapshot = {
  readonly revision: number
  readonly resources: ReadonlyMap<string, ReadonlyMap<string, JsonObject>>
}

/** Why a write did not happen. */
export type Missed = 'missing' | 'exists' | 'conflict' | 'full'

type Shelf = {
  readonly objects: Map<string, JsonObject>
  readonly history: History
  sortedKeys: readonly string[] | undefined
}

// A write costs a number of bytes; the past is bounded by them, so an object's length is measured once per write.
const sizeOf = (object: JsonObject): number => JSON.stringify(object).length

/** What a store holds unless told otherwise: twice the 50,000 objects that a large cluster's Velero namespace was seen with. */
export const usualLimits: StoreLimits = {
  objects: 100_000,
  history: { changes: 10_000, bytes: 32 * 1024 * 1024 },
}

/** The storage of all resources. Writes are synchronous, so they cannot interleave. */
export class Store {
  #revision = 1
  #count = 0
  readonly #shelves = new Map<string, Shelf>()
  readonly #listeners = new Set<Listener>()
  readonly #limits: StoreLimits

  constructor(limits: StoreLimits, from?: Snapshot) {
    this.#limits = limits
    if (from === undefined) return
    this.#revision = from.revision
    for (const [resource, objects] of from.resources) {
      this.#shelf(resource)
      for (const [key, object] of objects) this.#shelf(resource).objects.set(key, object)
      this.#count += objects.size
    }
  }

  /** The revision of the latest write. */
  get revision(): number {
    return this.#revision
  }

  /** One object. */
  get(resource: string, key: string): JsonObject | undefined {
    return this.#shelves.get(resource)?.objects.get(key)
  }

  /** How many objects a resource has. */
  count(resource: string): number {
    return this.#shelves.get(resource)?.objects.size ?? 0
  }

  /** The resources that ever had an object. */
  resources(): readonly string[] {
    return [...this.#shelves.keys()]
  }

  /** All objects of a resource as of now, by key. */
  objects(resource: string): ReadonlyMap<string, JsonObject> {
    return this.#shelf(resource).objects
  }

  /** The keys of a resource in order. */
  keys(resource: string): readonly string[] {
    const shelf = this.#shelf(resource)
    shelf.sortedKeys ??= [...shelf.objects.keys()].toSorted()
    return shelf.sortedKeys
  }

  /** Writes an object that must not be there yet. */
  create(resource: string, key: string, object: JsonObject): JsonObject | Missed {
    const shelf = this.#shelf(resource)
    if (shelf.objects.has(key)) return 'exists'
    if (this.#count >= this.#limits.objects) return 'full'
    this.#count += 1
    shelf.sortedKeys = undefined
    return this.#write(resource, { type: 'ADDED', key, object, before: undefined })
  }

  /** Replaces the object that was read as `before`. */
  replace(
    resource: string,
    key: string,
    { before, object }: { before: JsonObject; object: JsonObject },
  ): JsonObject | Missed {
    const current = this.get(resource, key)
    if (current === undefined) return 'missing'
    if (current !== before) return 'conflict'
    return this.#write(resource, { type: 'MODIFIED', key, object, before })
  }

  /** Removes the object that was read as `before`; returns it as of its deletion. */
  remove(resource: string, key: string, before: JsonObject): JsonObject | Missed {
    const shelf = this.#shelf(resource)
    const current = shelf.objects.get(key)
    if (current === undefined) return 'missing'
    if (current !== before) return 'conflict'
    shelf.sortedKeys = undefined
    this.#count -= 1
    return this.#write(resource, { type: 'DELETED', key, object: before, before })
  }

  /** The changes of a resource after a revision; undefined where they are forgotten. */
  changesAfter(resource: string, revision: number): readonly Change[] | undefined {
    return this.#shelf(resource).history.after(revision)
  }

  /** From which revision on the past of a resource is known. */
  knownAfter(resource: string): number {
    return this.#shelf(resource).history.knownAfter
  }

  /** Forgets the past, so that old resourceVersions are answered with 410. */
  compact(): void {
    for (const shelf of this.#shelves.values()) shelf.history.forget(this.#revision)
  }

  /** Calls back for every write from now on. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Everything as of now. */
  snapshot(): Snapshot {
    const resources = [...this.#shelves].map(([name, shelf]) => [name, new Map(shelf.objects)] as const)
    return { revision: this.#revision, resources: new Map(resources) }
  }

  #write(resource: string, what: Omit<Change, 'revision'>): JsonObject {
    const shelf = this.#shelf(resource)
    this.#revision += 1
    const object = setAt(what.object, ['metadata', 'resourceVersion'], String(this.#revision))
    if (what.type === 'DELETED') shelf.objects.delete(what.key)
    else shelf.objects.set(what.key, object)
    const change: Change = { ...what, object, revision: this.#revision }
    shelf.history.note(change, sizeOf(object))
    for (const listener of this.#listeners) listener(resource, change)
    return object
  }

  #shelf(resource: string): Shelf {
    let shelf = this.#shelves.get(resource)
    if (shelf === undefined) {
      const history = new History(this.#limits.history, this.#revision)
      shelf = { objects: new Map(), history, sortedKeys: undefined }
      this.#shelves.set(resource, shelf)
    }
    return shelf
  }
}

/** The key of an object: `namespace/name`, or `name` where there are no namespaces. */
export function keyOf(namespace: string, name: string): string {
  // '\0' sorts below every character of a name, so a namespace's objects stay together.
  return namespace === '' ? name : `${namespace}\0${name}`
}

/** The key of an object as it stands. */
export function keyOfObject(object: JsonObject): string {
  return keyOf(textAt(object, 'metadata', 'namespace'), textAt(object, 'metadata', 'name'))
}
