/** Why a map cannot become a Go object, where no JSON lies between (apimachinery pkg/runtime/converter.go). */
import { isList, isObject, textAt, type Json } from '../json.ts'
import type { Node } from '../schema/node.ts'
import { childOf } from '../schema/shape.ts'

/** The first value that its field cannot take; undefined if there is none. */
export function conversionProblem(node: Node, value: Json): string | undefined {
  if (value === null || node.sort === 'any' || node.sort === 'int-or-string') return undefined
  const mismatch = mismatchOf(node, value)
  if (mismatch !== undefined) return mismatch
  if (isList(value)) {
    const { inner } = node
    return inner === undefined ? undefined : first(value, (one) => conversionProblem(inner, one))
  }
  if (!isObject(value)) return undefined
  return first(Object.entries(value), ([key, one]) => {
    const child = childOf(node, key)
    return child === undefined ? undefined : conversionProblem(child, one)
  })
}

function mismatchOf(node: Node, value: Json): string | undefined {
  const kind = goKind(value)
  const { sort, schema } = node
  if (sort === 'map') return kind === 'map' ? undefined : `cannot restore map from ${kind}`
  if (sort === 'object') return kind === 'map' ? undefined : `cannot restore struct from: ${kind}`
  if (sort === 'list') return kind === 'slice' ? undefined : `cannot restore slice from ${kind}`
  if (schema['format'] !== 'byte') return scalarMismatch(node, kind)
  return kind === 'slice' || kind === 'string' ? undefined : `cannot restore slice from ${kind}`
}

const wantedKinds: Readonly<Record<string, readonly string[]>> = {
  string: ['string'],
  boolean: ['bool'],
  integer: ['int64'],
  number: ['int64', 'float64'],
}

function scalarMismatch({ sort, schema }: Node, kind: string): string | undefined {
  if (wantedKinds[sort]?.includes(kind) !== false) return undefined
  // Of a type that decodes itself.
  if (schema['format'] === 'date-time') return undefined
  const wanted = sort === 'integer' ? textAt(schema, 'format') || 'int64' : goNames[sort]
  // Go converts a number to a text, and so tells them apart by itself.
  const isConvertible = (sort === 'string' && kind === 'int64') || (sort === 'integer' && kind === 'float64')
  return isConvertible ? `cannot convert ${kind} to ${wanted}` : `unrecognized type: ${wanted}`
}

const goNames: Readonly<Record<string, string>> = { string: 'string', boolean: 'bool', number: 'float64' }

function goKind(value: Json): string {
  if (isList(value)) return 'slice'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64'
  return typeof value === 'boolean' ? 'bool' : typeof value === 'string' ? 'string' : 'map'
}

function first<T>(list: readonly T[], look: (one: T) => string | undefined): string | undefined {
  for (const one of list) {
    const found = look(one)
    if (found !== undefined) return found
  }
  return undefined
}
