/** What a CRD's schema lets in: values, defaults, pruning. One kind for all, so that a server makes one. */
import assert from 'node:assert/strict'
import type { Api } from '../api.ts'
import { about, inNamespace, rule } from '../case.ts'
import { answered, refused, says } from '../expected.ts'
import { widgets, type Kind } from '../widgets.ts'

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
const kind = (api: Api): Promise<Kind> => {
  const made = shared.get(api.suite) ?? widgets(api.suite, { properties: { spec } })
  shared.set(api.suite, made)
  return made
}
const create = async (api: Api, ns: string, fields: object) => {
  const widget = await kind(api)
  return { widget, answer: await api.post(widget.path(ns), widget.object('a', { spec: fields })) }
}

const invalid: Readonly<Record<string, readonly [spec: object, message: string, reason?: string]>> = {
  'a value that is not of the enum': [
    { stage: 'x' },
    'spec.stage: Unsupported value: "x": supported values: "Before", "After"',
    'FieldValueNotSupported',
  ],
  'a text that does not match the pattern': [
    { code: 'AB' },
    'spec.code: Invalid value: "AB": spec.code in body should match \'^[a-z]+$\'',
  ],
  'a text that is too short': [
    { code: 'a' },
    'spec.code: Invalid value: "a": spec.code in body should be at least 2 chars long',
  ],
  'a text that is too long': [
    { code: 'abcde' },
    'spec.code: Too long: may not be more than 4 bytes',
    'FieldValueTooLong',
  ],
  'a number below the minimum': [
    { count: 0 },
    'spec.count: Invalid value: 0: spec.count in body should be greater than or equal to 1',
  ],
  'a number above the maximum': [
    { count: 6 },
    'spec.count: Invalid value: 6: spec.count in body should be less than or equal to 5',
  ],
  'a number that is no multiple': [
    { even: 3 },
    'spec.even: Invalid value: 3: spec.even in body should be a multiple of 2',
  ],
  'the minimum itself, excluded': [
    { over: 1 },
    'spec.over: Invalid value: 1: spec.over in body should be greater than 1',
  ],
  'the maximum itself, excluded': [
    { over: 2 },
    'spec.over: Invalid value: 2: spec.over in body should be less than 2',
  ],
  'a text for an integer': [
    { count: '1' },
    'spec.count: Invalid value: "string": spec.count in body must be of type integer: "string"',
    'FieldValueTypeInvalid',
  ],
  'a number for a text': [
    { plain: 1 },
    'spec.plain: Invalid value: "integer": spec.plain in body must be of type string: "integer"',
    'FieldValueTypeInvalid',
  ],
  'a text for a boolean': [
    { flag: 'true' },
    'spec.flag: Invalid value: "string": spec.flag in body must be of type boolean: "string"',
    'FieldValueTypeInvalid',
  ],
  'an object for a list': [
    { list: {} },
    'spec.list: Invalid value: "object": spec.list in body must be of type array: "object"',
    'FieldValueTypeInvalid',
  ],
  'a list for an object': [
    { inner: [] },
    'spec.inner: Invalid value: "array": spec.inner in body must be of type object: "array"',
    'FieldValueTypeInvalid',
  ],
  'a boolean for a port': [
    { port: true },
    'spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"',
    'FieldValueTypeInvalid',
  ],
  'a time that is none': [
    { at: 'now' },
    'spec.at: Invalid value: "now": spec.at in body must be of type date-time: "now"',
    'FieldValueTypeInvalid',
  ],
  'bytes that are no base64': [
    { blob: '*' },
    'spec.blob: Invalid value: "*": spec.blob in body must be of type byte: "*"',
    'FieldValueTypeInvalid',
  ],
  'an integer that does not fit its format': [
    { small: 2_147_483_648 },
    '<nil>: Invalid value: "": Checked value must be of type integer with format int32 in spec.small',
  ],
  'too few items': [
    { list: [] },
    'spec.list: Invalid value: 0: spec.list in body should have at least 1 items',
  ],
  'too many items': [
    { list: ['a', 'b', 'c', 'd'] },
    'spec.list: Too many: 4: must have at most 3 items',
    'FieldValueTooMany',
  ],
  'a double in a set': [{ set: ['a', 'a'] }, 'spec.set[1]: Duplicate value: "a"', 'FieldValueDuplicate'],
  'a double key in a map': [
    { map: [{ name: 'a' }, { name: 'a' }] },
    'spec.map[1]: Duplicate value: {"name":"a"}',
    'FieldValueDuplicate',
  ],
  'an item of a map without its key': [
    { map: [{ value: 'x' }] },
    'spec.map[0].name: Required value',
    'FieldValueRequired',
  ],
  'too many properties': [
    { free: { a: 1, b: 2, c: 3 } },
    'spec.free: Too many: 3: must have at most 2 items',
    'FieldValueTooMany',
  ],
  'a property of the wrong type': [
    { free: { a: 'x' } },
    'spec.free.a: Invalid value: "string": spec.free.a in body must be of type integer: "string"',
    'FieldValueTypeInvalid',
  ],
  'what is required is not there': [{ inner: {} }, 'spec.inner.must: Required value', 'FieldValueRequired'],
  'both of oneOf': [
    { either: { a: '1', b: '2' } },
    '<nil>: Invalid value: "": "spec.either" must validate one and only one schema (oneOf). Found 2 valid alternatives',
  ],
  'what not forbids': [
    { never: 'no' },
    '<nil>: Invalid value: "": "spec.never" must not validate the schema (not)',
  ],
}

