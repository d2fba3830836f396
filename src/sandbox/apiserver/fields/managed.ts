/** metadata.managedFields: who owns which fields (apimachinery pkg/util/managedfields/internal/managedfields.go). */
import { isObject, listAt, own, same, setAt, textAt, type Json, type JsonObject } from '../json.ts'
import { difference, fromFieldsV1, isEmpty, self, setWith, toFieldsV1, union, type FieldSet } from './set.ts'

/** One entry: a manager's fields. */
export type Manager = {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly subresource: string
  /** When it last took a field; '' for an apply that changed nothing. */
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

/** The managers of an object; undefined if one of them makes no sense. */
export function managersOf(object: JsonObject | undefined): readonly Manager[] | undefined {
  const managers = listAt(object, 'metadata', 'managedFields').map(managerOf)
  const sound = managers.filter((one) => one !== undefined)
  // Of two with the same identity the last counts.
  return sound.length < managers.length
    ? undefined
    : [...new Map(sound.map((one) => [identityOf(one), one])).values()]
}

function managerOf(entry: Json): Manager | undefined {
  const operation = textAt(entry, 'operation')
  const apiVersion = textAt(entry, 'apiVersion')
  const isKnown = operation === 'Apply' || operation === 'Update'
  if (!isObject(entry) || !isKnown || apiVersion === '' || textAt(entry, 'fieldsType') !== 'FieldsV1')
    return undefined
  return {
    manager: textAt(entry, 'manager'),
    operation,
    apiVersion,
    subresource: textAt(entry, 'subresource'),
    time: textAt(entry, 'time'),
    fields: fromFieldsV1(own(entry, 'fieldsV1')),
  }
}

/** What makes a manager one: an applier is the same whichever version it applies. In the form that the real server sorts by. */
export function identityOf({ manager, operation, apiVersion, subresource }: Manager): string {
  return JSON.stringify({
    ...(manager === '' ? {} : { manager }),
    operation,
    ...(operation === 'Apply' ? {} : { apiVersion }),
    ...(subresource === '' ? {} : { subresource }),
  })
}

/** The object with these managers. */
export function withManagers(object: JsonObject, managers: readonly Manager[]): JsonObject {
  const entries = managers
    .filter((one) => !isEmpty(one.fields))
    .toSorted(inOrder)
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

// Applies first, then by time, which is of whole seconds.
function inOrder(a: Manager, b: Manager): number {
  const places = [a, b].map((one) => [one.operation, one.time, one.manager, one.apiVersion, one.subresource])
  const [left = [], right = []] = places
  const index = left.findIndex((part, at) => part !== right[at])
  return index < 0 ? 0 : (left[index] ?? '') < (right[index] ?? '') ? -1 : 1
}

// stripmeta.go: what the server itself writes, and what identifies the object.
const untracked = setWith(false, [
  ['f:apiVersion', self],
  ['f:kind', self],
  [
    'f:metadata',
    {
      here: true,
      children: new Map(
        ['name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'clusterName', 'generation']
          .concat('managedFields', 'resourceVersion')
          .map((name) => [`f:${name}`, self]),
      ),
    },
  ],
])

/** The fields without those that nobody owns. */
export const tracked = (fields: FieldSet): FieldSet => difference(fields, untracked)

// capmanagers.go: managers of updates beyond these are thrown together, the oldest first.
const mostUpdaters = 10

/** The managers, of which at most ten are those of updates, as far as two of them are of one version. */
export function capped(managers: readonly Manager[]): readonly Manager[] {
  const updaters = managers.filter((one) => one.operation === 'Update').map(identityOf)
  const left = new Map(managers.map((one) => [identityOf(one), one]))
  const firsts = new Map<string, string>()
  let tooMany = updaters.length - mostUpdaters
  if (tooMany <= 0) return managers
  for (const id of updaters.toSorted(byAge(left))) {
    const one = left.get(id)
    if (one === undefined || tooMany <= 0) break
    const first = firsts.get(one.apiVersion)
    if (first === undefined) firsts.set(one.apiVersion, id)
    else {
      merge(left, first, id)
      tooMany -= 1
    }
  }
  return [...left.values()]
}

// By whole seconds, then by what identifies them.
const byAge = (managers: ReadonlyMap<string, Manager>): ((a: string, b: string) => number) => {
  const key = (id: string): string => `${managers.get(id)?.time ?? ''} ${id}`
  return (a, b) => (key(a) < key(b) ? -1 : 1)
}

/** Puts a manager into the bucket of its version; the first of that version becomes the bucket if there is none yet. */
function merge(left: Map<string, Manager>, first: string, id: string): void {
  const one = left.get(id)
  if (one === undefined) return
  const bucket: Manager = { ...one, manager: 'ancient-changes', subresource: '' }
  const bucketId = identityOf(bucket)
  const into = left.get(bucketId) ?? left.get(first)
  if (!left.has(bucketId)) left.delete(first)
  left.set(bucketId, { ...bucket, fields: into === undefined ? one.fields : union(into.fields, one.fields) })
  left.delete(id)
}

/** Whether two objects differ in more than the times of their managers. */
export function sameBut(a: JsonObject, b: JsonObject): boolean {
  const strip = (object: JsonObject): Json =>
    setAt(setAt(object, ['metadata', 'managedFields'], undefined), ['metadata', 'resourceVersion'], undefined)
  if (!same(strip(a), strip(b))) return false
  const timeless = (object: JsonObject): Json =>
    (managersOf(object) ?? []).map((one) => ({ ...one, time: '', fields: toFieldsV1(one.fields) }))
  return same(timeless(a), timeless(b))
}
