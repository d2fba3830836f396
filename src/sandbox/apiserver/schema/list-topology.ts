/** Lists that are sets or maps hold each thing once. */
import { wrong, type FieldError } from '../errors/field.ts'
import { canonical, isObject, own, type Json, type JsonObject } from '../json.ts'
import type { Node } from './node.ts'
import { itemPath } from './path.ts'

/** A Duplicate for the second of equal items, or of items with equal keys. */
export function validateListTopology(
  node: Node,
  value: readonly Json[],
  path: string,
): readonly FieldError[] {
  if (node.listType === 'atomic') return []
  if (node.listType === 'set') return duplicates(value, path)
  const stray = value.findIndex((one) => one !== null && !isObject(one))
  if (stray >= 0) {
    return [
      wrong(itemPath(path, stray), value[stray] ?? null, 'must be an object for an array of list-type map'),
    ]
  }
  return duplicates(
    value.map((one) => keysOf(node, one)),
    path,
  )
}

function keysOf(node: Node, item: Json): JsonObject {
  if (!isObject(item)) return {}
  const entries = node.listKeys.flatMap((key) => {
    const value = own(item, key)
    return value === undefined ? [] : [[key, value] as const]
  })
  return Object.fromEntries(entries)
}

function duplicates(values: readonly Json[], path: string): readonly FieldError[] {
  const seen = new Map<string, number>()
  return values.flatMap((value, index): readonly FieldError[] => {
    const key = canonical(value)
    const times = seen.get(key) ?? 0
    seen.set(key, times + 1)
    return times === 1 ? [{ type: 'FieldValueDuplicate', field: itemPath(path, index), value }] : []
  })
}
