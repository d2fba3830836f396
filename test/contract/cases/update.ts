/** Replacing. */
import assert from 'node:assert/strict'
import { about, inNamespace } from '../case.ts'
import type { Api } from '../api.ts'
import { answered, has, refused, says } from '../expected.ts'
import { configMap, deployment, lease, paths, secret } from '../objects.ts'

const modified = (resource: string, group?: string) => ({
  code: 409,
  reason: 'Conflict',
  message: `Operation cannot be fulfilled on ${resource}${group === undefined ? '' : `.${group}`} "a": the object has been modified; please apply your changes to the latest version and try again`,
  details: { name: 'a', ...(group === undefined ? {} : { group }), kind: resource },
})

const aLease = async (api: Api, ns: string, spec = {}) =>
  answered(await api.post(paths.leases(ns), lease('a', spec)), 201)

/** The rules. */
export const cases = about('update', [
  inNamespace('a change raises the resourceVersion and keeps uid and time of creation', async (api, ns) => {
    const made = await aLease(api, ns)
    const body = { ...made, spec: { holderIdentity: 'x' } }
    const changed = answered(await api.put(paths.leases(ns, 'a'), body), 200)
    assert.equal(changed.metadata.uid, made.metadata.uid)
    assert.equal(changed.metadata.creationTimestamp, made.metadata.creationTimestamp)
    assert.ok(BigInt(changed.metadata.resourceVersion) > BigInt(made.metadata.resourceVersion))
    assert.equal(changed.spec.holderIdentity, 'x')
  }),
  inNamespace('no change keeps the resourceVersion', async (api, ns) => {
    const made = await aLease(api, ns)
    const same = answered(await api.put(paths.leases(ns, 'a'), made), 200)
    assert.equal(same.metadata.resourceVersion, made.metadata.resourceVersion)
  }),
  inNamespace('an old resourceVersion is a 409 Conflict', async (api, ns) => {
    const made = await aLease(api, ns)
    answered(await api.put(paths.leases(ns, 'a'), { ...made, spec: { holderIdentity: 'x' } }), 200)
    const late = await api.put(paths.leases(ns, 'a'), { ...made, spec: { holderIdentity: 'y' } })
    refused(late, modified('leases', 'coordination.k8s.io'))
  }),
  inNamespace('a conflict in the core group is named without a group', async (api, ns) => {
    const made = answered(await api.post(paths.configMaps(ns), configMap('a')), 201)
    answered(await api.put(paths.configMaps(ns, 'a'), { ...made, data: { k: '1' } }), 200)
    refused(await api.put(paths.configMaps(ns, 'a'), { ...made, data: { k: '2' } }), modified('configmaps'))
  }),
  inNamespace('without a resourceVersion the last writer wins where the kind allows it', async (api, ns) => {
    answered(await api.post(paths.configMaps(ns), configMap('a', { k: '1' })), 201)
    const changed = answered(await api.put(paths.configMaps(ns, 'a'), configMap('a', { k: '2' })), 200)
    assert.deepEqual(changed.data, { k: '2' })
  }),
  inNamespace('a Lease must say its resourceVersion', async (api, ns) => {
    await aLease(api, ns)
    refused(await api.put(paths.leases(ns, 'a'), lease('a', { holderIdentity: 'x' })), {
      code: 422,
      reason: 'Invalid',
      message:
        'leases.coordination.k8s.io "a" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
      details: {
        name: 'a',
        group: 'coordination.k8s.io',
        kind: 'leases',
        causes: [
          {
            reason: 'FieldValueInvalid',
            message: 'Invalid value: 0: must be specified for an update',
            field: 'metadata.resourceVersion',
          },
        ],
      },
    })
  }),
  inNamespace('another uid is a 409 that says both', async (api, ns) => {
    const made = answered(await api.post(paths.configMaps(ns), configMap('a')), 201)
    const body = configMap('a', {}, { uid: '11111111-1111-4111-8111-111111111111' })
    says(await api.put(paths.configMaps(ns, 'a'), body), 409, [
      'Conflict',
      `Operation cannot be fulfilled on configmaps "a": StorageError: invalid object, Code: 4, Key: /registry/configmaps/${ns}/a, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: 11111111-1111-4111-8111-111111111111, UID in object meta: ${made.metadata.uid}`,
    ])
  }),
  inNamespace('another name in the object than in the path is a 400', async (api, ns) => {
    const made = await aLease(api, ns)
    const body = { ...made, metadata: { ...made.metadata, name: 'b' } }
    refused(await api.put(paths.leases(ns, 'a'), body), {
      code: 400,
      reason: 'BadRequest',
      message: 'the name of the object (b) does not match the name on the URL (a)',
    })
  }),
  inNamespace('no name in the object is a 400', async (api, ns) => {
    await aLease(api, ns)
    says(await api.put(paths.leases(ns, 'a'), { metadata: {} }), 400, ['BadRequest', /./])
  }),
  inNamespace('another namespace in the object than in the path is a 400', async (api, ns) => {
    const made = await aLease(api, ns)
    const body = { ...made, metadata: { ...made.metadata, namespace: 'other' } }
    says(await api.put(paths.leases(ns, 'a'), body), 400, [
      'BadRequest',
      'the namespace of the provided object does not match the namespace sent on the request',
    ])
  }),
  inNamespace('what is not there is a 404, or is made where the kind allows it', async (api, ns) => {
    says(await api.put(paths.configMaps(ns, 'a'), configMap('a')), 404, [
      'NotFound',
      'configmaps "a" not found',
    ])
    const made = answered(await api.put(paths.leases(ns, 'a'), lease('a')), 201)
    assert.equal(made.metadata.name, 'a')
  }),
  inNamespace('what was deleted is a 404 for a writer who knew it', async (api, ns) => {
    const made = answered(await api.post(paths.configMaps(ns), configMap('a')), 201)
    answered(await api.delete(paths.configMaps(ns, 'a')), 200)
    says(await api.put(paths.configMaps(ns, 'a'), { ...made, data: { k: 'v' } }), 404, [
      'NotFound',
      'configmaps "a" not found',
    ])
  }),
  inNamespace('a label that is left out is gone', async (api, ns) => {
    answered(await api.post(paths.configMaps(ns), configMap('a', {}, { labels: { x: '1', y: '2' } })), 201)
    const changed = await api.put(paths.configMaps(ns, 'a'), configMap('a', {}, { labels: { x: '1' } }))
    assert.deepEqual(answered(changed, 200).metadata.labels, { x: '1' })
  }),
  inNamespace('spec raises the generation, metadata does not', async (api, ns) => {
    const made = answered(await api.post(paths.deployments(ns), deployment('a')), 201)
    const { metadata, spec } = made
    const labelled = answered(
      await api.put(paths.deployments(ns, 'a'), {
        ...made,
        metadata: { ...metadata, labels: { x: 'y' }, resourceVersion: undefined },
      }),
      200,
    )
    assert.equal(labelled.metadata.generation, 1)
    const slower = { ...labelled, spec: { ...spec, minReadySeconds: 3 } }
    delete slower.metadata.resourceVersion
    assert.equal(answered(await api.put(paths.deployments(ns, 'a'), slower), 200).metadata.generation, 2)
  }),
  inNamespace('what may not change is a 422 that says so', async (api, ns) => {
    const made = answered(await api.post(paths.deployments(ns), deployment('a')), 201)
    const selector = { matchLabels: { app: 'other' } }
    const template = { ...made.spec.template, metadata: { labels: { app: 'other' } } }
    const body = { ...made, spec: { ...made.spec, selector, template } }
    delete body.metadata.resourceVersion
    says(await api.put(paths.deployments(ns, 'a'), body), 422, [
      'Invalid',
      'Deployment.apps "a" is invalid: spec.selector: Invalid value: {"matchLabels":{"app":"other"}}: field is immutable',
    ])
  }),
  inNamespace('an immutable ConfigMap stays as it is', async (api, ns) => {
    answered(await api.post(paths.configMaps(ns), { ...configMap('a', { k: '1' }), immutable: true }), 201)
    says(await api.put(paths.configMaps(ns, 'a'), { ...configMap('a', { k: '2' }), immutable: true }), 422, [
      'Invalid',
      'ConfigMap "a" is invalid: data: Forbidden: field is immutable when `immutable` is set',
    ])
  }),
  inNamespace('the type of a Secret may not change', async (api, ns) => {
    answered(await api.post(paths.secrets(ns), secret('a', { type: 'x.example.com/a' })), 201)
    says(await api.put(paths.secrets(ns, 'a'), secret('a', { type: 'x.example.com/b' })), 422, [
      'Invalid',
      'Secret "a" is invalid: type: Invalid value: "x.example.com/b": field is immutable',
    ])
  }),
  inNamespace('status of a kind with a subresource is changed only there', async (api, ns) => {
    const made = answered(
      await api.post(paths.deployments(ns), { ...deployment('a'), status: { replicas: 4 } }),
      201,
    )
    assert.equal(made.status.replicas, undefined)
    const path = `${paths.deployments(ns, 'a')}/status`
    const status = { replicas: 0, conditions: [{ type: 'Seen', status: 'True' }] }
    delete made.metadata.resourceVersion
    const spec = { ...made.spec, minReadySeconds: 7 }
    const changed = answered(await api.put(path, { ...made, spec, status }), 200)
    has(changed.status, { conditions: [{ type: 'Seen', status: 'True' }] })
    assert.equal(changed.spec.minReadySeconds, undefined)
    assert.equal(changed.metadata.generation, 1)
  }),
  inNamespace('two writers who read the same: one wins, one is a 409', async (api, ns) => {
    const made = await aLease(api, ns)
    const answers = await Promise.all(
      ['x', 'y'].map((who) => api.put(paths.leases(ns, 'a'), { ...made, spec: { holderIdentity: who } })),
    )
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409])
  }),
])
