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
    ? lazyObject(Object.entries(value).map(([name, one]) => [name, one, undefined]))
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

function typedObject(node: Node, value: JsonObject): object {
  const fields = Object.entries(value).flatMap(([name, one]): readonly Field[] => {
    const child = childOf(node, name)
    const escaped = node.sort === 'map' ? name : escapedName(name)
    const plain: Field = [name, one, child]
    return escaped === name ? [plain] : [plain, [escaped, one, child]]
  })
  return lazyObject(fields)
}

/** A name, what stands there, and what the schema says of it. */
type Field = readonly [name: string, value: Json, node: Node | undefined]

const fieldValue = ([, value, node]: Field): unknown =>
  node === undefined ? celValue(value) : typedCelValue(node, value)

/** Most of an object no expression looks at: what has parts is converted when it is looked at. */
function lazyObject(fields: readonly Field[]): object {
  const hasParts = ([, value]: Field): boolean => typeof value === 'object' && value !== null
  const made = Object.fromEntries(
    fields.map((field) => [field[0], hasParts(field) ? undefined : fieldValue(field)]),
  )
  for (const field of fields.filter(hasParts)) {
    let known: unknown
    Object.defineProperty(made, field[0], { enumerable: true, get: () => (known ??= fieldValue(field)) })
  }
  return made
}

// apiserver pkg/cel/escaping.go: names that CEL reserves, and characters that its identifiers lack.
const reserved =
  /^(true|false|null|in|as|break|const|continue|else|for|function|if|import|let|loop|package|namespace|return|var|void|while)$/

const needsEscape = /__|[.\-/]/

/** A field name as an expression must write it. */
export function escapedName(name: string): string {
  if (reserved.test(name)) return `__${name}__`
  if (!needsEscape.test(name)) return name
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
