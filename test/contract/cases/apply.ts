/** Server-side apply. */
import assert from 'node:assert/strict'
import { about, inNamespace } from '../case.ts'
import type { Api } from '../api.ts'
import type { Json } from '../http.ts'
import { answered, has, refused, says } from '../expected.ts'
import { configMap, deployment, paths } from '../objects.ts'

type Applied = { readonly by: string; readonly data: object; readonly force?: boolean }

const apply = (api: Api, ns: string, { by, data, force }: Applied) =>
  api.patch(paths.configMaps(ns, 'a'), configMap('a', { ...data }), {
    type: 'apply',
    query: { fieldManager: by, ...(force === undefined ? {} : { force }) },
  })

const fieldsOf = (object: Json, by: string): Json =>
  object.metadata.managedFields.find(({ manager }: { manager: string }) => manager === by)?.fieldsV1

/** The rules. */
export const cases = about('apply', [
  inNamespace('makes what is not there with 201, and notes whose fields they are', async (api, ns) => {
    const made = answered(await apply(api, ns, { by: 'me', data: { x: '1' } }), 201)
    const [entry] = made.metadata.managedFields
    has(entry, { manager: 'me', operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1' })
    assert.deepEqual(entry.fieldsV1, { 'f:data': { 'f:x': {} } })
    assert.equal(made.metadata.managedFields.length, 1)
  }),
  inNamespace(
    'with a uid it makes nothing where nothing is, and changes nothing that has another',
    async (api, ns) => {
      const uid = '11111111-1111-4111-8111-111111111111'
      const bound = () =>
        api.patch(paths.configMaps(ns, 'a'), configMap('a', { x: '1' }, { uid }), {
          type: 'apply',
          query: { fieldManager: 'me' },
        })
      assert.equal((await bound()).status, 409)
      assert.equal((await api.get(paths.configMaps(ns, 'a'))).status, 404)
      answered(await apply(api, ns, { by: 'you', data: { y: '1' } }), 201)
      assert.ok([409, 422].includes((await bound()).status))
    },
  ),
  inNamespace('with an old resourceVersion it is a 409', async (api, ns) => {
    const made = answered(await apply(api, ns, { by: 'me', data: { x: '1' } }), 201)
    const { uid, resourceVersion } = made.metadata
    const at = (x: string) =>
      api.patch(paths.configMaps(ns, 'a'), configMap('a', { x }, { uid, resourceVersion }), {
        type: 'apply',
        query: { fieldManager: 'me' },
      })
    answered(await at('2'), 200)
    const answer = await at('3')
    assert.equal(answer.status, 409)
    has(answered(await api.get(paths.configMaps(ns, 'a')), 200), { data: { x: '2' } })
  }),
  inNamespace('changes what is there with 200', async (api, ns) => {
    answered(await apply(api, ns, { by: 'me', data: { x: '1' } }), 201)
    const after = answered(await apply(api, ns, { by: 'me', data: { x: '2' } }), 200)
    assert.deepEqual(after.data, { x: '2' })
  }),
  inNamespace('the same again changes nothing, not even the version', async (api, ns) => {
    const made = answered(await apply(api, ns, { by: 'me', data: { x: '1' } }), 201)
    const again = answered(await apply(api, ns, { by: 'me', data: { x: '1' } }), 200)
    assert.deepEqual(again, made)
  }),
  inNamespace('a field that its only manager leaves out is gone', async (api, ns) => {
    answered(await apply(api, ns, { by: 'me', data: { x: '1', y: '2' } }), 201)
    const after = answered(await apply(api, ns, { by: 'me', data: { x: '1' } }), 200)
    assert.deepEqual(after.data, { x: '1' })
  }),
  inNamespace('a field that another manages too stays', async (api, ns) => {
    answered(await apply(api, ns, { by: 'me', data: { x: '1', y: '2' } }), 201)
    answered(await apply(api, ns, { by: 'you', data: { y: '2' } }), 200)
    const after = answered(await apply(api, ns, { by: 'me', data: { x: '1' } }), 200)
    assert.deepEqual(after.data, { x: '1', y: '2' })
    assert.deepEqual(fieldsOf(after, 'you'), { 'f:data': { 'f:y': {} } })
  }),
  inNamespace('another value in a field of another is a 409 that names both', async (api, ns) => {
    answered(await apply(api, ns, { by: 'me', data: { x: '1' } }), 201)
    refused(await apply(api, ns, { by: 'you', data: { x: '2' } }), {
      code: 409,
      reason: 'Conflict',
      message: 'Apply failed with 1 conflict: conflict with "me": .data.x',
      details: {
        causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "me"', field: '.data.x' }],
      },
    })
  }),
  inNamespace('two conflicts with one are told together', async (api, ns) => {
    answered(await apply(api, ns, { by: 'me', data: { x: '1', y: '1' } }), 201)
    says(await apply(api, ns, { by: 'you', data: { x: '2', y: '2' } }), 409, [
      'Conflict',
      'Apply failed with 2 conflicts: conflicts with "me":\n- .data.x\n- .data.y',
    ])
  }),
  inNamespace('a conflict with one who updated says how and with which version', async (api, ns) => {
    answered(await api.post(paths.configMaps(ns), configMap('a', { x: '1' }), { fieldManager: 'me' }), 201)
    says(await apply(api, ns, { by: 'you', data: { x: '2' } }), 409, [
      'Conflict',
      /^Apply failed with 1 conflict: conflict with "me" using v1: \.data\.x$/,
    ])
  }),
  inNamespace('force takes the field over', async (api, ns) => {
    answered(await apply(api, ns, { by: 'me', data: { x: '1' } }), 201)
    const after = answered(await apply(api, ns, { by: 'you', data: { x: '2' }, force: true }), 200)
    assert.deepEqual(after.data, { x: '2' })
    assert.equal(fieldsOf(after, 'me'), undefined)
    assert.deepEqual(fieldsOf(after, 'you'), { 'f:data': { 'f:x': {} } })
  }),
  inNamespace('an update takes fields over without asking', async (api, ns) => {
    answered(await apply(api, ns, { by: 'me', data: { x: '1' } }), 201)
    const patch = { data: { x: '2' } }
    const after = await api.patch(paths.configMaps(ns, 'a'), patch, {
      type: 'merge',
      query: { fieldManager: 'you' },
    })
    assert.equal(fieldsOf(answered(after, 200), 'me'), undefined)
    says(await apply(api, ns, { by: 'me', data: { x: '1' } }), 409, [
      'Conflict',
      /conflict with "you" using v1/,
    ])
  }),
  inNamespace('without a fieldManager is a 400', async (api, ns) => {
    const answer = await api.patch(paths.configMaps(ns, 'a'), configMap('a'), { type: 'apply' })
    says(answer, 422, [
      'Invalid',
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    ])
  }),
  inNamespace('without apiVersion and kind is a 400', async (api, ns) => {
    const query = { fieldManager: 'me' }
    const answer = await api.patch(paths.configMaps(ns, 'a'), { data: {} }, { type: 'apply', query })
    says(answer, 400, ['BadRequest', /./])
  }),
  inNamespace('force with another kind of patch is a 422', async (api, ns) => {
    answered(await api.post(paths.configMaps(ns), configMap('a')), 201)
    const answer = await api.patch(paths.configMaps(ns, 'a'), {}, { type: 'merge', query: { force: 'true' } })
    says(answer, 422, [
      'Invalid',
      'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
    ])
  }),
  inNamespace('managedFields in the configuration are a 400', async (api, ns) => {
    const body = configMap('a', {}, { managedFields: [{ manager: 'x' }] })
    const answer = await api.patch(paths.configMaps(ns, 'a'), body, {
      type: 'apply',
      query: { fieldManager: 'me' },
    })
    says(answer, 400, ['BadRequest', 'metadata.managedFields must be nil'])
  }),
  inNamespace('a uid keeps it from making what is not there', async (api, ns) => {
    const body = configMap('a', {}, { uid: '11111111-1111-4111-8111-111111111111' })
    const answer = await api.patch(paths.configMaps(ns, 'a'), body, {
      type: 'apply',
      query: { fieldManager: 'me' },
    })
    says(answer, 409, ['Conflict', /uid mismatch: the provided object specified uid 11111111-/])
  }),
  inNamespace('YAML is understood', async (api, ns) => {
    const body = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: "1"}\n'
    const answer = await api.request('PATCH', paths.configMaps(ns, 'a'), {
      body,
      contentType: 'application/apply-patch+yaml',
      query: { fieldManager: 'me' },
    })
    assert.deepEqual(answered(answer, 201).data, { x: '1' })
  }),
  inNamespace('items of a list with keys are managed one by one', async (api, ns) => {
    const made = deployment('a', [{ name: 'a', image: 'a:1' }])
    const query = { fieldManager: 'me' }
    answered(await api.patch(paths.deployments(ns, 'a'), made, { type: 'apply', query }), 201)
    const { metadata } = made
    const containers = [{ name: 'b', image: 'b:1' }]
    const more = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: { template: { spec: { containers } } },
    }
    const after = answered(
      await api.patch(paths.deployments(ns, 'a'), more, { type: 'apply', query: { fieldManager: 'you' } }),
      200,
    )
    assert.equal(after.spec.template.spec.containers.length, 2)
    const fields = fieldsOf(after, 'you')['f:spec']['f:template']['f:spec']['f:containers']
    assert.deepEqual(fields, { 'k:{"name":"b"}': { '.': {}, 'f:image': {}, 'f:name': {} } })
  }),
  inNamespace('a dry run shows the outcome and keeps nothing', async (api, ns) => {
    const query = { fieldManager: 'me', dryRun: 'All' }
    const answer = await api.patch(paths.configMaps(ns, 'a'), configMap('a'), { type: 'apply', query })
    answered(answer, 201)
    assert.equal((await api.get(paths.configMaps(ns, 'a'))).status, 404)
  }),
  inNamespace('managedFields set to an empty list by an update are wiped', async (api, ns) => {
    answered(await apply(api, ns, { by: 'me', data: { x: '1' } }), 201)
    const patch = { metadata: { managedFields: [{}] } }
    const after = answered(await api.patch(paths.configMaps(ns, 'a'), patch, { type: 'merge' }), 200)
    assert.equal(after.metadata.managedFields, undefined)
  }),
])
