/** Sets of field paths in the form of FieldsV1: `f:name`, `k:{"name":"x"}`, `v:1`, `i:0`, and `.` for the place itself. */
import { isObject, type Json, type JsonObject } from '../json.ts'
import type { Node } from '../schema/node.ts'
import { childOf, declares } from '../schema/shape.ts'

/** A set of paths as a tree; `here` says that the place itself belongs to the set. */
export type FieldSet = { readonly here: boolean; readonly children: ReadonlyMap<string, FieldSet> }

/** The set without paths. */
export const empty: FieldSet = { here: false, children: new Map() }
/** The set of just this place. */
export const self: FieldSet = { here: true, children: new Map() }

/** A set from its parts; children without paths are left out. */
export function setWith(here: boolean, children: Iterable<readonly [string, FieldSet]>): FieldSet {
  return { here, children: new Map([...children].filter(([, child]) => !isEmpty(child))) }
}

/** Whether there is no path. */
export function isEmpty(set: FieldSet): boolean {
  return !set.here && set.children.size === 0
}

/** The paths in either. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(a)) return b
  if (isEmpty(b)) return a
  const onlyInB = [...b.children].filter(([key]) => !a.children.has(key))
  return { here: a.here || b.here, children: new Map([...eachOf(a, b, union), ...onlyInB]) }
}
/** The paths in both. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(a) || isEmpty(b)) return empty
  return setWith(a.here && b.here, eachOf(a, b, intersection))
}
/** The paths in `a` and not in `b`; `a` itself where there is nothing in `b`. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(a) || isEmpty(b)) return a
  return setWith(a.here && !b.here, eachOf(a, b, difference))
}

/** What is below `a`, each combined with what is at the same place below `b`. */
function eachOf(a: FieldSet, b: FieldSet, combine: typeof union): readonly (readonly [string, FieldSet])[] {
  return [...a.children].map(([key, child]) => [key, combine(child, b.children.get(key) ?? empty)])
}

/** The paths of `a` that neither are in `b` nor lie under one of `b`. */
export function outside(a: FieldSet, b: FieldSet): FieldSet {
  if (b.here) return empty
  return setWith(
    a.here,
    [...a.children].map(([key, child]) => [key, outside(child, b.children.get(key) ?? empty)]),
  )
}

// Sets never change, and most writes leave those of most managers as they were.
const written = new WeakMap<FieldSet, JsonObject>()
const read = new WeakMap<JsonObject, FieldSet>()

/** The set as managedFields hold it. */
export function toFieldsV1(set: FieldSet): JsonObject {
  const known = written.get(set)
  if (known !== undefined) return known
  const made = fieldsV1Of(set)
  written.set(set, made)
  return made
}

function fieldsV1Of(set: FieldSet): JsonObject {
  const entries = [...set.children]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, child]) => [key, fieldsV1Of(child)] as const)
  const inner = Object.fromEntries(entries)
  return set.here && set.children.size > 0 ? { '.': {}, ...inner } : inner
}

/** The set from managedFields; a leaf is a place that belongs to it. */
export function fromFieldsV1(value: Json | undefined): FieldSet {
  if (!isObject(value)) return empty
  const known = read.get(value)
  if (known !== undefined) return known
  const made = setIn(value, true)
  read.set(value, made)
  return made
}

function setIn(value: Json, root: boolean): FieldSet {
  if (!isObject(value)) return empty
  const entries = Object.entries(value).filter(([key]) => key !== '.')
  const children = entries.map(([key, one]) => [key, setIn(one, false)] as const)
  return setWith(!root && (entries.length === 0 || Object.hasOwn(value, '.')), children)
}

/** The set with the declared fields that have something below them: managed fields name those only by what is below. */
export function withNamedFields(set: FieldSet, node: Node | undefined, here = set.here): FieldSet {
  const children = [...set.children].map(([key, child]) => {
    const below = node === undefined ? undefined : nodeAt(node, key)
    const named = key.startsWith('f:') && node !== undefined && declares(node, key.slice(2))
    return [key, withNamedFields(child, below, child.here || (named && child.children.size > 0))] as const
  })
  return { here, children: new Map(children) }
}

function nodeAt(node: Node, key: string): Node | undefined {
  return key.startsWith('f:') ? childOf(node, key.slice(2)) : node.inner
}

/** Each path as conflicts show it: `.spec.ports[port=80].name`; those of one place before those below it. */
export function pathsOf(set: FieldSet, parent = ''): readonly string[] {
  const children = [...set.children].toSorted(([a], [b]) => compareElements(a, b))
  const members = children.filter(([, child]) => child.here).map(([key]) => `${parent}${shownElement(key)}`)
  return [...members, ...children.flatMap(([key, child]) => pathsOf(child, `${parent}${shownElement(key)}`))]
}

// structured-merge-diff fieldpath/element.go: names, then keys, then values.
const compareElements = (a: string, b: string): number =>
  a[0] === b[0] ? (a < b ? -1 : 1) : 'fkvi'.indexOf(a[0] ?? '') - 'fkvi'.indexOf(b[0] ?? '')

/** A path element as messages show it. */
export function shownElement(key: string): string {
  const rest = key.slice(2)
  if (key.startsWith('f:')) return `.${rest}`
  if (key.startsWith('i:')) return `[${rest}]`
  if (key.startsWith('v:')) return `[=${rest}]`
  // Made by this server or checked when it was read: a JSON object.
  const parsed = JSON.parse(rest) as Json
  const pairs = isObject(parsed) ? Object.entries(parsed) : []
  return `[${pairs.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`
}
