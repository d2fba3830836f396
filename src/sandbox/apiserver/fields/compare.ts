/** What differs between two values, seen through a schema (structured-merge-diff typed/compare.go). */
import { isList, isObject, same, type Json, type JsonObject } from '../json.ts'
import type { Node } from '../schema/node.ts'
import { empty, self, setWith, union, type FieldSet } from './set.ts'
import { below, isAtomic, itemsOf, kindOf, type Kind } from './typed.ts'

/** The fields that only one of two values has, or that both have with another value. */
export type Comparison = {
  readonly removed: FieldSet
  readonly modified: FieldSet
  readonly added: FieldSet
}

const none: Comparison = { removed: empty, modified: empty, added: empty }
const justRemoved: Comparison = { ...none, removed: self }
const justModified: Comparison = { ...none, modified: self }
const justAdded: Comparison = { ...none, added: self }

type Side = Json | undefined

/** The differences of two values; at least one is there. */
export function compare(node: Node | undefined, before: Side, after: Side): Comparison {
  // Most of what is written is as it was.
  if (same(before, after)) return none
  const kinds = new Set([before, after].flatMap((one) => (one === undefined ? [] : [kindOf(node, one)])))
  return [...kinds].map((kind) => compareAs(kind, node, [before, after])).reduce(both, none)
}

function both(a: Comparison, b: Comparison): Comparison {
  return {
    removed: union(a.removed, b.removed),
    modified: union(a.modified, b.modified),
    added: union(a.added, b.added),
  }
}

function compareAs(kind: Kind, node: Node | undefined, [before, after]: readonly [Side, Side]): Comparison {
  if (isAtomic(node, kind)) return leaf(before, after)
  const parts =
    kind === 'list' ? items(node, listOf(before), listOf(after)) : fields(node, mapOf(before), mapOf(after))
  // Neither has anything in it: what tells null from empty.
  if (parts === undefined) return leaf(before, after)
  return {
    removed: setWith(after === undefined, ofAll(parts, 'removed')),
    modified: setWith(false, ofAll(parts, 'modified')),
    added: setWith(before === undefined, ofAll(parts, 'added')),
  }
}

function leaf(before: Side, after: Side): Comparison {
  if (before === undefined) return justAdded
  if (after === undefined) return justRemoved
  return same(before, after) ? none : justModified
}

type Parts = readonly (readonly [string, Comparison])[]

const ofAll = (parts: Parts, what: keyof Comparison): readonly (readonly [string, FieldSet])[] =>
  parts.map(([key, part]) => [key, part[what]])

const listOf = (value: Side): readonly Json[] => (isList(value) ? value : [])
const mapOf = (value: Side): JsonObject => (isObject(value) ? value : {})

function fields(node: Node | undefined, before: JsonObject, after: JsonObject): Parts | undefined {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  if (keys.size === 0) return undefined
  return [...keys].map((key) => {
    // A field that is a struct in Go is there even when it is empty.
    const missing = node?.field(key)?.always === true ? {} : undefined
    const sideOf = (object: JsonObject): Side => (Object.hasOwn(object, key) ? object[key] : missing)
    return [`f:${key}`, compare(below(node, key), sideOf(before), sideOf(after))]
  })
}

function items(node: Node | undefined, before: readonly Json[], after: readonly Json[]): Parts | undefined {
  if (before.length === 0 && after.length === 0) return undefined
  const [left, right] = [itemsOf(node, before), itemsOf(node, after)]
  const elements = new Set([...left.keys(), ...right.keys()])
  return [...elements].map((element) => [
    element,
    compareItems(node?.inner, left.get(element) ?? [], right.get(element) ?? []),
  ])
}

// Several items of one element are owned as one.
function compareItems(inner: Node | undefined, before: readonly Json[], after: readonly Json[]): Comparison {
  if (before.length < 2 && after.length < 2) return compare(inner, before[0], after[0])
  if (before.length >= 2 && after.length >= 2) return same(before, after) ? none : justModified
  if (before.length >= 2) {
    return both(after.length === 0 ? none : compare(inner, undefined, after[0]), justRemoved)
  }
  return both(before.length === 0 ? none : compare(inner, before[0], undefined), justAdded)
}