const kept: Readonly<Record<string, readonly [given: object, want: object]>> = {
  'defaults are filled in': [{}, { size: 'M', nest: { deep: 3 } }],
  'a default gives way to what is given': [
    { size: 'L', nest: { deep: 1 } },
    { size: 'L', nest: { deep: 1 } },
  ],
  'a default inside an object appears when the object does': [
    { inner: { must: 'x' } },
    { inner: { must: 'x', other: 'o' } },
  ],
  'null where there is a default is the default': [{ size: null }, { size: 'M' }],
  'null where it may be is kept': [{ maybe: null }, { maybe: null }],
  'null where it may not be is dropped': [{ plain: null }, {}],
  'an unknown field is pruned': [
    { nothing: 1, inner: { must: 'x', nothing: 1 } },
    { inner: { must: 'x', other: 'o' } },
  ],
  'an open object keeps all': [{ open: { a: { b: [1, 'x'] } } }, { open: { a: { b: [1, 'x'] } } }],
  'a port is a number or a text': [{ port: 80 }, { port: 80 }],
  'a port may be a text': [{ port: 'http' }, { port: 'http' }],
  'free keys hold': [{ free: { a: 1, b: 2 } }, { free: { a: 1, b: 2 } }],
  'one of oneOf': [{ either: { a: '1' } }, { either: { a: '1' } }],
  'a whole number as a float is an integer': [{ count: 2.0 }, { count: 2 }],
}

const defaults = { size: 'M', nest: { deep: 3 } }

