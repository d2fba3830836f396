/** Whether an object may be stored: names, metadata, and the rules of its kind. */
import { builtinProblems } from '../builtin/validate.ts'
import { forbiddenField, required, wrong, type FieldError } from '../errors/field.ts'
import { invalid } from '../errors/status.ts'
import { listAt, objectAt, textAt, textsAt, type JsonObject } from '../json.ts'
import type { Resource } from '../resources/resource.ts'
import type { Node } from '../schema/node.ts'
import { validateRules } from '../schema/rules.ts'
import { validate } from '../schema/validate.ts'
import { labelProblems, nameProblem } from './names.ts'

/** Throws 422 with every problem of an object. */
export function checkObject(resource: Resource, object: JsonObject, before: JsonObject | undefined): void {
  const errors = [
    ...metadataProblems(resource, object),
    ...(before === undefined ? [] : changeProblems(object, before)),
    ...ownProblems(resource, object, before),
  ]
  if (errors.length > 0) throw invalid(resource, textAt(object, 'metadata', 'name'), errors)
}

function metadataProblems(resource: Resource, object: JsonObject): readonly FieldError[] {
  const name = textAt(object, 'metadata', 'name')
  const problem = name === '' ? undefined : nameProblem(resource, name)
  const missing = name === '' ? [required('metadata.name', 'name or generateName is required')] : []
  return [
    ...missing,
    ...(problem === undefined ? [] : [wrong('metadata.name', name, problem)]),
    ...labelProblems('metadata.labels', objectAt(object, 'metadata', 'labels')),
    ...annotationProblems(objectAt(object, 'metadata', 'annotations')),
    ...ownerProblems(object),
  ]
}

// apimachinery pkg/api/validation/objectmeta.go: TotalAnnotationSizeLimitB.
const largestAnnotations = 256 * 1024

function annotationProblems(annotations: JsonObject): readonly FieldError[] {
  const size = Object.entries(annotations).reduce(
    (sum, [key, value]) =>
      sum + Buffer.byteLength(key) + Buffer.byteLength(typeof value === 'string' ? value : ''),
    0,
  )
  if (size <= largestAnnotations) return []
  return [
    {
      type: 'FieldValueTooLong',
      field: 'metadata.annotations',
      detail: `may not be more than ${largestAnnotations} bytes`,
    },
  ]
}

function ownerProblems(object: JsonObject): readonly FieldError[] {
  return listAt(object, 'metadata', 'ownerReferences').flatMap((owner, index) => {
    const field = `metadata.ownerReferences[${index}]`
    return (['apiVersion', 'kind', 'name', 'uid'] as const)
      .filter((name) => textAt(owner, name) === '')
      .map((name) =>
        name === 'apiVersion'
          ? wrong(`${field}.${name}`, '', 'version must not be empty')
          : wrong(`${field}.${name}`, '', 'must not be empty'),
      )
  })
}

const immutable = ['name', 'namespace', 'uid', 'creationTimestamp'] as const

function changeProblems(object: JsonObject, before: JsonObject): readonly FieldError[] {
  const changed = immutable.filter(
    (name) => textAt(object, 'metadata', name) !== textAt(before, 'metadata', name),
  )
  const errors = changed.map((name) =>
    wrong(`metadata.${name}`, textAt(object, 'metadata', name), 'field is immutable'),
  )
  if (textAt(before, 'metadata', 'deletionTimestamp') === '') return errors
  const former = textsAt(before, 'metadata', 'finalizers')
  const added = textsAt(object, 'metadata', 'finalizers').filter((one) => !former.includes(one))
  if (added.length === 0) return errors
  const shown = `[]string{${added.map((one) => JSON.stringify(one)).join(', ')}}`
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers ${shown}`
  return [...errors, forbiddenField('metadata.finalizers', detail)]
}

function ownProblems(
  resource: Resource,
  object: JsonObject,
  before: JsonObject | undefined,
): readonly FieldError[] {
  if (!resource.custom) return builtinProblems(resource, object, before)
  const place = { node: resource.node, value: object, old: before, path: '' }
  const errors = validate(place)
  if (errors.some(blocks) && hasRules(resource.node)) {
    const detail =
      'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation'
    return [...errors, { type: 'FieldValueInvalid', field: '<nil>', value: null, detail }]
  }
  return [...errors, ...validateRules(place)]
}

const withRules = new WeakMap<Node, boolean>()

// A schema without rules has none that could be left unchecked.
function hasRules(node: Node): boolean {
  const known = withRules.get(node) ?? JSON.stringify(node.schema).includes('"x-kubernetes-validations"')
  withRules.set(node, known)
  return known
}

// apiextensions pkg/registry/customresource: rules are not evaluated over values of the wrong shape.
const blocking: ReadonlySet<string> = new Set([
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
  'FieldValueNotSupported',
])
const blocks = (error: FieldError): boolean => blocking.has(error.type)
