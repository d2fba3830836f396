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
  map: 'map[string]string',
  list: 'slice',
}

/** The first such value, worded as encoding/json words it; undefined if there is none. */
export function decodeProblem(resource: Resource, object: JsonObject): string | undefined {
  const metadata = own(object, 'metadata') ?? {}
  if (!isObject(metadata))
    return `json: cannot unmarshal ${jsonType(metadata)} into Go struct field ${resource.kind}.metadata of type v1.ObjectMeta`
  return (
    problem(objectMetaNode(), metadata, { kind: 'ObjectMeta', path: 'metadata' }) ??
    problem(resource.node, object, { kind: resource.kind, path: '' }) ??
    formatProblem(resource.node, object)
  )
}

/** The first such value in metadata that is decoded by itself, as that of custom kinds is. */
export function metadataProblem(metadata: Json): string | undefined {
  if (!isObject(metadata))
    return `json: cannot unmarshal ${jsonType(metadata)} into Go value of type v1.ObjectMeta`
  const node = objectMetaNode()
  return problem(node, metadata, { kind: 'ObjectMeta', path: '' }) ?? formatProblem(node, metadata)
}

type Where = { readonly kind: string; readonly path: string }

function problem(node: Node, value: Json, where: Where): string | undefined {
  if (value === null || node.sort === 'any' || node.sort === 'int-or-string') return undefined
  if (!fits(node, value)) {
    return `json: cannot unmarshal ${shownType(value)} into Go struct field ${where.kind}.${where.path} of type ${goTypes[node.sort] ?? node.sort}`
  }
  const { inner } = node
  if (isList(value))
    return inner === undefined ? undefined : first(value, (one) => problem(inner, one, where))
  if (!isObject(value)) return undefined
  return first(Object.entries(value), ([key, one]) => {
    const child = childOf(node, key)
    // Keys of maps are no fields: encoding/json names the map.
    const named = where.path === '' ? key : `${where.path}.${key}`
    const path = node.sort === 'map' ? where.path : named
    return child === undefined ? undefined : problem(child, one, { kind: where.kind, path })
  })
}

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
  return node.sort === 'integer' ? Number.isInteger(value) : typeof value === node.sort
}

const shownType = (value: Json): string =>
  typeof value === 'number' && !Number.isInteger(value) ? `number ${value}` : jsonType(value)
