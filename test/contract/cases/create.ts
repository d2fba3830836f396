/** Creating. */
import assert from 'node:assert/strict'
import { about, inNamespace, rule } from '../case.ts'
import { answered, has, refused, says } from '../expected.ts'
import { configMap, deployment, lease, paths } from '../objects.ts'

const uid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const second = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/

/** The rules. */
export const cases = about('create', [
  inNamespace(
    'answers 201 with the object, its uid, resourceVersion and time of creation',
    async (api, ns) => {
      const made = answered(await api.post(paths.configMaps(ns), configMap('a', { k: 'v' })), 201)
      has(made, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'a', namespace: ns },
        data: { k: 'v' },
      })
      assert.match(made.metadata.uid, uid)
      assert.match(made.metadata.resourceVersion, /^[1-9]\d*$/)
      assert.match(made.metadata.creationTimestamp, second)
    },
  ),
  inNamespace('a ConfigMap has no generation, a Deployment begins at 1', async (api, ns) => {
    const map = answered(await api.post(paths.configMaps(ns), configMap('a')), 201)
    assert.equal(map.metadata.generation, undefined)
    const made = answered(await api.post(paths.deployments(ns), deployment('a')), 201)
    assert.equal(made.metadata.generation, 1)
  }),
  inNamespace('a name that is taken is a 409 AlreadyExists', async (api, ns) => {
    answered(await api.post(paths.leases(ns), lease('a')), 201)
    refused(await api.post(paths.leases(ns), lease('a')), {
      code: 409,
      reason: 'AlreadyExists',
      message: 'leases.coordination.k8s.io "a" already exists',
      details: { name: 'a', group: 'coordination.k8s.io', kind: 'leases' },
    })
  }),
  inNamespace('a name of the core group that is taken is named without a group', async (api, ns) => {
    answered(await api.post(paths.configMaps(ns), configMap('a')), 201)
    refused(await api.post(paths.configMaps(ns), configMap('a')), {
      code: 409,
      reason: 'AlreadyExists',
      message: 'configmaps "a" already exists',
      details: { name: 'a', kind: 'configmaps' },
    })
  }),
  inNamespace('apiVersion and kind may be left out', async (api, ns) => {
    const made = answered(await api.post(paths.configMaps(ns), { metadata: { name: 'a' } }), 201)
    has(made, { apiVersion: 'v1', kind: 'ConfigMap' })
  }),
  inNamespace('another kind is a 400 BadRequest that names both', async (api, ns) => {
    says(await api.post(paths.configMaps(ns), { ...configMap('a'), kind: 'Secret' }), 400, [
      'BadRequest',
      'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion',
    ])
  }),
  inNamespace('another version is a 400 BadRequest', async (api, ns) => {
    says(await api.post(paths.configMaps(ns), { ...configMap('a'), apiVersion: 'v2' }), 400, [
      'BadRequest',
      /^ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for version "v2"/,
    ])
  }),
  inNamespace('a body that is no JSON is a 400', async (api, ns) => {
    const answer = await api.request('POST', paths.configMaps(ns), { body: '{"metadata":' })
    says(answer, 400, ['BadRequest', /./])
  }),
  inNamespace('a field of the wrong type is a 400 that says which', async (api, ns) => {
    says(await api.post(paths.configMaps(ns), { ...configMap('a'), data: { k: 1 } }), 400, [
      'BadRequest',
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type string',
    ])
  }),
  inNamespace('a resourceVersion is a 500 of its own', async (api, ns) => {
    const answer = await api.post(paths.leases(ns), lease('a', {}, { resourceVersion: '5' }))
    refused(answer, {
      code: 500,
      message: 'resourceVersion should not be set on objects to be created',
    })
  }),
  inNamespace('another namespace in the object than in the path is a 400', async (api, ns) => {
    refused(await api.post(paths.configMaps(ns), configMap('a', {}, { namespace: 'other' })), {
      code: 400,
      reason: 'BadRequest',
      message: 'the namespace of the provided object does not match the namespace sent on the request',
    })
  }),
  rule('a namespace that does not exist is a 404 that names it', async (api) => {
    const ns = api.name('missing')
    refused(await api.post(paths.configMaps(ns), configMap('a')), {
      code: 404,
      reason: 'NotFound',
      message: `namespaces "${ns}" not found`,
      details: { name: ns, kind: 'namespaces' },
    })
  }),
  inNamespace('two problems are told together, each as a cause', async (api, ns) => {
    const answer = await api.post(
      paths.leases(ns),
      lease('a', { leaseDurationSeconds: 0, leaseTransitions: -1 }),
    )
    refused(answer, {
      code: 422,
      reason: 'Invalid',
      message:
        'Lease.coordination.k8s.io "a" is invalid: [spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0, spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0]',
      details: {
        name: 'a',
        group: 'coordination.k8s.io',
        kind: 'Lease',
        causes: [
          {
            reason: 'FieldValueInvalid',
            message: 'Invalid value: 0: must be greater than 0',
            field: 'spec.leaseDurationSeconds',
          },
          {
            reason: 'FieldValueInvalid',
            message: 'Invalid value: -1: must be greater than or equal to 0',
            field: 'spec.leaseTransitions',
          },
        ],
      },
    })
  }),
  inNamespace('managedFields say who made it', async (api, ns) => {
    const made = answered(
      await api.post(paths.configMaps(ns), configMap('a', { k: 'v' }), { fieldManager: 'me' }),
      201,
    )
    const [entry] = made.metadata.managedFields
    has(entry, { manager: 'me', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1' })
    assert.deepEqual(entry.fieldsV1, { 'f:data': { '.': {}, 'f:k': {} } })
  }),
  inNamespace(
    'without fieldManager the manager is what comes before the slash of User-Agent',
    async (api, ns) => {
      const made = await api.request('POST', paths.configMaps(ns), {
        body: configMap('a', { k: 'v' }),
        headers: { 'user-agent': 'tool/v1.2 (x)' },
      })
      assert.equal(answered(made, 201).metadata.managedFields[0].manager, 'tool')
    },
  ),
  inNamespace('a fieldManager of more than 128 characters is a 422', async (api, ns) => {
    says(await api.post(paths.configMaps(ns), configMap('a'), { fieldManager: 'x'.repeat(129) }), 422, [
      'Invalid',
      'CreateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes',
    ])
  }),
  inNamespace('a POST to an object is a 405', async (api, ns) => {
    refused(await api.post(paths.configMaps(ns, 'a'), configMap('a')), {
      code: 405,
      reason: 'MethodNotAllowed',
      message: 'the server does not allow this method on the requested resource',
      details: {},
    })
  }),
  inNamespace('a body of another media type is a 415', async (api, ns) => {
    const answer = await api.request('POST', paths.configMaps(ns), { body: '{}', contentType: 'text/plain' })
    says(answer, 415, [
      'UnsupportedMediaType',
      /^the body of the request was in an unknown format - accepted media types include: /,
    ])
  }),
  inNamespace('YAML is understood', async (api, ns) => {
    const body = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n'
    const answer = await api.request('POST', paths.configMaps(ns), { body, contentType: 'application/yaml' })
    has(answered(answer, 201), { data: { k: 'v' } })
  }),
])
