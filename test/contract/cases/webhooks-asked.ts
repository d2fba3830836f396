/** What a webhook is asked: the review, its user, options, dry run and time. */
import assert from 'node:assert/strict'
import type { Api } from '../api.ts'
import type { Answer } from '../http.ts'
import { about, inNamespace } from '../case.ts'
import { answered, has } from '../expected.ts'
import { configMap, paths } from '../objects.ts'
import { register, type Entry } from '../registrations.ts'
import { admit, type Hook, type Reply } from '../webhook-server.ts'

type Given = Omit<Entry, 'hook'>

async function validating(
  api: Api,
  ns: string,
  [reply, fields = {}]: readonly [Reply, Given?],
): Promise<Hook> {
  const hook = api.hook(() => reply)
  await register(api, 'validating', { ns, entries: [{ ...fields, hook }] })
  return hook
}

const create = (api: Api, ns: string, query = {}): Promise<Answer> =>
  api.post(paths.configMaps(ns), configMap('a', { k: 'v' }, { labels: { tier: 'x' } }), query)

/** The rules. */
export const cases = about('webhooks asked', [
  inNamespace('the review tells what, whose, where and with which options', async (api, ns) => {
    const hook = await validating(api, ns, [admit])
    answered(await create(api, ns, { fieldManager: 'me' }), 201)
    const [asked] = hook.asked
    has(asked?.review, { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1' })
    const { uid, object, ...rest } = asked?.request
    assert.match(uid, /^[0-9a-f]{8}-[0-9a-f-]{27}$/)
    has(rest, {
      kind: { group: '', version: 'v1', kind: 'ConfigMap' },
      resource: { group: '', version: 'v1', resource: 'configmaps' },
      requestKind: { group: '', version: 'v1', kind: 'ConfigMap' },
      requestResource: { group: '', version: 'v1', resource: 'configmaps' },
      name: 'a',
      namespace: ns,
      operation: 'CREATE',
      userInfo: { username: 'admin', groups: ['system:masters', 'system:authenticated'] },
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'me' },
    })
    has(object, {
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { name: 'a', namespace: ns },
      data: { k: 'v' },
    })
  }),
  inNamespace(
    'the object in a review of CREATE has a uid and a time, and no resourceVersion',
    async (api, ns) => {
      const hook = await validating(api, ns, [admit])
      const made = answered(await create(api, ns), 201)
      const { metadata } = hook.asked[0]?.request.object
      assert.equal(metadata.uid, made.metadata.uid)
      assert.equal(metadata.creationTimestamp, made.metadata.creationTimestamp)
      assert.equal(metadata.resourceVersion, undefined)
    },
  ),
  inNamespace('each request has a uid of its own', async (api, ns) => {
    const hook = await validating(api, ns, [admit])
    answered(await create(api, ns), 201)
    answered(await api.post(paths.configMaps(ns), configMap('b')), 201)
    assert.notEqual(hook.asked[0]?.request.uid, hook.asked[1]?.request.uid)
  }),
  inNamespace('an impersonated user is the one the review tells', async (api, ns) => {
    const hook = await validating(api, ns, [admit])
    const as = { user: 'bob', groups: ['system:masters', 'crew'], uid: 'u1', extra: { scope: 'x' } }
    answered(await api.request('POST', paths.configMaps(ns), { body: configMap('a'), as }), 201)
    const { username, groups, uid, extra } = hook.asked[0]?.request.userInfo
    assert.deepEqual({ username, uid, extra }, { username: 'bob', uid: 'u1', extra: { scope: ['x'] } })
    assert.deepEqual(groups, ['system:masters', 'crew', 'system:authenticated'])
  }),
  inNamespace('a review of UPDATE has both objects', async (api, ns) => {
    const rules = [
      { apiGroups: [''], apiVersions: ['v1'], operations: ['UPDATE', 'CREATE'], resources: ['configmaps'] },
    ]
    const hook = await validating(api, ns, [admit, { rules }])
    const made = answered(await create(api, ns), 201)
    answered(await api.patch(paths.configMaps(ns, 'a'), { data: { k: 'w' } }, { type: 'merge' }), 200)
    const { operation, object, oldObject, options } = hook.asked[1]?.request
    assert.equal(operation, 'UPDATE')
    assert.deepEqual([oldObject.data, object.data], [{ k: 'v' }, { k: 'w' }])
    assert.equal(oldObject.metadata.resourceVersion, made.metadata.resourceVersion)
    assert.equal(object.metadata.resourceVersion, made.metadata.resourceVersion)
    assert.equal(options.kind, 'UpdateOptions')
  }),
  inNamespace('a review of DELETE has the old object alone', async (api, ns) => {
    const rules = [
      { apiGroups: [''], apiVersions: ['v1'], operations: ['DELETE', 'CREATE'], resources: ['configmaps'] },
    ]
    const hook = await validating(api, ns, [admit, { rules }])
    answered(await create(api, ns), 201)
    answered(await api.delete(paths.configMaps(ns, 'a'), { propagationPolicy: 'Background' }), 200)
    const { operation, object, oldObject, options } = hook.asked[1]?.request
    assert.deepEqual([operation, object], ['DELETE', null])
    assert.equal(oldObject.metadata.name, 'a')
    has(options, { kind: 'DeleteOptions', propagationPolicy: 'Background' })
  }),
  inNamespace('a dry run is told, and asks a webhook without side effects', async (api, ns) => {
    const hook = await validating(api, ns, [admit])
    answered(await create(api, ns, { dryRun: 'All' }), 201)
    has(hook.asked[0]?.request, { dryRun: true, options: { dryRun: ['All'] } })
  }),
  inNamespace('a dry run asks a webhook whose side effects heed it', async (api, ns) => {
    const hook = await validating(api, ns, [admit, { sideEffects: 'NoneOnDryRun' }])
    answered(await create(api, ns, { dryRun: 'All' }), 201)
    assert.equal(hook.asked.length, 1)
  }),
  inNamespace('the webhook is told its time in the query', async (api, ns) => {
    const hook = await validating(api, ns, [admit, { timeoutSeconds: 7 }])
    answered(await create(api, ns), 201)
    assert.equal(hook.asked[0]?.query.get('timeout'), '7s')
  }),
  inNamespace('timeout of the request cuts the time of the webhook', async (api, ns) => {
    const hook = await validating(api, ns, [admit, { timeoutSeconds: 20 }])
    answered(await create(api, ns, { timeout: '5s' }), 201)
    const told = hook.asked[0]?.query.get('timeout')
    assert.match(told ?? '', /^[45]s$/)
  }),
  inNamespace('the API server says that it is one, and sends JSON', async (api, ns) => {
    const hook = await validating(api, ns, [admit])
    answered(await create(api, ns), 201)
    const headers = hook.asked[0]?.headers
    assert.match(String(headers?.['content-type']), /^application\/json/)
    assert.equal(headers?.['user-agent'], 'kube-apiserver-admission')
  }),
  inNamespace('a webhook with generateName sees the name that was made', async (api, ns) => {
    const hook = await validating(api, ns, [admit])
    const made = answered(await api.post(paths.configMaps(ns), { metadata: { generateName: 'g-' } }), 201)
    assert.equal(hook.asked[0]?.request.object.metadata.name, made.metadata.name)
  }),
  inNamespace('a 429 with Retry-After is asked again, with the same uid', async (api, ns) => {
    let asked = 0
    const hook = api.hook(() => {
      asked += 1
      return asked === 1 ? { status: 429, body: '', headers: { 'retry-after': '1' } } : admit
    })
    await register(api, 'validating', { ns, entries: [{ hook }] })
    answered(await create(api, ns), 201)
    const uids = hook.asked.map(({ request }) => request.uid)
    assert.equal(uids.length, 2)
    assert.equal(uids[0], uids[1])
  }),
  inNamespace('a 503 without Retry-After is asked once', async (api, ns) => {
    const hook = await validating(api, ns, [{ status: 503, body: '' }])
    assert.equal((await create(api, ns)).status, 500)
    assert.equal(hook.asked.length, 1)
  }),
])
