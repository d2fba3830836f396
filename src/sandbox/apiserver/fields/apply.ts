/** Server-side apply: the manager's fields are exactly those it applies; what others own is theirs, unless forced. */
import { ApiError } from '../errors/status.ts'
import { isObject, type Json, type JsonObject } from '../json.ts'
import type { Node } from '../schema/node.ts'
import { merge, removeFields } from './merge.ts'
import { managersOf, ownedByOthers, tracked, withManagers, type Manager, type Writer } from './managed.ts'
import { difference, empty, isEmpty, outside, pathsOf, union, within, type FieldSet } from './set.ts'
import { changesBetween, fieldsOf } from './typed.ts'

/** The object after an apply; throws the conflicts unless `force`. */
export function applied(
  node: Node,
  {
    live,
    config,
    force,
  }: { readonly live: JsonObject | undefined; readonly config: JsonObject; readonly force: boolean },
  writer: Writer,
): JsonObject {
  const managers = managersOf(live)
  const isMine = (one: Manager): boolean =>
    one.operation === 'Apply' && one.manager === writer.manager && one.subresource === writer.subresource
  const mine = managers.find(isMine)
  const others = managers.filter((one) => !isMine(one))
  const fields = fieldsOf(node, tracked(config))
  const merged = merge(node, live, config)
  const after = pruned(
    node,
    isObject(merged) ? merged : config,
    abandoned(mine?.fields ?? empty, fields, others),
  )
  const { written, removed } = changesBetween(node, tracked(live ?? {}), tracked(after))
  const conflicts = ownedByOthers(others, within(written, fields))
  if (conflicts.length > 0 && !force) throw conflictError(conflicts)
  const left = others.map((one) => ({ ...one, fields: outside(difference(one.fields, written), removed) }))
  const unchanged = isEmpty(written) && isEmpty(removed)
  // Who applies nothing manages nothing.
  if (fields.children.size === 0) return withManagers(after, left)
  const time = timeOf(unchanged ? mine : undefined, fields, writer)
  return withManagers(after, [...left, { ...writer, operation: 'Apply', fields, time }])
}

// An apply that changes neither the object nor what its manager owns keeps the time of the one before.
function timeOf(mine: Manager | undefined, fields: FieldSet, writer: Writer): string {
  return mine !== undefined && sameFields(mine.fields, fields) ? mine.time : writer.time
}

const sameFields = (a: FieldSet, b: FieldSet): boolean =>
  isEmpty(difference(a, b)) && isEmpty(difference(b, a))

// What this manager applied before, applies no more, and nobody else owns.
function abandoned(before: FieldSet, now: FieldSet, others: readonly Manager[]): FieldSet {
  const owned = others.reduce((all, one) => union(all, one.fields), now)
  return withoutParents(difference(before, owned), owned)
}

// A place goes only if nothing below it is owned by somebody.
function withoutParents(gone: FieldSet, owned: FieldSet): FieldSet {
  const children = [...gone.children].map(
    ([key, child]) => [key, withoutParents(child, owned.children.get(key) ?? empty)] as const,
  )
  const keep = owned.children.size > 0 || owned.here
  return { here: gone.here && !keep, children: new Map(children) }
}

function pruned(node: Node, object: JsonObject, gone: FieldSet): JsonObject {
  const left = removeFields(node, object, gone)
  return isObject(left) ? left : object
}

function conflictError(
  conflicts: readonly { readonly owner: Manager; readonly fields: FieldSet }[],
): ApiError {
  const lines = conflicts.flatMap(({ owner, fields }) =>
    pathsOf(fields).map((field) => ({ who: whoIs(owner), field })),
  )
  const causes: Json = lines.map(({ who, field }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${who}`,
    field,
  }))
  return new ApiError({ code: 409, reason: 'Conflict', message: conflictText(lines), details: { causes } })
}

function conflictText(lines: readonly { readonly who: string; readonly field: string }[]): string {
  if (lines.length === 1)
    return `Apply failed with 1 conflict: conflict with ${lines[0]?.who}: ${lines[0]?.field}`
  const groups = Map.groupBy(lines, (line) => line.who)
  const parts = [...groups].map(
    ([who, of]) => `conflicts with ${who}:\n${of.map((line) => `- ${line.field}`).join('\n')}`,
  )
  return `Apply failed with ${lines.length} conflicts: ${parts.join('\n')}`
}

// apimachinery pkg/util/managedfields/internal/conflict.go: appliers are named only.
function whoIs(owner: Manager): string {
  const subresource = owner.subresource === '' ? '' : ` with subresource ${JSON.stringify(owner.subresource)}`
  const name = `${JSON.stringify(owner.manager)}${subresource}`
  if (owner.operation === 'Apply') return name
  return `${name} using ${owner.apiVersion}`
}