/** The rules. */
export const cases = about('CRD values', [
  ...Object.entries(invalid).map(([name, [fields, message, reason = 'FieldValueInvalid']]) =>
    inNamespace(`${name} is a 422`, async (api, ns) => {
      const { widget, answer } = await create(api, ns, fields)
      const [field, ...text] = message.split(': ')
      refused(answer, {
        code: 422,
        reason: 'Invalid',
        message: `Widget.${widget.group} "a" is invalid: ${message}`,
        details: {
          name: 'a',
          group: widget.group,
          kind: 'Widget',
          causes: [{ reason, message: text.join(': '), field }],
        },
      })
    }),
  ),
  ...Object.entries(kept).map(([name, [given, want]]) =>
    inNamespace(name, async (api, ns) => {
      const { answer } = await create(api, ns, given)
      assert.deepEqual(answered(answer, 201).spec, { ...defaults, ...want })
    }),
  ),
  inNamespace('two problems are told together', async (api, ns) => {
    const { widget, answer } = await create(api, ns, { stage: 'x', count: 9 })
    says(answer, 422, [
      'Invalid',
      new RegExp(`^Widget.${widget.group} "a" is invalid: \\[spec\\..*, spec\\..*\\]$`),
    ])
    assert.equal(answer.body.details.causes.length, 2)
  }),
  inNamespace('a fraction for an integer is told twice', async (api, ns) => {
    const { widget, answer } = await create(api, ns, { count: 1.5 })
    says(answer, 422, [
      'Invalid',
      `Widget.${widget.group} "a" is invalid: [spec.count: Invalid value: "number": spec.count in body must be of type integer: "number", <nil>: Invalid value: "": Checked value must be of type integer (default format) in spec.count]`,
    ])
  }),
  inNamespace('an unknown field is a warning', async (api, ns) => {
    const { answer } = await create(api, ns, { nothing: 1 })
    answered(answer, 201)
    assert.deepEqual(answer.warnings, ['unknown field "spec.nothing"'])
  }),
  inNamespace('an unknown field is a 400 if validation is Strict', async (api, ns) => {
    const widget = await kind(api)
    const body = widget.object('a', { spec: { nothing: 1 }, odd: 2 })
    says(await api.post(widget.path(ns), body, { fieldValidation: 'Strict' }), 400, [
      'BadRequest',
      `Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "odd", unknown field "spec.nothing"`,
    ])
  }),
  inNamespace('a wrong value in an update is a 422 too', async (api, ns) => {
    const { widget, answer } = await create(api, ns, {})
    const made = answered(answer, 201)
    says(await api.put(widget.path(ns, 'a'), { ...made, spec: { stage: 'x' } }), 422, [
      'Invalid',
      /spec\.stage/,
    ])
    const patch = { spec: { stage: 'x' } }
    says(await api.patch(widget.path(ns, 'a'), patch, { type: 'merge' }), 422, ['Invalid', /spec\.stage/])
  }),
  inNamespace('a strategic merge patch of a custom kind is a 415', async (api, ns) => {
    const { widget, answer } = await create(api, ns, {})
    answered(answer, 201)
    const patched = await api.patch(widget.path(ns, 'a'), { spec: { plain: 'x' } }, { type: 'strategic' })
    says(patched, 415, [
      'UnsupportedMediaType',
      'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
    ])
  }),
  inNamespace('apply merges lists of type map by key and sets by value', async (api, ns) => {
    const widget = await kind(api)
    const apply = (by: string, fields: object) =>
      api.patch(widget.path(ns, 'a'), widget.object('a', { spec: fields }), {
        type: 'apply',
        query: { fieldManager: by },
      })
    answered(await apply('me', { map: [{ name: 'a', value: '1' }], set: ['x'], list: ['p'] }), 201)
    const after = answered(await apply('you', { map: [{ name: 'b', value: '2' }], set: ['y'] }), 200)
    assert.deepEqual(after.spec.map.map(({ name }: { name: string }) => name).sort(), ['a', 'b'])
    assert.deepEqual([...after.spec.set].sort(), ['x', 'y'])
    says(await apply('you', { list: ['q'] }), 409, [
      'Conflict',
      'Apply failed with 1 conflict: conflict with "me": .spec.list',
    ])
  }),
  inNamespace('items of a list name their kind', async (api, ns) => {
    const { widget, answer } = await create(api, ns, {})
    answered(answer, 201)
    const list = answered(await api.get(widget.path(ns)), 200)
    assert.equal(list.kind, 'WidgetList')
    assert.equal(list.items[0].kind, 'Widget')
    assert.equal(list.items[0].apiVersion, widget.apiVersion)
  }),
  inNamespace('metadata that is none is a 400 or 422', async (api, ns) => {
    const widget = await kind(api)
    const answer = await api.post(widget.path(ns), widget.object('a', {}, { labels: { a: 1 } }))
    says(answer, 400, ['BadRequest', /./])
  }),
  inNamespace('another apiVersion than the path is a 400', async (api, ns) => {
    const widget = await kind(api)
    const body = { ...widget.object('a'), apiVersion: 'example.com/v1' }
    says(await api.post(widget.path(ns), body), 400, [
      'BadRequest',
      `the API version in the data (example.com/v1) does not match the expected API version (${widget.apiVersion})`,
    ])
  }),
  inNamespace('another kind is a 422', async (api, ns) => {
    const widget = await kind(api)
    const body = { ...widget.object('a'), kind: 'Gadget' }
    says(await api.post(widget.path(ns), body), 422, [
      'Invalid',
      `Gadget.${widget.group} "a" is invalid: kind: Invalid value: "Gadget": must be Widget`,
    ])
  }),
  rule('no apiVersion and kind is a 400', async (api) => {
    const widget = await kind(api)
    says(await api.post(widget.path('default'), { metadata: { name: 'a' } }), 400, ['BadRequest', /./])
  }),
])
