/** A custom kind with every sort of value that a schema knows. */
import type { Api } from './api.ts'
import { widgets, type Kind } from './widgets.ts'

const string = { type: 'string' }
const integer = { type: 'integer' }
const spec = {
  type: 'object',
  properties: {
    stage: { ...string, enum: ['Before', 'After'] },
    code: { ...string, pattern: '^[a-z]+$', minLength: 2, maxLength: 4 },
    count: { ...integer, minimum: 1, maximum: 5 },
    even: { ...integer, multipleOf: 2 },
    over: { type: 'number', minimum: 1, exclusiveMinimum: true, maximum: 2, exclusiveMaximum: true },
    small: { type: 'integer', format: 'int32' },
    flag: { type: 'boolean' },
    port: { 'x-kubernetes-int-or-string': true },
    at: { ...string, format: 'date-time' },
    blob: { ...string, format: 'byte' },
    maybe: { ...string, nullable: true },
    plain: string,
    list: { type: 'array', items: string, minItems: 1, maxItems: 3 },
    set: { type: 'array', items: string, 'x-kubernetes-list-type': 'set' },
    map: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: { type: 'object', required: ['name'], properties: { name: string, value: string } },
    },
    free: { type: 'object', additionalProperties: integer, maxProperties: 2 },
    open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    inner: {
      type: 'object',
      required: ['must'],
      properties: { must: string, other: { ...string, default: 'o' } },
    },
    either: {
      type: 'object',
      properties: { a: string, b: string },
      oneOf: [{ required: ['a'] }, { required: ['b'] }],
    },
    never: { ...string, not: { enum: ['no'] } },
    size: { ...string, default: 'M' },
    nest: {
      type: 'object',
      default: {},
      properties: { deep: { ...integer, default: 3 } },
    },
  },
}

// One kind a server and run: cases that begin together wait for the same.
const shared = new WeakMap<object, Promise<Kind>>()
/** The kind; one for all cases of a run. */
export const valuedWidget = (api: Api): Promise<Kind> => {
  const made = shared.get(api.suite) ?? widgets(api.suite, { properties: { spec } })
  shared.set(api.suite, made)
  return made
}
/** What the schema adds to an empty spec. */
export const defaults = { size: 'M', nest: { deep: 3 } }
