/** Merging what is applied into what is there, and taking away what is applied no more. */
import { isList, isObject, own, type Json, type JsonObject } from '../json.ts'
import type { Node } from '../schema/node.ts'
import type { FieldSet } from './set.ts'
import { elementOf, grainOf } from './typed.ts'

/** `live` with everything that `applied` says. */
export function merge(node: Node | undefined, live: Json | undefined, applied: Json): Json {
  if (live === undefined) return applied
  const a = grainOf(node, live)
  const b = grainOf(node, applied)
  if (a.by === 'field' && b.by === 'field') {
    const entries = Object.entries(b.value).map(
      ([key, one]) => [key, merge(b.child(key), own(a.value, key), one)] as const,
    )
    return { ...a.value, ...Object.fromEntries(entries) }
  }
  if (a.by === 'item' && b.by === 'item') return mergeItems(a.items, b.items, b.inner)
  return applied
}

// The applied items stand in their own order; those only in live keep their place behind the live item they followed.
function mergeItems(
  live: ReadonlyMap<string, Json>,
  applied: ReadonlyMap<string, Json>,
  inner: Node | undefined,
): Json {
  const out: Json[] = []
  const pending = [...live.keys()]
  const takeLiveBefore = (element: string): void => {
    const index = pending.indexOf(element)
    if (index < 0) return
    for (const key of pending.splice(0, index + 1)) {
      const item = live.get(key)
      if (item !== undefined && !applied.has(key)) out.push(item)
    }
  }
  for (const [element, item] of applied) {
    takeLiveBefore(element)
    out.push(merge(inner, live.get(element), item))
  }
  for (const key of pending) {
    const item = live.get(key)
    if (item !== undefined && !applied.has(key)) out.push(item)
  }
  return out
}

/** The value without the fields of a set. Undefined where the value itself goes. */
export function removeFields(node: Node | undefined, value: Json, gone: FieldSet): Json | undefined {
  if (gone.here && gone.children.size === 0) return undefined
  const grain = grainOf(node, value)
  if (grain.by === 'field') return removeFromObject(grain.value, gone, grain.child)
  if (grain.by === 'item' && isList(value) && node !== undefined) {
    return removeFromList(value, gone, node)
  }
  return gone.here ? undefined : value
}

function removeFromObject(
  value: JsonObject,
  gone: FieldSet,
  child: (key: string) => Node | undefined,
): Json | undefined {
  const entries = Object.entries(value).flatMap(([key, one]): readonly (readonly [string, Json])[] => {
    const below = gone.children.get(`f:${key}`)
    const left = below === undefined ? one : removeFields(child(key), one, below)
    return left === undefined ? [] : [[key, left]]
  })
  if (entries.length === 0 && Object.keys(value).length > 0) return undefined
  return Object.fromEntries(entries)
}

function removeFromList(list: readonly Json[], gone: FieldSet, node: Node): Json | undefined {
  const left = list.flatMap((item, index) => {
    const below = gone.children.get(elementOf(node, item, index))
    if (below === undefined) return [item]
    if (below.here) return []
    const rest = isObject(item) ? removeFields(node.inner, item, below) : undefined
    return rest === undefined ? [] : [rest]
  })
  return left.length === 0 && list.length > 0 ? undefined : left
}
