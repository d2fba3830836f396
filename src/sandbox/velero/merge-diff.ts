/** The JSON merge patch (RFC 7396) that turns one object into another, as controller-runtime's MergeFrom makes it. */
import { isObject, own, same, type Json, type JsonObject } from '../apiserver/json.ts'

/** Only what changed; null removes. Lists are replaced whole. */
export function mergeDiff(from: JsonObject, to: JsonObject): JsonObject {
  const removed = Object.keys(from).flatMap((key): readonly (readonly [string, Json])[] =>
    Object.hasOwn(to, key) ? [] : [[key, null]],
  )
  const changed = Object.entries(to).flatMap(([key, value]): readonly (readonly [string, Json])[] => {
    const before = own(from, key)
    if (same(before, value)) return []
    return [[key, isObject(before) && isObject(value) ? mergeDiff(before, value) : value]]
  })
  return Object.fromEntries([...removed, ...changed])
}
