/** Unknown fields dropped and reported, and defaults filled in: what decoding does to an object. */
import { isList, isObject, own, type Json, type JsonObject } from '../json.ts'
import { objectMetaNode } from './definitions.ts'
import type { Node } from './node.ts'

/** An object without the fields that its schema does not know, and their paths. */
export type Pruned = { readonly value: Json; readonly unknown: readonly string[] }

/** Drops what the schema does not know. `dropNull` takes nulls as Go's decoder of built-in kinds does: empty in a map, else absent. */
export function prune(node: Node, value: Json, { dropNull }: { readonly dropNull: boolean }): Pruned {
  const unknown: string[] = []
  const walk = (node: Node, value: Json, path: string): Json => {
    if (isList(value)) {
      const { inner } = node
      if (inner === undefined) return value
      return mapList(value, (one, index) =>
        one === null && dropNull && inner.sort === 'string' ? '' : walk(inner, one, `${path}[${index}]`),
      )
    }
    if (!isObject(value)) return value
    const isOpen = node.open || node.sort === 'any'
    return mapObject(value, (key, one) => {
      const child = childOf(node, key)
      const here = path === '' ? key : `${path}.${key}`
      if (!isOpen && child === undefined) {
        unknown.push(here)
        return undefined
      }
      if (!isOpen && one === null && dropNull) return zeroOf(node, child)
      return child === undefined ? one : walk(child, one, here)
    })
  }
  return { value: walk(node, value, ''), unknown }
}

// A null in a map of texts is an empty one; elsewhere it leaves the field as it is, which is absent.
const zeroOf = (node: Node, child: Node | undefined): Json | undefined =>
  node.sort === 'map' && child?.sort === 'string' ? '' : undefined

const embeddedFields: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata'])
const anyNode: Node = {
  schema: {},
  sort: 'any',
  open: true,
  embedded: false,
  nullable: true,
  field: () => undefined,
  fieldNames: [],
  inner: undefined,
  listType: 'atomic',
  listKeys: [],
  atomicMap: false,
  mergeKey: '',
  strategies: [],
  fallback: undefined,
  always: false,
  definition: '',
}

/** The node of a field of an object or of a value of a map; undefined if the schema does not know it. */
export function childOf(node: Node, key: string): Node | undefined {
  const field = node.field(key)
  if (node.embedded && embeddedFields.has(key))
    return key === 'metadata' ? objectMetaNode() : (field ?? anyNode)
  if (field !== undefined) return field
  if (node.sort === 'map') return node.inner ?? anyNode
  return undefined
}

/** Whether the schema names a field of an object: it is not just a key of a map. */
export function declares(node: Node, key: string): boolean {
  return node.field(key) !== undefined || (node.embedded && embeddedFields.has(key))
}

/** Fills in the defaults of the schema; a null where the schema has a default and allows no null counts as absent. */
export function withDefaults(node: Node, value: Json, keepsNull = false): Json {
  if (isList(value)) {
    const { inner } = node
    return inner === undefined ? value : mapList(value, (one) => withDefaults(inner, one, keepsNull))
  }
  if (!isObject(value)) return value
  const filled = fillFields(node, value)
  return mapObject(filled, (key, one) => {
    const child = childOf(node, key)
    if (child === undefined) return one
    return one === null && !keepsNull && isDroppedNull(child)
      ? undefined
      : withDefaults(child, one, keepsNull)
  })
}

// apiextensions pkg/apiserver/schema/defaulting/prunenulls.go; a list's items are not fields.
const isDroppedNull = (child: Node): boolean =>
  !child.nullable && child.fallback === undefined && child !== anyNode

function fillFields(node: Node, value: JsonObject): JsonObject {
  const missing = node.fieldNames.flatMap((name) => {
    const field = node.field(name)
    const current = own(value, name)
    const absent = current === undefined || (current === null && field?.nullable === false)
    return absent && field?.fallback !== undefined ? [[name, field.fallback] as const] : []
  })
  return missing.length === 0 ? value : { ...value, ...Object.fromEntries(missing) }
}

/** The list with each item replaced; the same list if nothing changed. */
function mapList(list: readonly Json[], change: (one: Json, index: number) => Json): readonly Json[] {
  const changed = list.map(change)
  return changed.every((one, index) => one === list[index]) ? list : changed
}

/** The object with each value replaced or dropped; the same object if nothing changed. */
function mapObject(object: JsonObject, change: (key: string, one: Json) => Json | undefined): JsonObject {
  let touched = false
  const entries = Object.entries(object).flatMap(([key, one]) => {
    const next = change(key, one)
    if (next !== one) touched = true
    return next === undefined ? [] : [[key, next] as const]
  })
  return touched ? Object.fromEntries(entries) : object
}
