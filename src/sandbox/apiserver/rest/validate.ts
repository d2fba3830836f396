/** Whether an object may be stored: names, metadata, and the rules of its kind. */
import { builtinProblems } from '../builtin/validate.ts'
import { nowhere, type FieldError } from '../errors/field.ts'
import { invalid } from '../errors/status.ts'
import { at, textAt, without, type JsonObject } from '../json.ts'
import type { Resource } from '../resources/resource.ts'
import type { Node } from '../schema/node.ts'
import { fieldPath } from '../schema/path.ts'
import { validateRules } from '../schema/rules.ts'
import { validate, type Place } from '../schema/validate.ts'
import { kindProblem } from './kind-check.ts'
import { finalizerWarnings, metadataProblems, storedMetadataProblems } from './metadata-problems.ts'

/** Warns of what may be stored all the same. */
export function warnOf(
  resource: Resource,
  { object, before }: { readonly object: JsonObject; readonly before: JsonObject | undefined },
  warn: (text: string) => void,
): void {
  if (resource.custom) for (const text of finalizerWarnings(object, before)) warn(text)
}

type Checked = {
  readonly object: JsonObject
  readonly before: JsonObject | undefined
  readonly subresource: string
  /** The kind that was sent; for a custom object it may be another. */
  readonly kind: string
}

/** Throws 422 with every problem of an object. */
export function checkObject(resource: Resource, { object, before, subresource, kind }: Checked): void {
  const stranger = resource.custom ? kindProblem(resource, object) : undefined
  const errors =
    stranger === undefined
      ? [
          ...metadataProblems(resource, object, before),
          ...ownProblems(resource, { object, before, subresource, kind }),
        ]
      : [...strangerMetadata(resource, object, before), stranger, ...strangerRules(resource, object, before)]
  if (errors.length > 0) throw invalid(homeOf(resource, kind), textAt(object, 'metadata', 'name'), errors)
}

// On an update the store has looked at the metadata before the kind of the object is.
const strangerMetadata = (
  resource: Resource,
  object: JsonObject,
  before: JsonObject | undefined,
): readonly FieldError[] => (before === undefined ? [] : storedMetadataProblems(resource, object, before))

// Its schema is not applied to another kind, but what it says of lists and its rules are.
function strangerRules(
  { node }: Resource,
  object: JsonObject,
  before: JsonObject | undefined,
): readonly FieldError[] {
  const place = { node, value: without(object, 'metadata'), old: before, path: '' }
  const twins = validate(place).filter(({ type }) => type === 'FieldValueDuplicate')
  return [...twins, ...validateRules({ ...place, value: object })]
}

// Inside the server there is one Event, that of the core group.
const homeOf = ({ group, kind, custom }: Resource, sent: string): GroupKind => ({
  group: group === 'events.k8s.io' ? '' : group,
  kind: custom ? sent : kind,
})

type GroupKind = { readonly group: string; readonly kind: string }

function ownProblems(resource: Resource, { object, before, subresource }: Checked): readonly FieldError[] {
  if (!resource.custom) return builtinProblems(resource, object, before)
  const place = { node: resource.node, value: object, old: before, path: '' }
  // Metadata is judged as that of built-in kinds is.
  const content = { ...place, value: without(object, 'metadata') }
  const errors = subresource === 'status' ? statusProblems(place) : validate(content)
  if (errors.some(blocks) && hasRules(resource.node)) {
    const detail =
      'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation'
    return [...errors, { type: 'FieldValueInvalid', field: nowhere, value: null, detail }]
  }
  return [...errors, ...validateRules(place)]
}

// The status is judged by a schema of its own: sentences call its fields by their path within it.
function statusProblems({ node, value, old }: Place): readonly FieldError[] {
  const [status, inner] = [at(value, 'status'), node.field('status')]
  if (status === undefined || inner === undefined) return []
  const errors = validate({ node: inner, value: status, old: at(old, 'status'), path: '' })
  return errors.map((error) => ({ ...error, field: fieldPath('status', error.field) }))
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
