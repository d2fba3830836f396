/** The objects of a resource as they were at an earlier revision: what a continue token promises. */
import type { JsonObject } from '../json.ts'
import type { Store } from './store.ts'

/** The objects by key at a revision, and their keys in order; undefined where that past is forgotten. */
export function asOf(
  store: Store,
  resource: string,
  revision: number,
): { readonly keys: readonly string[]; readonly get: (key: string) => JsonObject | undefined } | undefined {
  const changes = store.changesAfter(resource, revision)
  if (changes === undefined) return undefined
  if (changes.length === 0) return { keys: store.keys(resource), get: (key) => store.get(resource, key) }
  // The first later change of a key says what it was before.
  const earlier = new Map<string, JsonObject | undefined>()
  for (const change of changes) if (!earlier.has(change.key)) earlier.set(change.key, change.before)
  const get = (key: string): JsonObject | undefined =>
    earlier.has(key) ? earlier.get(key) : store.get(resource, key)
  const all = new Set([...store.keys(resource), ...earlier.keys()])
  const keys = [...all].filter((key) => get(key) !== undefined).toSorted()
  return { keys, get }
}
