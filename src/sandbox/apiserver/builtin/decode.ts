/** Values whose JSON type a built-in kind's Go struct could not take. */
import { isList, isObject, jsonType, own, type Json, type JsonObject } from '../json.ts'
import type { Resource } from '../resources/resource.ts'
import type { Node } from '../schema/node.ts'
import { objectMetaNode } from '../schema/definitions.ts'
import { childOf } from '../schema/shape.ts'
import { formatProblem } from './decode-formats.ts'

const goTypes: Readonly<Record<string, string>> = {
  string: 'string',
  integer: 'int32',
  number: 'float64',
  boolean: 'bool',
  object: 'struct',
  list: 'slice',
}

function goTypeOf(node: Node): string {
  const { inner } = node
  if (node.sort === 'string' && own(node.schema, 'format') === 'byte') return '[]uint8'
  if (node.sort === 'object' && node.definition !== '') return node.definition
  if (node.sort === 'map') return `map[string]${inner === undefined ? 'string' : goTypeOf(inner)}`
  return goTypes[node.sort] ?? node.sort
}

/** The first such value, worded as encoding/json words it; undefined if there is none. */
export function decodeProblem(resource: Resource, object: JsonObject): string | undefined {
  const metadata = own(object, 'metadata') ?? {}
  if (!isObject(metadata))
    return `json: cannot unmarshal ${jsonType(metadata)} into Go struct field ${resource.kind}.metadata of type v1.ObjectMeta`
  return (
    // A type that decodes itself ends the decoding; of the rest the first is kept.
    formatProblem(resource.node, object, 'date-time') ??
    problem(resource.node, object, { kind: resource.kind, path: '' })
  )
}

/** The first such value in metadata that is decoded by itself, as that of custom kinds is. */
export function metadataProblem(metadata: Json): string | undefined {
  if (!isObject(metadata))
    return `json: cannot unmarshal ${jsonType(metadata)} into Go value of type v1.ObjectMeta`
  const node = objectMetaNode()
  return (
    formatProblem(node, metadata, 'date-time') ?? problem(node, metadata, { kind: 'ObjectMeta', path: '' })
  )
}

type Where = { readonly kind: string; readonly path: string }

function problem(node: Node, value: Json, where: Where): string | undefined {
  if (value === null || node.sort === 'any' || node.sort === 'int-or-string') return undefined
  if (!fits(node, value)) {
    return `json: cannot unmarshal ${shownType(value)} into Go struct field ${where.kind}.${where.path} of type ${goTypeOf(node)}`
  }
  if (typeof value === 'string') return formatProblem(node, value, 'byte')
  const { inner } = node
  if (isList(value))
    return inner === undefined ? undefined : first(value, (one) => problem(inner, one, where))
  if (!isObject(value)) return undefined
  return first(Object.entries(value), ([key, one]) => {
    const child = childOf(node, key)
    // Keys of maps are no fields: encoding/json names the map.
    const named = where.path === '' ? key : `${where.path}.${key}`
    const path = node.sort === 'map' ? where.path : named
    return child === undefined ? undefined : problem(child, one, { kind: structOf(node) ?? where.kind, path })
  })
}

// The struct that has the field, by its Go name.
const structOf = (node: Node): string | undefined =>
  node.definition === '' ? undefined : node.definition.split('.').at(-1)

function first<T>(list: readonly T[], look: (one: T) => string | undefined): string | undefined {
  for (const one of list) {
    const found = look(one)
    if (found !== undefined) return found
  }
  return undefined
}

function fits(node: Node, value: Json): boolean {
  if (node.sort === 'object' || node.sort === 'map') return isObject(value)
  if (node.sort === 'list') return isList(value)
  // Bytes may be told as numbers too.
  if (isList(value) && own(node.schema, 'format') === 'byte')
    return value.every((one) => typeof one === 'number')
  return node.sort === 'integer' ? Number.isInteger(value) : typeof value === node.sort
}

const shownType = (value: Json): string =>
  typeof value === 'number' && !Number.isInteger(value) ? `number ${value}` : jsonType(value)
