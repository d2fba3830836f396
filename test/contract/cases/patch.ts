/** JSON patch, merge patch and strategic merge patch. */
import assert from 'node:assert/strict'
import { about, inNamespace } from '../case.ts'
import type { Api } from '../api.ts'
import { answered, has, refused, says } from '../expected.ts'
import { configMap, deployment, paths } from '../objects.ts'

const data = { a: '1', b: '2' }
const aMap = async (api: Api, ns: string) => {
  const made = await api.post(paths.configMaps(ns), configMap('a', data, { labels: { x: 'y' } }))
  return answered(made, 201)
}
const json = (api: Api, ns: string, operations: readonly object[]) =>
  api.patch(paths.configMaps(ns, 'a'), operations, { type: 'json' })
const merge = (api: Api, ns: string, patch: object) =>
  api.patch(paths.configMaps(ns, 'a'), patch, { type: 'merge' })

const jsonPatches: Readonly<Record<string, { readonly given: readonly object[]; readonly want: object }>> = {
  'add sets a key': { given: [{ op: 'add', path: '/data/c', value: '3' }], want: { ...data, c: '3' } },
  'add replaces what is there': {
    given: [{ op: 'add', path: '/data/a', value: '9' }],
    want: { a: '9', b: '2' },
  },
  'replace replaces': { given: [{ op: 'replace', path: '/data/a', value: '9' }], want: { a: '9', b: '2' } },
  'replace of a key that is not there adds it': {
    given: [{ op: 'replace', path: '/data/z', value: '' }],
    want: { ...data, z: '' },
  },
  'remove removes': { given: [{ op: 'remove', path: '/data/a' }], want: { b: '2' } },
  'move moves': { given: [{ op: 'move', from: '/data/a', path: '/data/c' }], want: { b: '2', c: '1' } },
  'copy copies': { given: [{ op: 'copy', from: '/data/a', path: '/data/c' }], want: { ...data, c: '1' } },
  'test that holds lets the rest be': {
    given: [
      { op: 'test', path: '/data/a', value: '1' },
      { op: 'remove', path: '/data/b' },
    ],
    want: { a: '1' },
  },
  '~1 is a slash and ~0 a tilde': {
    given: [
      { op: 'add', path: '/metadata/annotations', value: { 'a.b/c': 'x' } },
      { op: 'move', from: '/metadata/annotations/a.b~1c', path: '/data/c' },
    ],
    want: { ...data, c: 'x' },
  },
}

const badJson: Readonly<
  Record<string, readonly [operations: readonly object[], code: number, message: string | RegExp]>
> = {
  'remove of what is not there is a 422': [
    [{ op: 'remove', path: '/data/z' }],
    422,
    'the server rejected our request due to an error in our request',
  ],
  'a test that does not hold is a 422': [
    [{ op: 'test', path: '/data/a', value: 'z' }],
    422,
    'the server rejected our request due to an error in our request',
  ],
  'add below what is not there is a 422': [
    [{ op: 'add', path: '/nothing/here', value: 1 }],
    422,
    'the server rejected our request due to an error in our request',
  ],
  'an operation that does not exist is a 422': [
    [{ op: 'paint', path: '/data/a' }],
    422,
    'the server rejected our request due to an error in our request',
  ],
}

