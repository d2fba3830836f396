/** Values whose JSON type a built-in kind's Go struct could not take. */
import { isList, isObject, type Json, type JsonObject } from '../json.ts'
import type { Resource } from '../resources/resource.ts'
import type { Node } from '../schema/node.ts'
import { childOf } from '../schema/shape.ts'

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
  return problem(resource.node, object, { kind: resource.kind, path: '' })
}

type Where = { readonly kind: string; readonly path: string }

function problem(node: Node, value: Json, where: Where): string | undefined {
  if (value === null || node.sort === 'any' || node.sort === 'int-or-string') return undefined
  if (!fits(node, value)) {
    return `json: cannot unmarshal ${jsonType(value)} into Go struct field ${where.kind}.${where.path} of type ${goTypes[node.sort] ?? node.sort}`
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

function jsonType(value: Json): string {
  if (isList(value)) return 'array'
  if (typeof value === 'boolean') return 'bool'
  return typeof value === 'number' && !Number.isInteger(value) ? `number ${value}` : typeof value
}
