/** What a CRD's schema lets in: values, defaults, pruning. One kind for all, so that a server makes one. */
import assert from 'node:assert/strict'
import type { Api } from '../api.ts'
import { about, inNamespace } from '../case.ts'
import { answered, refused, says } from '../expected.ts'
import { valuedWidget } from '../valued-widget.ts'

const create = async (api: Api, ns: string, fields: object) => {
  const widget = await valuedWidget(api)
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
])
