/** What a change of an object does to the fields that its managers own (structured-merge-diff merge/update.go). */
import { listAt, same, setAt, type JsonObject } from '../json.ts'
import type { Resource } from '../resources/resource.ts'
import { compare, type Comparison } from './compare.ts'
import {
  capped,
  identityOf,
  managersOf,
  tracked,
  withManagers,
  type Manager,
  type Writer,
} from './managed.ts'
import {
  difference,
  empty,
  intersection,
  isEmpty,
  outside,
  self,
  setWith,
  union,
  type FieldSet,
} from './set.ts'
import { typedProblems } from './typed-problems.ts'

/** A manager of a field that somebody else changes. */
export type Conflict = { readonly owner: Manager; readonly fields: FieldSet }

const status = setWith(false, [['f:status', self]])
const allButStatus = setWith(false, [
  ['f:metadata', self],
  ['f:spec', self],
])
const spec = setWith(false, [['f:spec', self]])

/** The fields that a write to this part of an object cannot change, and hence does not own (GetResetFields). */
export function resetBy({ custom, ...resource }: Resource, subresource: string): FieldSet {
  if (subresource === 'status') return custom ? allButStatus : spec
  return resource.status ? status : empty
}

/** The differences between two objects, but for what the write cannot change. */
export function changes(
  resource: Resource,
  subresource: string,
  [before, after]: readonly [JsonObject, JsonObject],
): Comparison {
  const reset = resetBy(resource, subresource)
  const all = compare(resource.node, bare(before), bare(after))
  return {
    removed: outside(all.removed, reset),
    modified: outside(all.modified, reset),
    added: outside(all.added, reset),
  }
}

const bare = (object: JsonObject): JsonObject => setAt(object, ['metadata', 'managedFields'], undefined)

/** The managers when somebody else has made these changes, and what it took from them. */
export function afterChange(
  managers: readonly Manager[],
  { removed, modified, added }: Comparison,
): { readonly left: readonly Manager[]; readonly conflicts: readonly Conflict[] } {
  const written = union(modified, added)
  const conflicts = managers
    .map((owner) => ({ owner, fields: intersection(owner.fields, written) }))
    .filter(({ fields }) => !isEmpty(fields))
  const gone = union(written, removed)
  const left = managers.map((one) => ({ ...one, fields: difference(one.fields, gone) }))
  return { left: left.filter((one) => !isEmpty(one.fields)), conflicts }
}

/** The object after an update by `writer`, with the managers that this leads to. */
export function afterUpdate(
  resource: Resource,
  { before, after }: { readonly before: JsonObject | undefined; readonly after: JsonObject },
  writer: Writer,
): JsonObject {
  const former = formerManagers(before, after, writer.subresource)
  // skipnonapplied.go: fields that nobody managed are not managed after an update either.
  if (before !== undefined && former.length === 0) return withManagers(after, [])
  if (resource.custom && [before ?? {}, after].some((one) => isMistyped(resource, one)))
    return withManagers(after, [])
  return withManagers(after, updated(resource, { before: before ?? {}, after, former }, writer))
}

// What is stored is looked at with every write.
const known = new WeakMap<JsonObject, { readonly resource: Resource; readonly isMistyped: boolean }>()

// The real server gives up its book-keeping for an object that is not of its schema's types, even where the write keeps only the
// part of it that is.
function isMistyped(resource: Resource, object: JsonObject): boolean {
  const before = known.get(object)
  if (before?.resource === resource) return before.isMistyped
  const found = { resource, isMistyped: isNotOf(resource, object) }
  known.set(object, found)
  return found.isMistyped
}

const isNotOf = (resource: Resource, object: JsonObject): boolean =>
  (Object.hasOwn(object, 'kind') && object['kind'] !== resource.kind) ||
  typedProblems(resource.node, bare(object)).length > 0

type Updated = {
  readonly before: JsonObject
  readonly after: JsonObject
  readonly former: readonly Manager[]
}

/** The managers after an update. */
export function updated(
  resource: Resource,
  { before, after, former }: Updated,
  writer: Writer,
): readonly Manager[] {
  const comparison = changes(resource, writer.subresource, [before, after])
  const { left } = afterChange(former, comparison)
  const mine: Manager = {
    ...writer,
    operation: 'Update',
    fields: tracked(union(comparison.modified, comparison.added)),
  }
  if (isEmpty(mine.fields)) return capped(left)
  const earlier = left.find((one) => identityOf(one) === identityOf(mine))
  const fields = union(mine.fields, earlier?.fields ?? empty)
  return capped([...left.filter((one) => one !== earlier), { ...mine, fields }])
}

// Whoever updates an object may set its managers, if what it sets makes sense; not through a subresource.
function formerManagers(
  before: JsonObject | undefined,
  after: JsonObject,
  subresource: string,
): readonly Manager[] {
  if (subresource === '') {
    if (isReset(after)) return []
    const given = managersOf(after) ?? []
    if (given.length > 0) return given
  }
  return managersOf(before) ?? []
}

// An empty list, or one of one empty entry, resets the managers.
function isReset(object: JsonObject): boolean {
  const metadata = object['metadata']
  if (!Object.hasOwn(Object(metadata), 'managedFields')) return false
  const given = listAt(object, 'metadata', 'managedFields')
  return given.length === 0 || (given.length === 1 && same(given[0], {}))
}
