/** Which fields an object has, and which differ between two, seen through a schema (structured-merge-diff). */
import { canonical, isList, isObject, own, same, type Json, type JsonObject } from '../json.ts'
import type { Node } from '../schema/node.ts'
import { childOf } from '../schema/shape.ts'
import { empty, self, setWith, union, type FieldSet } from './set.ts'

/** How a value takes part in merging: as one, by field, or by item. */
export type Grain =
  | { readonly by: 'whole' }
  | { readonly by: 'field'; readonly value: JsonObject; readonly child: (key: string) => Node | undefined }
  | { readonly by: 'item'; readonly items: ReadonlyMap<string, Json>; readonly inner: Node | undefined }

/** The grain of a value: objects without a schema are open maps, lists without one are whole. */
export function grainOf(node: Node | undefined, value: Json): Grain {
  if (isObject(value)) {
    if (node?.atomicMap === true) return { by: 'whole' }
    return { by: 'field', value, child: (key) => (node === undefined ? undefined : childOf(node, key)) }
  }
  if (isList(value) && node !== undefined && node.listType !== 'atomic') {
    return { by: 'item', items: itemsOf(node, value), inner: node.inner }
  }
  return { by: 'whole' }
}

/** The items of an associative list by their path element. */
export function itemsOf(node: Node, list: readonly Json[]): ReadonlyMap<string, Json> {
  return new Map(list.map((item, index) => [elementOf(node, item, index), item]))
}

/** The path element of an item: `k:{"name":"x"}` or `v:"x"`. */
export function elementOf(node: Node, item: Json, index: number): string {
  if (node.listType === 'set') return `v:${canonical(item)}`
  if (!isObject(item)) return `i:${index}`
  const keys = node.listKeys.flatMap((key) => {
    const value =
      own(item, key) ?? (node.inner === undefined ? undefined : childOf(node.inner, key)?.fallback)
    return value === undefined ? [] : [[key, value] as const]
  })
  return `k:${canonical(Object.fromEntries(keys))}`
}

/** All fields of a value. */
export function fieldsOf(node: Node | undefined, value: Json): FieldSet {
  const grain = grainOf(node, value)
  switch (grain.by) {
    case 'whole':
      return self
    case 'field': {
      const entries = Object.entries(grain.value)
      if (entries.length === 0) return self
      return setWith(
        false,
        entries.map(([key, one]) => [`f:${key}`, fieldsOf(grain.child(key), one)]),
      )
    }
    case 'item': {
      if (grain.items.size === 0) return self
      return setWith(
        false,
        [...grain.items].map(([key, one]) => [key, ofItem(key, grain.inner, one)]),
      )
    }
  }
}

// An item of a map list belongs to the set itself, beside its fields; so its owner owns that it is there.
function ofItem(element: string, inner: Node | undefined, item: Json): FieldSet {
  return element.startsWith('k:') ? union(self, fieldsOf(inner, item)) : self
}

/** The fields that `after` has with another value than `before`, or that only one of them has. */
export function changesBetween(
  node: Node | undefined,
  before: Json | undefined,
  after: Json | undefined,
): { readonly written: FieldSet; readonly removed: FieldSet } {
  if (before === undefined && after === undefined) return { written: empty, removed: empty }
  if (after === undefined)
    return { written: empty, removed: before === undefined ? empty : union(self, fieldsOf(node, before)) }
  if (before === undefined) return { written: addedFields(node, after), removed: empty }
  if (same(before, after)) return { written: empty, removed: empty }
  return differing(node, before, after)
}

// What comes to be as a whole belongs to its writer with its place, except structs that are always there in Go (default: {}).
function addedFields(node: Node | undefined, value: Json): FieldSet {
  const grain = grainOf(node, value)
  if (grain.by === 'whole') return self
  const always = isObject(node?.fallback) && Object.keys(node.fallback).length === 0
  const inner =
    grain.by === 'field'
      ? Object.entries(grain.value).map(
          ([key, one]) => [`f:${key}`, addedFields(grain.child(key), one)] as const,
        )
      : [...grain.items].map(
          ([key, one]) =>
            [key, key.startsWith('k:') ? union(self, addedFields(grain.inner, one)) : self] as const,
        )
  return setWith(!always || inner.length === 0, inner)
}

function differing(
  node: Node | undefined,
  before: Json,
  after: Json,
): { written: FieldSet; removed: FieldSet } {
  const a = grainOf(node, before)
  const b = grainOf(node, after)
  if (a.by === 'field' && b.by === 'field') {
    const keys = new Set([...Object.keys(a.value), ...Object.keys(b.value)])
    return split(
      [...keys].map((key) => [
        `f:${key}`,
        changesBetween(b.child(key), own(a.value, key), own(b.value, key)),
      ]),
      after,
    )
  }
  if (a.by === 'item' && b.by === 'item') {
    const keys = new Set([...a.items.keys(), ...b.items.keys()])
    const changes = [...keys].map(
      (key) =>
        [key, itemChanges(key, b.inner, { before: a.items.get(key), after: b.items.get(key) })] as const,
    )
    return split(changes, after)
  }
  return { written: fieldsOf(node, after), removed: empty }
}

function itemChanges(
  element: string,
  inner: Node | undefined,
  { before, after }: { readonly before: Json | undefined; readonly after: Json | undefined },
): { written: FieldSet; removed: FieldSet } {
  if (before === undefined && after !== undefined) {
    return {
      written: element.startsWith('k:') ? union(self, addedFields(inner, after)) : self,
      removed: empty,
    }
  }
  return changesBetween(inner, before, after)
}

function split(
  parts: readonly (readonly [string, { readonly written: FieldSet; readonly removed: FieldSet }])[],
  after: Json,
): { written: FieldSet; removed: FieldSet } {
  const emptied =
    (isObject(after) && Object.keys(after).length === 0) || (isList(after) && after.length === 0)
  return {
    written: setWith(
      emptied,
      parts.map(([key, part]) => [key, part.written]),
    ),
    removed: setWith(
      false,
      parts.map(([key, part]) => [key, part.removed]),
    ),
  }
}
