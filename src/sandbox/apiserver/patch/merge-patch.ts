/** JSON merge patch (RFC 7396). */
import { isObject, own, type Json, type JsonObject } from '../json.ts'

/** The target with the patch merged in; null removes. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch
  const base: JsonObject = isObject(target) ? target : {}
  const kept = Object.entries(base).filter(([key]) => own(patch, key) !== null)
  const merged = Object.entries(patch).flatMap(([key, value]): readonly (readonly [string, Json])[] =>
    value === null ? [] : [[key, mergePatch(own(base, key), value)]],
  )
  // Written by Go with the keys in order, which tells which mistake is the first.
  return Object.fromEntries([...kept, ...merged].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
