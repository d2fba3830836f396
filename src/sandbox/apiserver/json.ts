/** JSON as this server holds it: never changed in place, so that a stored object can be shared by watches, lists and history. */

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject
/** A JSON object. */
export type JsonObject = { readonly [key: string]: Json }

/** The object that stands for absence. */
export const nothing: JsonObject = {}

/** Whether a value is a JSON object (not a list, not null). */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether a value is a JSON list. */
export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

/** An own property; names such as `__proto__` and `constructor` that clients send are plain keys here. */
export function own(of: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(of, key) ? of[key] : undefined
}

/** The value at a path, or undefined where the path leaves objects. */
export function at(from: Json | undefined, ...path: readonly string[]): Json | undefined {
  let here = from
  for (const key of path) {
    if (!isObject(here)) return undefined
    here = own(here, key)
  }
  return here
}

/** The object at a path, or an empty one. */
export function objectAt(from: Json | undefined, ...path: readonly string[]): JsonObject {
  const found = at(from, ...path)
  return isObject(found) ? found : nothing
}

/** The list at a path, or an empty one. */
export function listAt(from: Json | undefined, ...path: readonly string[]): readonly Json[] {
  const found = at(from, ...path)
  return isList(found) ? found : []
}

/** The text at a path, or ''. */
export function textAt(from: Json | undefined, ...path: readonly string[]): string {
  const found = at(from, ...path)
  return typeof found === 'string' ? found : ''
}

/** The texts in the list at a path. */
export function textsAt(from: Json | undefined, ...path: readonly string[]): readonly string[] {
  return listAt(from, ...path).filter((one) => typeof one === 'string')
}

/** The text values of the object at a path: labels, annotations, matchLabels. */
export function textMapAt(
  from: Json | undefined,
  ...path: readonly string[]
): Readonly<Record<string, string>> {
  const entries = Object.entries(objectAt(from, ...path))
  return Object.fromEntries(
    entries.flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
  )
}

/** What encoding/json calls the type of a value. */
export function jsonType(value: Json): string {
  if (value === null) return 'null'
  if (isList(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

/** The object with one key set; a copy. */
export function set(to: JsonObject, key: string, value: Json): JsonObject {
  // A computed key in a literal defines an own property even for `__proto__`.
  return { ...to, [key]: value }
}

/** The object without some keys; the same object if it has none of them. */
export function without(from: JsonObject, ...keys: readonly string[]): JsonObject {
  if (!keys.some((key) => Object.hasOwn(from, key))) return from
  return Object.fromEntries(Object.entries(from).filter(([key]) => !keys.includes(key)))
}

/** The object with the value at a path set (removed where undefined); objects on the way are made. */
export function setAt(to: JsonObject, path: readonly string[], value: Json | undefined): JsonObject {
  const [key, ...rest] = path
  if (key === undefined) return to
  if (rest.length > 0) {
    if (value === undefined && !isObject(own(to, key))) return to
    return set(to, key, setAt(objectAt(to, key), rest, value))
  }
  return value === undefined ? without(to, key) : set(to, key, value)
}

/** Whether two values are the same JSON; the order of keys does not count. */
export function same(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true
  if (isList(a)) return isList(b) && a.length === b.length && a.every((one, index) => same(one, b[index]))
  if (!isObject(a) || !isObject(b)) return false
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]))
}

/** JSON with sorted keys, as a key for sets and maps. */
export function canonical(value: Json): string {
  if (isList(value)) return `[${value.map(canonical).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value)
  const keys = Object.keys(value).toSorted()
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key] ?? null)}`).join(',')}}`
}
