/** Whether metadata may be stored: names, labels, annotations, owners, finalizers (apimachinery pkg/api/validation/objectmeta.go). */
import { forbiddenField, required, wrong, type FieldError } from '../errors/field.ts'
import { at, isObject, listAt, objectAt, textAt, textsAt, type Json, type JsonObject } from '../json.ts'
import type { Resource } from '../resources/resource.ts'
import { labelProblems, nameProblems, qualifiedProblems } from './names.ts'

// Kinds whose validation of an update begins with that of a new object.
const judgedAnew: ReadonlySet<string> = new Set([
  'ClusterRole',
  'ClusterRoleBinding',
  'ConfigMap',
  'Namespace',
  'PersistentVolumeClaim',
  'Pod',
  'Role',
  'RoleBinding',
  'Secret',
  'Service',
  'ServiceAccount',
])

/** The problems of an object's metadata. On an update the same is told by the store and by the kind, as often as the real server looks. */
export function metadataProblems(
  resource: Resource,
  object: JsonObject,
  before: JsonObject | undefined,
): readonly FieldError[] {
  const fresh = freshProblems(resource, object)
  const kindly = unqualifiedFinalizers(resource, object)
  if (before === undefined) return [...fresh, ...kindly]
  const anew = !resource.custom && judgedAnew.has(resource.kind) ? [...fresh, ...kindly] : []
  const stored = storedMetadataProblems(resource, object, before)
  return [...stored, ...changeProblems(object, before), ...kindly, ...anew]
}

/** Those that the store tells of on an update, whatever the kind says. */
export const storedMetadataProblems = (
  resource: Resource,
  object: JsonObject,
  before: JsonObject,
): readonly FieldError[] => [...freshProblems(resource, object), ...changeProblems(object, before)]

const freshProblems = (resource: Resource, object: JsonObject): readonly FieldError[] => [
  ...ownNameProblems(resource, textAt(object, 'metadata', 'name')),
  ...mapAndOwnerProblems(object),
  ...unnamedFinalizers(object),
]

const mapAndOwnerProblems = (object: JsonObject): readonly FieldError[] => [
  ...labelProblems('metadata.labels', objectAt(object, 'metadata', 'labels')),
  ...annotationProblems(objectAt(object, 'metadata', 'annotations')),
  ...ownerProblems(listAt(object, 'metadata', 'ownerReferences')),
]

function ownNameProblems(resource: Resource, name: string): readonly FieldError[] {
  if (name === '') return [required('metadata.name', 'name or generateName is required')]
  return nameProblems(resource, name).map((problem) => wrong('metadata.name', name, problem))
}

// TotalAnnotationSizeLimitB.
const largestAnnotations = 256 * 1024

function annotationProblems(annotations: JsonObject): readonly FieldError[] {
  const field = 'metadata.annotations'
  const keys = Object.keys(annotations).flatMap((key) =>
    // Only here may the prefix have capitals.
    qualifiedProblems(key.toLowerCase()).map((problem) => wrong(field, key, problem)),
  )
  const size = Object.entries(annotations).reduce(
    (sum, [key, value]) =>
      sum + Buffer.byteLength(key) + Buffer.byteLength(typeof value === 'string' ? value : ''),
    0,
  )
  if (size <= largestAnnotations) return keys
  const detail = `may not be more than ${largestAnnotations} bytes`
  return [...keys, { type: 'FieldValueTooLong', field, detail }]
}

const ownersField = 'metadata.ownerReferences'

function ownerProblems(owners: readonly Json[]): readonly FieldError[] {
  const controllers = owners.filter((owner) => at(owner, 'controller') === true).map(shownOwner)
  const [first, ...others] = controllers
  return [
    ...owners.flatMap(oneOwnerProblems),
    ...others.map((other) =>
      wrong(
        ownersField,
        owners.map(inOrder),
        `Only one reference can have Controller set to true. Found "true" in references for ${first} and ${other}`,
      ),
    ),
  ]
}

