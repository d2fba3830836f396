/** Taking fields away from a value (structured-merge-diff typed/remove.go). */
import { isList, isObject, type Json, type JsonObject } from '../json.ts'
import type { Node } from '../schema/node.ts'
import { empty, isEmpty, type FieldSet } from './set.ts'
import { below, elementOf, isAtomic, kindOf } from './typed.ts'

/** The value without the fields of a set; null where nothing is left. */
export function without(node: Node | undefined, value: Json, gone: FieldSet): Json {
  const kind = kindOf(node, value)
  if (kind === 'scalar') return value
  if (isAtomic(node, kind)) return null
  if (kind === 'list') return isList(value) ? fromList(node, value, gone) : null
  return isObject(value) ? fromMap(node, value, gone) : null
}

function fromList(node: Node | undefined, list: readonly Json[], gone: FieldSet): Json {
  const left = list.flatMap((item) => {
    const part = gone.children.get(elementOf(node, item)) ?? empty
    return part.here ? [] : [isEmpty(part) ? item : without(node?.inner, item, part)]
  })
  return left.length === 0 ? null : left
}

function fromMap(node: Node | undefined, object: JsonObject, gone: FieldSet): Json {
  const left = Object.entries(object).flatMap(([key, one]): readonly (readonly [string, Json])[] => {
    const part = gone.children.get(`f:${key}`) ?? empty
    if (part.here) return []
    return [[key, isEmpty(part) ? one : without(below(node, key), one, part)]]
  })
  return left.length === 0 ? null : Object.fromEntries(left)
}
