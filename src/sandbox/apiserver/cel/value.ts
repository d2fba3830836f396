/** JSON as CEL sees it: whole numbers are int, field names that are no identifiers have an escaped twin. */
import { isList, isObject, type Json, type JsonObject } from '../json.ts'
import type { Node } from '../schema/node.ts'
import { childOf } from '../schema/shape.ts'

const converted = new WeakMap<object, unknown>()

/** A JSON value without a schema; each object is converted once, since none ever changes. */
export function celValue(value: Json): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (typeof value !== 'object' || value === null) return value
  const known = converted.get(value)
  if (known !== undefined) return known
  const made = isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, celValue(one)]))
    : value.map(celValue)
  converted.set(value, made)
  return made
}

/** A JSON value of a structural schema: a `number` is a double even if it is whole, dates and durations are typed. */
export function typedCelValue(node: Node, value: Json): unknown {
  if (node.sort === 'any') return celValue(value)
  if (typeof value === 'number') return node.sort === 'number' ? value : celValue(value)
  if (typeof value === 'string') return typedText(node, value)
  if (isList(value))
    return value.map((one) => (node.inner === undefined ? celValue(one) : typedCelValue(node.inner, one)))
  return isObject(value) ? typedObject(node, value) : value
}

function typedText(node: Node, value: string): unknown {
  const format = node.schema['format']
  if (format === 'date-time' || format === 'date') return new Date(value)
  return value
}

function typedObject(node: Node, value: JsonObject): unknown {
  const entries = Object.entries(value).flatMap(([key, one]): readonly (readonly [string, unknown])[] => {
    const child = childOf(node, key)
    const typed = child === undefined ? celValue(one) : typedCelValue(child, one)
    const escaped = node.sort === 'map' ? key : escapedName(key)
    return escaped === key
      ? [[key, typed]]
      : [
          [key, typed],
          [escaped, typed],
        ]
  })
  return Object.fromEntries(entries)
}

// apiserver pkg/cel/escaping.go: names that CEL reserves, and characters that its identifiers lack.
const reserved =
  /^(true|false|null|in|as|break|const|continue|else|for|function|if|import|let|loop|package|namespace|return|var|void|while)$/

/** A field name as an expression must write it. */
export function escapedName(name: string): string {
  if (reserved.test(name)) return `__${name}__`
  return name
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__')
}

/** What an expression gave back, as JSON. */
export function jsonOf(value: unknown): Json {
  if (typeof value === 'bigint') return Number(value)
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
    return value
  if (Array.isArray(value)) return value.map(jsonOf)
  if (value instanceof Date) return value.toISOString()
  if (typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, jsonOf(one)]))
  return null
}