// As the Go struct is written.
const ownerFields = ['apiVersion', 'kind', 'name', 'uid', 'controller', 'blockOwnerDeletion'] as const
const inOrder = (owner: Json): Json =>
  Object.fromEntries(
    ownerFields.flatMap((name) => {
      const value = at(owner, name)
      return value === undefined ? [] : [[name, value] as const]
    }),
  )

const shownOwner = (owner: Json): string => `${textAt(owner, 'kind')}/${textAt(owner, 'name')}`

function oneOwnerProblems(owner: Json): readonly FieldError[] {
  const version = textAt(owner, 'apiVersion')
  const errors: FieldError[] =
    version === '' || version.split('/').length > 2
      ? [wrong(`${ownersField}.apiVersion`, version, 'version must not be empty')]
      : []
  for (const name of ['kind', 'name', 'uid']) {
    if (textAt(owner, name) === '') errors.push(wrong(`${ownersField}.${name}`, '', 'must not be empty'))
  }
  if (version === 'v1' && textAt(owner, 'kind') === 'Event' && isObject(owner))
    errors.push(wrong(ownersField, owner, '/v1, Kind=Event is disallowed from being an owner'))
  return errors
}

// kubernetes pkg/apis/core/validation: ValidateFinalizerName; these groups use apimachinery's rules alone.
const standardFinalizers: ReadonlySet<string> = new Set(['kubernetes', 'orphan', 'foregroundDeletion'])
const looseGroups: ReadonlySet<string> = new Set([
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'coordination.k8s.io',
])

const finalizersField = 'metadata.finalizers'

function unnamedFinalizers(object: JsonObject): readonly FieldError[] {
  const finalizers = textsAt(object, 'metadata', 'finalizers')
  const both = ['orphan', 'foregroundDeletion'].every((one) => finalizers.includes(one))
  const detail = 'finalizer orphan and foregroundDeletion cannot be both set'
  return [
    ...finalizers.flatMap((one) =>
      qualifiedProblems(one).map((problem) => wrong(finalizersField, one, problem)),
    ),
    ...(both ? [wrong(finalizersField, finalizers, detail)] : []),
  ]
}

function unqualifiedFinalizers(resource: Resource, object: JsonObject): readonly FieldError[] {
  if (resource.custom || looseGroups.has(resource.group)) return []
  const detail = 'name is neither a standard finalizer name nor is it fully qualified'
  return textsAt(object, 'metadata', 'finalizers').flatMap((one, index) =>
    one.includes('/') || standardFinalizers.has(one)
      ? []
      : [wrong(`${finalizersField}[${index}]`, one, detail)],
  )
}

/** What the server warns of in the finalizers of a custom object (apiextensions pkg/registry/customresource/validator.go). */
export function finalizerWarnings(object: JsonObject, before: JsonObject | undefined): readonly string[] {
  const former = textsAt(before, 'metadata', 'finalizers')
  return textsAt(object, 'metadata', 'finalizers')
    .filter((one) => !former.includes(one) && !one.includes('/') && !standardFinalizers.has(one))
    .map(
      (one) =>
        `metadata.finalizers: ${JSON.stringify(one)}: prefer a domain-qualified finalizer name${one.includes('.') ? ' including a path (/)' : ''} to avoid accidental conflicts with other finalizer writers`,
    )
}

const immutable = ['name', 'namespace', 'uid'] as const

// ValidateObjectMetaAccessorUpdate.
function changeProblems(object: JsonObject, before: JsonObject): readonly FieldError[] {
  const errors = [
    ...immutable
      .filter((name) => textAt(object, 'metadata', name) !== textAt(before, 'metadata', name))
      .map((name) => wrong(`metadata.${name}`, textAt(object, 'metadata', name), 'field is immutable')),
    ...mapAndOwnerProblems(object),
  ]
  if (textAt(before, 'metadata', 'deletionTimestamp') === '') return errors
  const former = textsAt(before, 'metadata', 'finalizers')
  const added = [...new Set(textsAt(object, 'metadata', 'finalizers'))]
    .filter((one) => !former.includes(one))
    .toSorted()
  if (added.length === 0) return errors
  const shown = `[]string{${added.map((one) => JSON.stringify(one)).join(', ')}}`
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers ${shown}`
  return [...errors, forbiddenField(finalizersField, detail)]
}
