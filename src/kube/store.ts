/** The objects that a reflector knows, by key and by index, and the changes by which they came to be. */

/** One change of what is known. `deleted` carries the last state that was seen. */
export type Change<T> =
  | { readonly type: 'added'; readonly key: string; readonly object: T }
  | { readonly type: 'modified'; readonly key: string; readonly object: T; readonly old: T }
  | { readonly type: 'deleted'; readonly key: string; readonly object: T; readonly old: T }

/** Values under which an object can be found. */
export type Indexes<T> = Readonly<Record<string, (object: T) => readonly string[]>>

/** One state of one object. */
export type Known<T> = { readonly uid: string; readonly resourceVersion: string; readonly object: T }

/** Objects by key and index. */
export type Store<T> = {
  /** Takes a state in; one that is known already changes nothing. */
  readonly put: (key: string, state: Known<T>) => void
  /** Takes an object out; `last` is its last state, if that is known. */
  readonly remove: (key: string, last?: T) => void
  /** Takes out every object whose key is not among these. */
  readonly keepOnly: (keys: ReadonlySet<string>) => void
  readonly get: (key: string) => T | undefined
  /** All; the same list as long as nothing changed. */
  readonly list: () => readonly T[]
  readonly byIndex: (name: string, value: string) => readonly T[]
  readonly size: () => number
}

/** An empty store; `onChange` is told of each change after it was made. */
export function createStore<T>(indexes: Indexes<T>, onChange: (change: Change<T>) => void): Store<T> {
  const known = new Map<string, Known<T>>()
  const index = createIndex(indexes)
  let listed: readonly T[] | undefined
  const remove = (key: string, last?: T) => {
    const former = known.get(key)
    if (former === undefined) return
    known.delete(key)
    listed = undefined
    index.remove(key, former.object)
    onChange({ type: 'deleted', key, object: last ?? former.object, old: former.object })
  }
  const put = (key: string, state: Known<T>) => {
    const former = known.get(key)
    if (former !== undefined && former.uid !== state.uid) {
      // Deleted and created again while we did not look: whoever counts objects must see both.
      remove(key)
      return put(key, state)
    }
    if (former?.resourceVersion === state.resourceVersion) return
    known.set(key, state)
    listed = undefined
    if (former !== undefined) index.remove(key, former.object)
    index.add(key, state.object)
    const { object } = state
    onChange(
      former === undefined
        ? { type: 'added', key, object }
        : { type: 'modified', key, object, old: former.object },
    )
  }
  return {
    put,
    remove,
    keepOnly: (keys) => {
      for (const key of known.keys()) if (!keys.has(key)) remove(key)
    },
    get: (key) => known.get(key)?.object,
    list: () => (listed ??= [...known.values()].map((state) => state.object)),
    byIndex: (name, value) => index.keys(name, value).flatMap((key) => known.get(key)?.object ?? []),
    size: () => known.size,
  }
}

type Index<T> = {
  readonly add: (key: string, object: T) => void
  readonly remove: (key: string, object: T) => void
  readonly keys: (name: string, value: string) => readonly string[]
}

function createIndex<T>(indexes: Indexes<T>): Index<T> {
  const tables = Object.entries(indexes).map(([name, valuesOf]) => ({
    name,
    valuesOf,
    keys: new Map<string, Set<string>>(),
  }))
  return {
    add: (key, object) => {
      for (const { valuesOf, keys } of tables) {
        for (const value of valuesOf(object)) keys.set(value, (keys.get(value) ?? new Set()).add(key))
      }
    },
    remove: (key, object) => {
      for (const { valuesOf, keys } of tables) {
        for (const value of valuesOf(object)) {
          const left = keys.get(value)
          left?.delete(key)
          if (left?.size === 0) keys.delete(value)
        }
      }
    },
    keys: (name, value) => {
      const table = tables.find((one) => one.name === name)
      if (table === undefined)
        throw new TypeError(`byIndex must name one of ${Object.keys(indexes).join(', ')}, got ${name}`)
      return [...(table.keys.get(value) ?? [])]
    },
  }
}
