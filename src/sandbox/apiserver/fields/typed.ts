/** How a value takes part in merging, seen through a schema, and which fields it has (structured-merge-diff typed/). */
import { canonical, isList, isObject, own, type Json } from '../json.ts'
import type { Node } from '../schema/node.ts'
import { childOf, declares } from '../schema/shape.ts'
import { self, setWith, type FieldSet } from './set.ts'

/** What a value counts as. Where the schema says nothing a null counts as a map. */
export type Kind = 'scalar' | 'list' | 'map'

/** What a value counts as: its schema says so, and where there is none the value itself. */
export function kindOf(node: Node | undefined, value: Json): Kind {
  if (node === undefined || node.sort === 'any') {
    if (isList(value)) return 'list'
    return isObject(value) || value === null ? 'map' : 'scalar'
  }
  if (node.sort === 'object' || node.sort === 'map') return 'map'
  return node.sort === 'list' ? 'list' : 'scalar'
}

/** Whether a value of this kind is owned as one. */
export function isAtomic(node: Node | undefined, kind: Kind): boolean {
  if (kind === 'map') return node?.atomicMap === true
  return kind === 'scalar' || node === undefined || node.listType === 'atomic'
}

/** The schema of a field, if there is any. */
export const below = (node: Node | undefined, key: string): Node | undefined =>
  node === undefined ? undefined : childOf(node, key)

/** The path element of an item of an associative list: `k:{"name":"x"}` or `v:"x"`. */
export function elementOf(node: Node | undefined, item: Json): string {
  if (node?.listType !== 'map' || !isObject(item)) return `v:${canonical(item)}`
  const { inner } = node
  const keys = node.listKeys.flatMap((key) => {
    const value = own(item, key) ?? (inner === undefined ? undefined : childOf(inner, key)?.fallback)
    return value === undefined ? [] : [[key, value] as const]
  })
  return `k:${canonical(Object.fromEntries(keys))}`
}

/** The items of an associative list by their path element; there may be several of one. */
export function itemsOf(node: Node | undefined, list: readonly Json[]): ReadonlyMap<string, readonly Json[]> {
  return Map.groupBy(list, (item) => elementOf(node, item))
}

/** All fields of a value. */
export function fieldsOf(node: Node | undefined, value: Json): FieldSet {
  const kind = kindOf(node, value)
  if (isAtomic(node, kind)) return self
  if (kind === 'list') return isList(value) ? itemFields(node, value) : setWith(false, [])
  if (!isObject(value)) return setWith(false, [])
  return setWith(
    false,
    Object.entries(value).map(([key, one]) => {
      const fields = fieldsOf(below(node, key), one)
      const isMember = isHollow(one) || node === undefined || !declares(node, key)
      return [`f:${key}`, isMember ? { ...fields, here: true } : fields]
    }),
  )
}

const isHollow = (value: Json): boolean =>
  value === null || (isObject(value) && Object.keys(value).length === 0)

function itemFields(node: Node | undefined, list: readonly Json[]): FieldSet {
  const entries = [...itemsOf(node, list)].map(([element, [first = null, ...more]]) => {
    const fields = more.length === 0 ? fieldsOf(node?.inner, first) : self
    return [element, { ...fields, here: true }] as const
  })
  return setWith(false, entries)
}
