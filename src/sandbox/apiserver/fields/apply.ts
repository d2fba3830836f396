/** Server-side apply: the manager's fields are exactly those it applies; what others own is theirs, unless forced. */
import { isObject, same, textAt, type Json, type JsonObject } from '../json.ts'
import type { Resource } from '../resources/resource.ts'
import type { Node } from '../schema/node.ts'
import { conflictError } from './conflict.ts'
import { identityOf, managersOf, tracked, withManagers, type Manager, type Writer } from './managed.ts'
import { merge } from './merge.ts'
import { afterChange, changes, resetBy, updated } from './ownership.ts'
import { without } from './remove.ts'
import { difference, intersection, isEmpty, outside, union, withNamedFields, type FieldSet } from './set.ts'
import { fieldsOf } from './typed.ts'

/** What is applied to what. */
export type Application = {
  readonly live: JsonObject | undefined
  readonly config: JsonObject
  readonly force: boolean
}

/** The object after an apply; throws the conflicts unless `force`. */
export function applied(
  resource: Resource,
  { live, config, force }: Application,
  writer: Writer,
): JsonObject {
  const { node } = resource
  const former = formerManagers(resource, live, writer)
  const mine: Manager = {
    ...writer,
    operation: 'Apply',
    fields: outside(fieldsOf(node, config), resetBy(resource, writer.subresource)),
  }
  const last = former.find((one) => identityOf(one) === identityOf(mine))
  const others = former.filter((one) => one !== last)
  const before = live ?? {}
  const merged = objectOr(merge(node, before, config), config)
  const owned = [...others, mine].map((one) => one.fields).reduce(union)
  const after = last === undefined ? merged : pruned(node, merged, { last: last.fields, owned })
  const { left, conflicts } = afterChange(others, changes(resource, writer.subresource, [before, after]))
  if (conflicts.length > 0 && !force) throw conflictError(conflicts)
  // An apply that changes nothing keeps the time of the one before; there may have been none.
  const time = same(before, after) ? (last?.time ?? '') : writer.time
  return withManagers(after, [...left, { ...mine, fields: tracked(mine.fields), time }])
}

const objectOr = (value: Json | undefined, otherwise: JsonObject): JsonObject =>
  isObject(value) ? value : otherwise

// skipnonapplied.go: what is there without any manager is owned by a manager of this name from the first apply on.
function formerManagers(
  resource: Resource,
  live: JsonObject | undefined,
  writer: Writer,
): readonly Manager[] {
  const managers = managersOf(live) ?? []
  if (managers.length > 0 || live === undefined) return managers
  const before = { apiVersion: textAt(live, 'apiVersion'), kind: textAt(live, 'kind') }
  return updated(resource, { before, after: live, former: [] }, { ...writer, manager: 'before-first-apply' })
}

/** Takes away what this manager applied before, applies no more, and nobody else owns (merge/update.go prune). */
function pruned(
  node: Node,
  merged: JsonObject,
  sets: { readonly last: FieldSet; readonly owned: FieldSet },
): JsonObject {
  const ensured = (set: FieldSet): FieldSet => withNamedFields(set, node)
  const allOf = (object: JsonObject): FieldSet => ensured(fieldsOf(node, object))
  const remove = (object: JsonObject, gone: FieldSet): JsonObject => objectOr(without(node, object, gone), {})
  const last = ensured(sets.last)
  const all = allOf(merged)
  const bare = remove(merged, last)
  const withOwned = remove(merged, difference(all, union(allOf(bare), ensured(sets.owned))))
  return isEmpty(sets.last) ? merged : remove(merged, intersection(difference(all, allOf(withOwned)), last))
}
