/** Deleting, finalizers and preconditions. */
import assert from 'node:assert/strict'
import { about, inNamespace, rule, withControllers } from '../case.ts'
import type { Api } from '../api.ts'
import { answered, has, namesOf, refused, says } from '../expected.ts'
import { configMap, lease, paths } from '../objects.ts'

const keeper = { finalizers: ['example.com/keep'] }
const aLease = async (api: Api, ns: string, metadata = {}) =>
  answered(await api.post(paths.leases(ns), lease('a', {}, metadata)), 201)

/** The rules. */
export const cases = about('delete', [
  inNamespace('answers a Status of success that names what is gone', async (api, ns) => {
    const { metadata } = await aLease(api, ns)
    assert.deepEqual(answered(await api.delete(paths.leases(ns, 'a')), 200), {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name: 'a', group: 'coordination.k8s.io', kind: 'leases', uid: metadata.uid },
    })
    assert.equal((await api.get(paths.leases(ns, 'a'))).status, 404)
  }),
  inNamespace('what is not there is a 404', async (api, ns) => {
    says(await api.delete(paths.configMaps(ns, 'a')), 404, ['NotFound', 'configmaps "a" not found'])
  }),
  inNamespace('a name is free again at once, for another uid', async (api, ns) => {
    const first = await aLease(api, ns)
    answered(await api.delete(paths.leases(ns, 'a')), 200)
    const second = await aLease(api, ns)
    assert.notEqual(second.metadata.uid, first.metadata.uid)
  }),
  inNamespace(
    'a finalizer keeps it, with a deletionTimestamp, and the answer is the object',
    async (api, ns) => {
      const made = await aLease(api, ns, keeper)
      const leaving = answered(await api.delete(paths.leases(ns, 'a')), 200)
      has(leaving, { kind: 'Lease', metadata: { name: 'a', uid: made.metadata.uid, ...keeper } })
      assert.match(leaving.metadata.deletionTimestamp, /^\d{4}-.*Z$/)
      assert.equal(leaving.metadata.deletionGracePeriodSeconds, 0)
      assert.deepEqual(answered(await api.get(paths.leases(ns, 'a')), 200), leaving)
    },
  ),
  inNamespace('deleting twice changes nothing', async (api, ns) => {
    await aLease(api, ns, keeper)
    const once = answered(await api.delete(paths.leases(ns, 'a')), 200)
    const twice = answered(await api.delete(paths.leases(ns, 'a')), 200)
    assert.equal(twice.metadata.resourceVersion, once.metadata.resourceVersion)
  }),
  inNamespace('the last finalizer taken away from what is leaving ends it', async (api, ns) => {
    await aLease(api, ns, keeper)
    answered(await api.delete(paths.leases(ns, 'a')), 200)
    const freed = await api.patch(
      paths.leases(ns, 'a'),
      { metadata: { finalizers: null } },
      { type: 'merge' },
    )
    answered(freed, 200)
    assert.equal((await api.get(paths.leases(ns, 'a'))).status, 404)
  }),
  inNamespace('one finalizer of two taken away keeps it', async (api, ns) => {
    await aLease(api, ns, { finalizers: ['example.com/a', 'example.com/b'] })
    answered(await api.delete(paths.leases(ns, 'a')), 200)
    const body = { metadata: { finalizers: ['example.com/b'] } }
    answered(await api.patch(paths.leases(ns, 'a'), body, { type: 'merge' }), 200)
    assert.deepEqual(answered(await api.get(paths.leases(ns, 'a')), 200).metadata.finalizers, [
      'example.com/b',
    ])
  }),
  inNamespace('a finalizer may not be added to what is leaving', async (api, ns) => {
    await aLease(api, ns, keeper)
    answered(await api.delete(paths.leases(ns, 'a')), 200)
    const body = { metadata: { finalizers: [...keeper.finalizers, 'example.com/late'] } }
    says(await api.patch(paths.leases(ns, 'a'), body, { type: 'merge' }), 422, [
      'Invalid',
      'Lease.coordination.k8s.io "a" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/late"}',
    ])
  }),
  inNamespace('what is leaving may still be changed otherwise', async (api, ns) => {
    await aLease(api, ns, keeper)
    answered(await api.delete(paths.leases(ns, 'a')), 200)
    const body = { metadata: { labels: { x: 'y' } } }
    const changed = answered(await api.patch(paths.leases(ns, 'a'), body, { type: 'merge' }), 200)
    assert.deepEqual(changed.metadata.labels, { x: 'y' })
  }),
  inNamespace('a deletionTimestamp may not be taken back', async (api, ns) => {
    await aLease(api, ns, keeper)
    const leaving = answered(await api.delete(paths.leases(ns, 'a')), 200)
    const body = { metadata: { deletionTimestamp: null } }
    const after = answered(await api.patch(paths.leases(ns, 'a'), body, { type: 'merge' }), 200)
    assert.equal(after.metadata.deletionTimestamp, leaving.metadata.deletionTimestamp)
  }),
  inNamespace('a name that is leaving is still taken', async (api, ns) => {
    await aLease(api, ns, keeper)
    answered(await api.delete(paths.leases(ns, 'a')), 200)
    refused(await api.post(paths.leases(ns), lease('a')), {
      code: 409,
      reason: 'AlreadyExists',
      message: 'object is being deleted: leases.coordination.k8s.io "a" already exists',
      details: { name: 'a', group: 'coordination.k8s.io', kind: 'leases' },
    })
  }),
  inNamespace('a finalizer without a domain is a 422', async (api, ns) => {
    const answer = await api.post(paths.leases(ns), lease('a', {}, { finalizers: ['a b'] }))
    says(answer, 422, ['Invalid', /metadata\.finalizers: Invalid value: "a b": name part must consist of/])
  }),
  inNamespace('a finalizer of one word is a 422 in the core group', async (api, ns) => {
    const answer = await api.post(paths.configMaps(ns), configMap('a', {}, { finalizers: ['word'] }))
    says(answer, 422, [
      'Invalid',
      'ConfigMap "a" is invalid: metadata.finalizers[0]: Invalid value: "word": name is neither a standard finalizer name nor is it fully qualified',
    ])
  }),
  inNamespace('the precondition of a uid that is another is a 409', async (api, ns) => {
    const { metadata } = await aLease(api, ns)
    const uid = '11111111-1111-4111-8111-111111111111'
    refused(await api.delete(paths.leases(ns, 'a'), { preconditions: { uid } }), {
      code: 409,
      reason: 'Conflict',
      message: `Operation cannot be fulfilled on Lease.coordination.k8s.io "a": the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
      details: { name: 'a', group: 'coordination.k8s.io', kind: 'Lease' },
    })
  }),
  inNamespace('the precondition of a resourceVersion that is another is a 409', async (api, ns) => {
    const { metadata } = await aLease(api, ns)
    says(await api.delete(paths.leases(ns, 'a'), { preconditions: { resourceVersion: '1' } }), 409, [
      'Conflict',
      `Operation cannot be fulfilled on Lease.coordination.k8s.io "a": the ResourceVersion in the precondition (1) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    ])
  }),
  inNamespace('preconditions that hold let it go', async (api, ns) => {
    const { metadata } = await aLease(api, ns)
    const { uid, resourceVersion } = metadata
    answered(await api.delete(paths.leases(ns, 'a'), { preconditions: { uid, resourceVersion } }), 200)
  }),
  inNamespace('options of another kind are a 400', async (api, ns) => {
    await aLease(api, ns)
    const body = { kind: 'Lease', apiVersion: 'coordination.k8s.io/v1' }
    says(await api.delete(paths.leases(ns, 'a'), body), 400, ['BadRequest', /./])
  }),
  inNamespace('a propagationPolicy that does not exist is a 422', async (api, ns) => {
    await aLease(api, ns)
    says(await api.delete(paths.leases(ns, 'a'), { propagationPolicy: 'Sideways' }), 422, [
      'Invalid',
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Sideways": supported values: "Foreground", "Background", "Orphan", "nil"',
    ])
  }),
  inNamespace('orphanDependents and propagationPolicy together are a 422', async (api, ns) => {
    await aLease(api, ns)
    const body = { propagationPolicy: 'Background', orphanDependents: true }
    says(await api.delete(paths.leases(ns, 'a'), body), 422, [
      'Invalid',
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Background": orphanDependents and deletionPropagation cannot be both set',
    ])
  }),
  inNamespace('Foreground leaves the finalizer foregroundDeletion', async (api, ns) => {
    answered(await api.post(paths.configMaps(ns), configMap('a', {}, keeper)), 201)
    const leaving = answered(
      await api.delete(paths.configMaps(ns, 'a'), { propagationPolicy: 'Foreground' }),
      200,
    )
    assert.ok(leaving.metadata.finalizers.includes('foregroundDeletion'))
    assert.ok(leaving.metadata.deletionTimestamp)
  }),
  inNamespace('Orphan leaves the finalizer orphan', async (api, ns) => {
    answered(await api.post(paths.configMaps(ns), configMap('a', {}, keeper)), 201)
    const leaving = answered(
      await api.delete(paths.configMaps(ns, 'a'), undefined, { propagationPolicy: 'Orphan' }),
      200,
    )
    assert.ok(leaving.metadata.finalizers.includes('orphan'))
  }),
  inNamespace('options in the body leave those in the query unheard', async (api, ns) => {
    answered(await api.post(paths.configMaps(ns), configMap('a', {}, keeper)), 201)
    const answer = await api.delete(paths.configMaps(ns, 'a'), {}, { propagationPolicy: 'Orphan' })
    assert.deepEqual(answered(answer, 200).metadata.finalizers, keeper.finalizers)
  }),
  inNamespace('a collection goes whole, and the answer is a list of what was there', async (api, ns) => {
    for (const name of ['a', 'b']) answered(await api.post(paths.leases(ns), lease(name)), 201)
    const gone = answered(await api.delete(paths.leases(ns)), 200)
    assert.equal(gone.kind, 'LeaseList')
    assert.deepEqual(namesOf(gone), ['a', 'b'])
    assert.deepEqual(namesOf(answered(await api.get(paths.leases(ns)), 200)), [])
  }),
  inNamespace('a collection goes as far as a selector says', async (api, ns) => {
    for (const [name, tier] of [
      ['a', 'x'],
      ['b', 'y'],
    ] as const)
      answered(await api.post(paths.leases(ns), lease(name, {}, { labels: { tier } })), 201)
    answered(await api.delete(paths.leases(ns), undefined, { labelSelector: 'tier=x' }), 200)
    assert.deepEqual(namesOf(answered(await api.get(paths.leases(ns)), 200)), ['b'])
  }),
  inNamespace('a collection keeps what has finalizers, marked', async (api, ns) => {
    await aLease(api, ns, keeper)
    answered(await api.delete(paths.leases(ns)), 200)
    assert.ok(answered(await api.get(paths.leases(ns, 'a')), 200).metadata.deletionTimestamp)
  }),
  rule('a namespace becomes Terminating and takes nothing more', async (api) => {
    const ns = await api.namespace()
    answered(await api.post(paths.configMaps(ns), configMap('a', {}, keeper)), 201)
    const leaving = answered(await api.delete(`/api/v1/namespaces/${ns}`), 200)
    has(leaving, { kind: 'Namespace', status: { phase: 'Terminating' } })
    const late = await api.eventually(async () => {
      const answer = await api.post(paths.configMaps(ns), configMap('b'))
      assert.equal(answer.status, 403, answer.text)
      return answer
    })
    says(late, 403, [
      'Forbidden',
      `configmaps "b" is forbidden: unable to create new content in namespace ${ns} because it is being terminated`,
    ])
    assert.deepEqual(late.body.details.causes, [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${ns} is being terminated`,
        field: 'metadata.namespace',
      },
    ])
    await api.patch(paths.configMaps(ns, 'a'), { metadata: { finalizers: null } }, { type: 'merge' })
  }),
  rule('the namespaces of the system stay', async (api) => {
    says(await api.delete('/api/v1/namespaces/kube-system'), 403, [
      'Forbidden',
      'namespaces "kube-system" is forbidden: this namespace may not be deleted',
    ])
  }),
  withControllers(
    rule('a namespace that is deleted is gone with all that was in it', async (api) => {
      const ns = await api.namespace()
      answered(await api.post(paths.leases(ns), lease('a')), 201)
      answered(await api.delete(`/api/v1/namespaces/${ns}`), 200)
      // Namespaces of other cases end before: some hundreds, at about seven a second.
      await api.eventually(async () => {
        assert.equal((await api.get(`/api/v1/namespaces/${ns}`)).status, 404)
        assert.equal((await api.get(paths.leases(ns, 'a'))).status, 404)
      }, 90_000)
    }),
  ),
])
