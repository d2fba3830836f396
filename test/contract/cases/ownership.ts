/** Whose a field is: what random sequences found to be rules (structured-merge-diff, apimachinery's managedfields). */
import assert from 'node:assert/strict'
import type { Api } from '../api.ts'
import { about, inNamespace } from '../case.ts'
import { answered, refused, says } from '../expected.ts'
import type { Json } from '../http.ts'
import { configMap, paths } from '../objects.ts'
import { widgets, type Kind } from '../widgets.ts'

const keep = 'example.com/keep'

const versions: Json = {
  properties: {
    spec: {
      type: 'object',
      properties: {
        n: { type: 'integer' },
        set: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
      },
    },
    status: { type: 'object', properties: { phase: { type: 'string', pattern: '^P' } } },
  },
  subresources: { status: {} },
}

const widgetIn = (api: Api): Promise<Kind> => widgets(api, versions)

const applied = (api: Api, path: string, { by, object }: { by: string; object: Json }) =>
  api.patch(path, object, { type: 'apply', query: { fieldManager: by } })

const managersOf = (object: Json): readonly string[] =>
  (object.metadata.managedFields ?? []).map(({ manager, operation }: Json) => `${operation} ${manager}`)

const secret = (metadata: Json, data: Json = {}) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'a', ...metadata },
  data,
})

