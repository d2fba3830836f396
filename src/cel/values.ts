/**
 * The values of CEL. What came from JSON stays where it is and is read through `fromJson`, one field at a time: nothing
 * is copied, and nothing but own data properties of plain objects and lists can be reached.
 */
import { CelError } from './budget.ts'

/** A list, ours or one of JSON. */
export type List = { readonly kind: 'list'; readonly size: number; readonly at: (index: number) => Value }
/** A map, ours or one of JSON. */
export type Dict = {
  readonly kind: 'map'
  readonly size: () => number
  readonly get: (key: Key) => Value | undefined
  readonly keys: () => readonly Key[]
}
/** A point in time: nanoseconds since the Unix epoch. */
export type Timestamp = { readonly kind: 'timestamp'; readonly ns: bigint }
/** A length of time in nanoseconds. */
export type Duration = { readonly kind: 'duration'; readonly ns: bigint }
/** A value that may be absent. */
export type Optional = { readonly kind: 'optional'; readonly value: Value | undefined }
/** What `type(x)` gives. */
type TypeName = { readonly kind: 'type'; readonly name: string }
/** What a map is asked for. */
export type Key = string | bigint | boolean
/** A value: int is a bigint, double a number. */
export type Value =
  null | boolean | string | bigint | number | List | Dict | Timestamp | Duration | Optional | TypeName

/** The optional without a value. */
export const none: Optional = { kind: 'optional', value: undefined }

/** The name that CEL has for the type of a value. */
export function typeOf(value: Value): string {
  if (value === null) return 'null_type'
  return typeof value === 'object' ? namesOfKinds[value.kind] : (namesOfPrimitives[typeof value] ?? 'dyn')
}

const namesOfPrimitives: Readonly<Record<string, string>> = {
  boolean: 'bool',
  string: 'string',
  bigint: 'int',
  number: 'double',
}

const namesOfKinds = {
  list: 'list',
  map: 'map',
  timestamp: 'google.protobuf.Timestamp',
  duration: 'google.protobuf.Duration',
  optional: 'optional_type',
  type: 'type',
} as const

/**
 * Takes in one value of JSON, not what is in it. A whole number becomes an int, as with Kubernetes; beyond 2^53 JSON.parse
 * has lost digits already, so it stays a double.
 */
export function fromJson(value: unknown): Value {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (Array.isArray(value)) return jsonList(value)
  if (typeof value === 'object' && isPlain(value)) return jsonDict(value)
  throw new CelError(`a value is not JSON but ${typeof value}`)
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

const jsonList = (items: readonly unknown[]): List => ({
  kind: 'list',
  size: items.length,
  at: (index) => fromJson(ownData(items, index) ?? null),
})

function jsonDict(object: object): Dict {
  return {
    kind: 'map',
    size: () => Object.keys(object).length,
    get(key) {
      const value = typeof key === 'string' ? ownData(object, key) : undefined
      return value === undefined ? undefined : fromJson(value)
    },
    keys: () => Object.keys(object),
  }
}

/** Reads an own data property. A getter would run code, and what is inherited (`constructor`) is not data: both are absent. */
function ownData(object: object, key: string | number): unknown {
  return Object.getOwnPropertyDescriptor(object, key)?.value
}

/** A list of values. */
export const listOf = (items: readonly Value[]): List => ({
  kind: 'list',
  size: items.length,
  at: (index) => items[index] ?? null,
})

/** A map of values. */
export const dictOf = (entries: ReadonlyMap<Key, Value>): Dict => ({
  kind: 'map',
  size: () => entries.size,
  get: (key) => entries.get(key),
  keys: () => [...entries.keys()],
})

/** Makes a key of a value: 1.0 finds what 1 names, as CEL wants it. */
export function keyOf(value: Value): Key | undefined {
  if (typeof value === 'string' || typeof value === 'bigint' || typeof value === 'boolean') return value
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : undefined
}

/** The elements of a list. */
export function* elementsOf(list: List): Generator<Value> {
  for (let index = 0; index < list.size; index += 1) yield list.at(index)
}

/** Whether a value is a list. */
export const isList = (value: Value): value is List => isKind(value, 'list')
/** Whether a value is a map. */
export const isDict = (value: Value): value is Dict => isKind(value, 'map')
/** Whether a value is an optional, empty or not. */
export const isOptional = (value: Value): value is Optional => isKind(value, 'optional')

/** The time that a value is, or the length of time. */
export function timeOf(value: Value): Timestamp | Duration | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  return value.kind === 'timestamp' || value.kind === 'duration' ? value : undefined
}

function isKind(value: Value, kind: string): boolean {
  return typeof value === 'object' && value !== null && value.kind === kind
}
