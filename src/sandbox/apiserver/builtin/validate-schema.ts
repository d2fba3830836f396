/** Whether the schema of a CRD is structural, its patterns, defaults and rules good (apiextensions-apiserver pkg/apiserver/schema). */
import { mostWithin } from '../cel/cost.ts'
import { forbiddenField, nowhere, required, unsupported, wrong, type FieldError } from '../errors/field.ts'
import { isObject, listAt, objectAt, own, textAt, type JsonObject } from '../json.ts'
import { nodes } from '../schema/definitions.ts'
import type { Node } from '../schema/node.ts'
import { patternOf } from '../schema/pattern.ts'
import { prune } from '../schema/shape.ts'
import { validate } from '../schema/validate.ts'
import { ruleProblems } from './validate-rules.ts'

/** A schema in its place. */
export type Place = {
  readonly schema: JsonObject
  readonly field: string
  /** As rules see it. */
  readonly node: Node
  /** How many values of it one object may have. */
  readonly times: number
}

// Rules of the root see of metadata only what a name is made of.
const visibleMetadata: JsonObject = {
  type: 'object',
  properties: { name: { type: 'string' }, generateName: { type: 'string' } },
}

/** The problems of the schema of a whole kind. */
export function rootProblems(schema: JsonObject, field: string): readonly FieldError[] {
  const type = textAt(schema, 'type')
  const errors: FieldError[] = []
  if (type === '') errors.push(required(`${field}.type`, 'must not be empty at the root'))
  else if (type !== 'object') errors.push(wrong(`${field}.type`, type, 'must be object at the root'))
  const properties = {
    ...objectAt(schema, 'properties'),
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: visibleMetadata,
  }
  const node = nodes.of({ ...schema, properties })
  return [...errors, ...problems({ schema, field, node, times: 1 })]
}

function problems(place: Place): readonly FieldError[] {
  return [
    ...ownProblems(place),
    ...listProblems(place),
    ...defaultProblems(place),
    ...ruleProblems(place),
    ...innerProblems(place),
  ]
}

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string']

function ownProblems({ schema, field }: Place): readonly FieldError[] {
  const errors: FieldError[] = []
  const [type, pattern] = [textAt(schema, 'type'), textAt(schema, 'pattern')]
  if (type !== '' && !types.includes(type)) errors.push(unsupported(`${field}.type`, type, types))
  if (own(schema, '$ref') !== undefined) errors.push(forbiddenField(`${field}.$ref`, '$ref is not supported'))
  if (isObject(own(schema, 'properties')) && isObject(own(schema, 'additionalProperties'))) {
    const detail = 'additionalProperties and properties are mutual exclusive'
    errors.push(forbiddenField(`${field}.additionalProperties`, detail))
  }
  if (own(schema, 'uniqueItems') === true) {
    const detail = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'
    errors.push(forbiddenField(`${field}.uniqueItems`, detail))
  }
  if (pattern !== '' && patternOf(pattern) === undefined) {
    const detail = `must be a valid regular expression, but isn't: error parsing regexp: \`${pattern}\``
    errors.push(wrong(`${field}.pattern`, pattern, detail))
  }
  return errors
}

const listTypes = ['atomic', 'map', 'set']

function listProblems({ schema, field }: Place): readonly FieldError[] {
  const listType = textAt(schema, 'x-kubernetes-list-type')
  const errors: FieldError[] = []
  if (listType === 'map' && listAt(schema, 'x-kubernetes-list-map-keys').length === 0) {
    const detail = 'must not be empty if x-kubernetes-list-type is map'
    errors.push(required(`${field}.x-kubernetes-list-map-keys`, detail))
  }
  if (listType !== '' && !listTypes.includes(listType))
    errors.push(unsupported(`${field}.x-kubernetes-list-type`, listType, listTypes))
  if (textAt(schema, 'type') === 'array' && own(schema, 'items') === undefined)
    errors.push(required(`${field}.items`, 'must be specified'))
  return errors
}

function defaultProblems({ schema, field }: Place): readonly FieldError[] {
  const value = own(schema, 'default')
  if (value === undefined) return []
  const node = nodes.of(schema)
  const place = `${field}.default`
  const pruned = prune(node, value, { dropNull: false })
  const unknown = pruned.unknown.length === 0 ? [] : [wrong(place, value, 'must not have unknown fields')]
  const errors = validate({ node, value: pruned.value, old: undefined, path: '' })
  return [...unknown, ...errors.map((error) => ({ ...error, field: below(place, error.field) }))]
}

function below(place: string, field: string): string {
  if (field === '' || field === nowhere) return place
  return field.startsWith('[') ? `${place}${field}` : `${place}.${field}`
}

const free = ['x-kubernetes-int-or-string', 'x-kubernetes-preserve-unknown-fields'] as const

function innerProblems(place: Place): readonly FieldError[] {
  const { schema, field, node } = place
  const isRoot = field.endsWith('openAPIV3Schema')
  const properties = Object.entries(objectAt(schema, 'properties')).flatMap(([name, one]) =>
    isObject(one) && !(isRoot && name === 'metadata')
      ? within(one, {
          ...place,
          field: `${field}.properties[${name}]`,
          node: node.field(name) ?? nodes.of(one),
        })
      : [],
  )
  const times = place.times * mostWithin(node)
  const values = (['items', 'additionalProperties'] as const).flatMap((name) => {
    const one = own(schema, name)
    return isObject(one)
      ? within(one, { times, field: `${field}.${name}`, node: node.inner ?? nodes.of(one) })
      : []
  })
  return [...properties, ...values]
}

function within(schema: JsonObject, place: Omit<Place, 'schema'>): readonly FieldError[] {
  const isTyped = textAt(schema, 'type') !== '' || free.some((word) => own(schema, word) === true)
  const detail = 'must not be empty for specified object fields'
  return [...(isTyped ? [] : [required(`${place.field}.type`, detail)]), ...problems({ ...place, schema })]
}
