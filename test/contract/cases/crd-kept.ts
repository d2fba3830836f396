/** What a CRD lets in and makes of it, beside the tables of what it refuses. */
import assert from 'node:assert/strict'
import type { Api } from '../api.ts'
import { about, inNamespace, rule } from '../case.ts'
import { answered, says } from '../expected.ts'
import { defaults, valuedWidget } from '../valued-widget.ts'

const create = async (api: Api, ns: string, fields: object) => {
  const widget = await valuedWidget(api)
  return { widget, answer: await api.post(widget.path(ns), widget.object('a', { spec: fields })) }
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

/** The rules. */
export const cases = about('CRD kept', [
  ...Object.entries(kept).map(([name, [given, want]]) =>
    inNamespace(name, async (api, ns) => {
      const { answer } = await create(api, ns, given)
      assert.deepEqual(answered(answer, 201).spec, { ...defaults, ...want })
    }),
  ),
  inNamespace('an unknown field is a warning', async (api, ns) => {
    const { answer } = await create(api, ns, { nothing: 1 })
    answered(answer, 201)
    assert.deepEqual(answer.warnings, ['unknown field "spec.nothing"'])
  }),
  inNamespace('an unknown field is a 400 if validation is Strict', async (api, ns) => {
    const widget = await valuedWidget(api)
    const body = widget.object('a', { spec: { nothing: 1 }, odd: 2 })
    says(await api.post(widget.path(ns), body, { fieldValidation: 'Strict' }), 400, [
      'BadRequest',
      `Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "odd", unknown field "spec.nothing"`,
    ])
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
    const widget = await valuedWidget(api)
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
    const widget = await valuedWidget(api)
    const answer = await api.post(widget.path(ns), widget.object('a', {}, { labels: { a: 1 } }))
    says(answer, 400, ['BadRequest', /./])
  }),
  inNamespace('another apiVersion than the path is a 400', async (api, ns) => {
    const widget = await valuedWidget(api)
    const body = { ...widget.object('a'), apiVersion: 'example.com/v1' }
    says(await api.post(widget.path(ns), body), 400, [
      'BadRequest',
      `the API version in the data (example.com/v1) does not match the expected API version (${widget.apiVersion})`,
    ])
  }),
  inNamespace('another kind is a 422', async (api, ns) => {
    const widget = await valuedWidget(api)
    const body = { ...widget.object('a'), kind: 'Gadget' }
    says(await api.post(widget.path(ns), body), 422, [
      'Invalid',
      `Gadget.${widget.group} "a" is invalid: kind: Invalid value: "Gadget": must be Widget`,
    ])
  }),
  rule('no apiVersion and kind is a 400', async (api) => {
    const widget = await valuedWidget(api)
    says(await api.post(widget.path('default'), { metadata: { name: 'a' } }), 400, ['BadRequest', /./])
  }),
])