/** The rules. */
export const cases = about('ownership', [
  inNamespace('an apply that changes nothing is noted without a time', async (api, ns) => {
    const path = paths.configMaps(ns)
    answered(await api.post(path, configMap('a', { x: '1' }), { fieldManager: 'me' }), 201)
    const after = answered(
      await applied(api, `${path}/a`, { by: 'you', object: configMap('a', { x: '1' }) }),
      200,
    )
    const mine = after.metadata.managedFields.find(({ manager }: Json) => manager === 'you')
    assert.deepEqual(Object.hasOwn(mine, 'time'), false)
  }),
  inNamespace('what an apply adds to a set stands behind what is there', async (api, ns) => {
    const kind = await widgetIn(api)
    const object = (set: readonly string[]) => kind.object('a', { spec: { set } })
    answered(await api.post(kind.path(ns), object(['u'])), 201)
    const after = answered(await applied(api, kind.path(ns, 'a'), { by: 'you', object: object(['v']) }), 200)
    assert.deepEqual(after.spec.set, ['u', 'v'])
  }),
  inNamespace('an apply with the same item of a set twice is a 500', async (api, ns) => {
    const kind = await widgetIn(api)
    const object = kind.object('a', { spec: { set: ['u', 'u'] } })
    const answer = await applied(api, kind.path(ns, 'a'), { by: 'me', object })
    assert.equal(answer.status, 500, answer.text)
    assert.match(answer.body.message, /\.spec\.set: duplicate entries for key \[="u"\]$/)
  }),
  inNamespace('a conflict is told before bytes that are none', async (api, ns) => {
    const path = paths.secrets(ns)
    answered(await api.post(path, secret({}, { x: 'MQ==' }), { fieldManager: 'me' }), 201)
    const answer = await applied(api, `${path}/a`, { by: 'you', object: secret({}, { x: 'bad' }) })
    assert.equal(answer.body.reason, 'Conflict', answer.text)
  }),
  inNamespace(
    'a status of the wrong type makes all managers forgotten, though it is dropped',
    async (api, ns) => {
      const kind = await widgetIn(api)
      const made = answered(await api.post(kind.path(ns), kind.object('a', { status: { phase: 1 } })), 201)
      assert.deepEqual(managersOf(made), [])
      const next = answered(
        await api.patch(kind.path(ns, 'a'), { spec: { n: 2 } }, { type: 'merge', query: {} }),
        200,
      )
      assert.deepEqual(managersOf(next), [])
      const object = kind.object('a', { spec: { set: ['u'] } })
      const after = answered(await applied(api, kind.path(ns, 'a'), { by: 'me', object }), 200)
      assert.deepEqual(managersOf(after), ['Apply me', 'Update before-first-apply'])
    },
  ),
  inNamespace('an owner that a PUT leaves out belongs to nobody any more', async (api, ns) => {
    const path = paths.configMaps(ns)
    const { uid } = answered(await api.post(path, configMap('o')), 201).metadata
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'o', uid }]
    answered(
      await api.post(path, configMap('a', { x: '1' }, { ownerReferences }), { fieldManager: 'me' }),
      201,
    )
    const after = answered(
      await api.put(`${path}/a`, configMap('a', { x: '1' }), { fieldManager: 'me' }),
      200,
    )
    assert.deepEqual(after.metadata.managedFields[0].fieldsV1, { 'f:data': { '.': {}, 'f:x': {} } })
  }),
  inNamespace('the same owner twice is one, with a warning', async (api, ns) => {
    const path = paths.configMaps(ns)
    const made = answered(await api.post(path, configMap('o')), 201)
    const { uid } = made.metadata
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'o', uid }
    const answer = await api.post(path, configMap('a', {}, { ownerReferences: [owner, owner] }))
    assert.deepEqual(answered(answer, 201).metadata.ownerReferences, [owner])
    assert.deepEqual(answer.warnings, [
      `.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${uid}`,
    ])
  }),
  inNamespace('an invalid status is told by its path within the status', async (api, ns) => {
    const kind = await widgetIn(api)
    answered(await api.post(kind.path(ns), kind.object('a')), 201)
    const answer = await api.patch(
      `${kind.path(ns, 'a')}/status`,
      { status: { phase: 'bad' } },
      { type: 'merge', query: {} },
    )
    says(answer, 422, [
      'Invalid',
      `Widget.${kind.group} "a" is invalid: status.phase: Invalid value: "bad": phase in body should match '^P'`,
    ])
  }),
  inNamespace('an update tells of an unqualified finalizer as often as it is looked at', async (api, ns) => {
    const path = paths.secrets(ns)
    answered(await api.post(path, secret({})), 201)
    const answer = await api.patch(
      `${path}/a`,
      { metadata: { finalizers: ['word'] } },
      { type: 'merge', query: {} },
    )
    assert.deepEqual(
      answer.body.details.causes.map(({ field }: Json) => field),
      ['metadata.finalizers[0]', 'metadata.finalizers[0]'],
    )
  }),
  inNamespace('a null label is an empty one when an object is made', async (api, ns) => {
    const kind = await widgetIn(api)
    const made = answered(
      await api.post(kind.path(ns), kind.object('a', {}, { labels: { tier: null } })),
      201,
    )
    assert.deepEqual(made.metadata.labels, { tier: '' })
  }),
  inNamespace('a deletion says 202 of what stays, if it was to cascade', async (api, ns) => {
    const path = paths.secrets(ns)
    answered(await api.post(path, secret({ finalizers: [keep] })), 201)
    const answer = await api.delete(`${path}/a`, { orphanDependents: false })
    assert.equal(answer.status, 202, answer.text)
    await api.patch(`${path}/a`, { metadata: { finalizers: null } }, { type: 'merge', query: {} })
  }),
  inNamespace('a list of version 0 takes no notice of its limit', async (api, ns) => {
    const path = paths.secrets(ns)
    for (const name of ['a', 'b']) answered(await api.post(path, secret({ name })), 201)
    await api.eventually(async () => {
      const { items } = answered(await api.get(path, { limit: 1, resourceVersion: '0' }), 200)
      assert.equal(items.length, 2)
    })
  }),
  inNamespace('PartialObjectMetadata of a list is a 406', async (api, ns) => {
    const accept = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'
    const answer = await api.request('GET', paths.secrets(ns), { accept })
    refused(answer, {
      code: 406,
      reason: 'NotAcceptable',
      message: 'you requested PartialObjectMetadata, but the requested object is a list (*core.SecretList)',
    })
  }),
])