/** The rules. */
export const cases = about('patch', [
  ...Object.entries(jsonPatches).map(([name, { given, want }]) =>
    inNamespace(`JSON: ${name}`, async (api, ns) => {
      await aMap(api, ns)
      assert.deepEqual(answered(await json(api, ns, given), 200).data, want)
    }),
  ),
  ...Object.entries(badJson).map(([name, [given, code, message]]) =>
    inNamespace(`JSON: ${name}, and nothing of it is done`, async (api, ns) => {
      const made = await aMap(api, ns)
      says(await json(api, ns, [{ op: 'remove', path: '/data/b' }, ...given]), code, ['Invalid', message])
      assert.deepEqual(answered(await api.get(paths.configMaps(ns, 'a')), 200), made)
    }),
  ),
  inNamespace('JSON: adds to the end of an array with -', async (api, ns) => {
    answered(await api.post(paths.configMaps(ns), configMap('a', {}, { finalizers: ['example.com/a'] })), 201)
    const operations = [{ op: 'add', path: '/metadata/finalizers/-', value: 'example.com/b' }]
    const after = answered(await json(api, ns, operations), 200)
    assert.deepEqual(after.metadata.finalizers, ['example.com/a', 'example.com/b'])
    answered(await merge(api, ns, { metadata: { finalizers: null } }), 200)
  }),
  inNamespace('JSON: a patch that is no array is a 400', async (api, ns) => {
    await aMap(api, ns)
    const answer = await api.patch(paths.configMaps(ns, 'a'), { op: 'x' }, { type: 'json' })
    says(answer, 400, [
      'BadRequest',
      'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
    ])
  }),
  inNamespace('merge: null takes away, the rest is kept', async (api, ns) => {
    await aMap(api, ns)
    assert.deepEqual(answered(await merge(api, ns, { data: { a: null, c: '3' } }), 200).data, {
      b: '2',
      c: '3',
    })
  }),
  inNamespace('merge: null for a whole field takes it away', async (api, ns) => {
    await aMap(api, ns)
    assert.equal(answered(await merge(api, ns, { data: null }), 200).data, undefined)
  }),
  inNamespace('merge: arrays are replaced whole', async (api, ns) => {
    answered(await api.post(paths.deployments(ns), deployment('a')), 201)
    const containers = [{ name: 'b', image: 'b:1' }]
    const patch = { spec: { template: { spec: { containers } } } }
    const after = answered(await api.patch(paths.deployments(ns, 'a'), patch, { type: 'merge' }), 200)
    assert.deepEqual(
      after.spec.template.spec.containers.map(({ name }: { name: string }) => name),
      ['b'],
    )
  }),
  inNamespace('merge: a patch that changes nothing keeps the resourceVersion', async (api, ns) => {
    const made = await aMap(api, ns)
    const after = answered(await merge(api, ns, { data: { a: '1' } }), 200)
    assert.equal(after.metadata.resourceVersion, made.metadata.resourceVersion)
  }),
  inNamespace('merge: an old resourceVersion in the patch is a 409', async (api, ns) => {
    const made = await aMap(api, ns)
    answered(await merge(api, ns, { data: { a: '2' } }), 200)
    const { resourceVersion } = made.metadata
    says(await merge(api, ns, { metadata: { resourceVersion }, data: { a: '3' } }), 409, [
      'Conflict',
      'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
    ])
  }),
  inNamespace(
    'json: an old resourceVersion that is set is a 409, and the one that is there is none',
    async (api, ns) => {
      const made = await aMap(api, ns)
      const at = (value: string, a: string) => [
        { op: 'add', path: '/metadata/resourceVersion', value },
        { op: 'replace', path: '/data/a', value: a },
      ]
      const after = answered(await json(api, ns, at(made.metadata.resourceVersion, '2')), 200)
      assert.deepEqual(after.data, { ...data, a: '2' })
      says(await json(api, ns, at(made.metadata.resourceVersion, '3')), 409, [
        'Conflict',
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
      ])
    },
  ),
  inNamespace('merge: many at once on one object all land', async (api, ns) => {
    await aMap(api, ns)
    const keys = ['p', 'q', 'r', 's', 't']
    const answers = await Promise.all(keys.map((key) => merge(api, ns, { data: { [key]: key } })))
    for (const answer of answers) answered(answer, 200)
    const after = answered(await api.get(paths.configMaps(ns, 'a')), 200)
    assert.deepEqual(Object.keys(after.data).sort(), ['a', 'b', ...keys])
  }),
  inNamespace('merge: the name may not change', async (api, ns) => {
    await aMap(api, ns)
    says(await merge(api, ns, { metadata: { name: 'z' } }), 400, [
      'BadRequest',
      'the name of the object (z) does not match the name on the URL (a)',
    ])
  }),
  inNamespace('merge: a uid that is another is a 422', async (api, ns) => {
    await aMap(api, ns)
    const answer = await merge(api, ns, { metadata: { uid: '11111111-1111-4111-8111-111111111111' } })
    says(answer, 422, [
      'Invalid',
      'ConfigMap "a" is invalid: metadata.uid: Invalid value: "11111111-1111-4111-8111-111111111111": field is immutable',
    ])
  }),
  inNamespace('merge: the time of creation stays', async (api, ns) => {
    const made = await aMap(api, ns)
    const after = answered(
      await merge(api, ns, { metadata: { creationTimestamp: '2001-01-01T00:00:00Z' } }),
      200,
    )
    assert.equal(after.metadata.creationTimestamp, made.metadata.creationTimestamp)
  }),
  inNamespace('merge: a value of the wrong type is a 422 and changes nothing', async (api, ns) => {
    const made = await aMap(api, ns)
    const answer = await merge(api, ns, { data: { a: 5 } })
    says(answer, 422, [
      'Invalid',
      /json: cannot unmarshal number into Go struct field ConfigMap\.data of type string$/,
    ])
    assert.deepEqual(answered(await api.get(paths.configMaps(ns, 'a')), 200), made)
  }),
  inNamespace('merge: what is not JSON is a 400', async (api, ns) => {
    await aMap(api, ns)
    const contentType = 'application/merge-patch+json'
    const answer = await api.request('PATCH', paths.configMaps(ns, 'a'), { body: '{', contentType })
    says(answer, 400, ['BadRequest', /./])
  }),
  inNamespace('a patch of what is not there is a 404', async (api, ns) => {
    says(await merge(api, ns, { data: {} }), 404, ['NotFound', 'configmaps "a" not found'])
  }),
  inNamespace('a patch of another media type is a 415', async (api, ns) => {
    await aMap(api, ns)
    const answer = await api.request('PATCH', paths.configMaps(ns, 'a'), { body: '{}' })
    refused(answer, {
      code: 415,
      reason: 'UnsupportedMediaType',
      message: '415: Unsupported Media Type',
      details: {},
    })
  }),
  inNamespace('a patch is managed as Update by its fieldManager', async (api, ns) => {
    await aMap(api, ns)
    const after = await api.patch(
      paths.configMaps(ns, 'a'),
      { data: { c: '3' } },
      {
        type: 'merge',
        query: { fieldManager: 'patcher' },
      },
    )
    const entry = answered(after, 200).metadata.managedFields.find(
      ({ manager }: { manager: string }) => manager === 'patcher',
    )
    has(entry, { operation: 'Update', fieldsV1: { 'f:data': { 'f:c': {} } } })
  }),
])
