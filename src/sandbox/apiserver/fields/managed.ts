/** metadata.managedFields: who wrote which fields, kept through updates and applies. */
import { isObject, listAt, own, same, setAt, textAt, without, type Json, type JsonObject } from '../json.ts'
import type { Node } from '../schema/node.ts'
import {
  difference,
  empty,
  fromFieldsV1,
  intersection,
  isEmpty,
  outside,
  toFieldsV1,
  union,
  type FieldSet,
} from './set.ts'
import { changesBetween } from './typed.ts'

/** One entry: a manager's fields. */
export type Manager = {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly subresource: string
  readonly time: string
  readonly fields: FieldSet
}

/** Who writes now. */
export type Writer = {
  readonly manager: string
  readonly apiVersion: string
  readonly subresource: string
  readonly time: string
}

/** The managers of an object; entries that make no sense are left out. */
export function managersOf(object: JsonObject | undefined): readonly Manager[] {
  return listAt(object, 'metadata', 'managedFields').flatMap((entry) => {
    if (!isObject(entry)) return []
    return [
      {
        manager: textAt(entry, 'manager'),
        operation: textAt(entry, 'operation') === 'Apply' ? 'Apply' : 'Update',
        apiVersion: textAt(entry, 'apiVersion'),
        subresource: textAt(entry, 'subresource'),
        time: textAt(entry, 'time'),
        fields: fromFieldsV1(own(entry, 'fieldsV1')),
      } as const,
    ]
  })
}

/** The object with these managers. */
export function withManagers(object: JsonObject, managers: readonly Manager[]): JsonObject {
  const entries = managers
    .filter((one) => !isEmpty(one.fields))
    .toSorted((a, b) => order(a).localeCompare(order(b)))
    .map((one): JsonObject => ({
      manager: one.manager,
      operation: one.operation,
      apiVersion: one.apiVersion,
      ...(one.time === '' ? {} : { time: one.time }),
      fieldsType: 'FieldsV1',
      fieldsV1: toFieldsV1(one.fields),
      ...(one.subresource === '' ? {} : { subresource: one.subresource }),
    }))
  return setAt(object, ['metadata', 'managedFields'], entries.length === 0 ? undefined : entries)
}

// Applies first, then by time, then by name.
const order = (one: Manager): string =>
  `${one.operation === 'Apply' ? 0 : 1} ${one.time} ${one.manager} ${one.subresource}`

// structured-merge-diff never tracks these: fieldmanager/internal/stripmeta.go.
const untracked = [
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'managedFields',
  'name',
  'namespace',
  'resourceVersion',
  'selfLink',
  'uid',
  'generateName',
]

/** The object without what nobody owns. */
export function tracked(object: JsonObject): JsonObject {
  const rest = without(object, 'apiVersion', 'kind')
  const metadata = own(rest, 'metadata')
  if (!isObject(metadata)) return rest
  const kept = without(metadata, ...untracked)
  return Object.keys(kept).length === 0 ? without(rest, 'metadata') : { ...rest, metadata: kept }
}

/** The object after an update by `writer`, with the managers that this leads to. */
export function afterUpdate(
  node: Node,
  { before, after }: { readonly before: JsonObject | undefined; readonly after: JsonObject },
  writer: Writer,
): JsonObject {
  const former = isReset(after) ? [] : managersOf(before)
  const { written, removed } = changesBetween(node, tracked(before ?? {}), tracked(after))
  const managers = former.map((one) =>
    isWriter(one, writer) ? one : { ...one, fields: difference(outside(one.fields, removed), written) },
  )
  const mine = former.find((one) => isWriter(one, writer))
  const fields = union(outside(mine?.fields ?? empty, removed), written)
  const unchanged = isEmpty(written) && isEmpty(removed)
  const others = managers.filter((one) => !isWriter(one, writer))
  if (unchanged) return withManagers(after, mine === undefined ? others : [...others, mine])
  return withManagers(after, [...others, { ...writer, operation: 'Update', fields }])
}

// An explicit list of one empty entry resets the managers, as kubectl's own helpers do.
function isReset(object: JsonObject): boolean {
  const given = listAt(object, 'metadata', 'managedFields')
  return given.length === 1 && same(given[0], {})
}

function isWriter(one: Manager, writer: Writer): boolean {
  return (
    one.operation === 'Update' &&
    one.manager === writer.manager &&
    one.subresource === writer.subresource &&
    one.apiVersion === writer.apiVersion
  )
}

/** Whether two objects differ in more than the times of their managers. */
export function sameBut(a: JsonObject, b: JsonObject): boolean {
  const strip = (object: JsonObject): Json =>
    setAt(setAt(object, ['metadata', 'managedFields'], undefined), ['metadata', 'resourceVersion'], undefined)
  if (!same(strip(a), strip(b))) return false
  const timeless = (object: JsonObject): Json =>
    managersOf(object).map((one) => ({ ...one, time: '', fields: toFieldsV1(one.fields) }))
  return same(timeless(a), timeless(b))
}

/** The fields of a set that others own. */
export function ownedByOthers(
  managers: readonly Manager[],
  fields: FieldSet,
): readonly { readonly owner: Manager; readonly fields: FieldSet }[] {
  return managers
    .map((owner) => ({ owner, fields: intersection(owner.fields, fields) }))
    .filter((one) => !isEmpty(one.fields))
}
