/** Reading one object, and what every answer has. */
import assert from 'node:assert/strict'
import { about, inNamespace, rule } from '../case.ts'
import { answered, has, refused, says } from '../expected.ts'
import { configMap, lease, paths } from '../objects.ts'

const notFound = {
  code: 404,
  reason: 'NotFound',
  message: 'the server could not find the requested resource',
  details: {},
}

/** The rules. */
export const cases = about('read', [
  inNamespace('an object that is there is given as it was answered when written', async (api, ns) => {
    const made = answered(await api.post(paths.configMaps(ns), configMap('a', { k: 'v' })), 201)
    assert.deepEqual(answered(await api.get(paths.configMaps(ns, 'a')), 200), made)
  }),
  inNamespace('an object that is not there is a 404 that names it', async (api, ns) => {
    refused(await api.get(paths.leases(ns, 'a')), {
      code: 404,
      reason: 'NotFound',
      message: 'leases.coordination.k8s.io "a" not found',
      details: { name: 'a', group: 'coordination.k8s.io', kind: 'leases' },
    })
  }),
  rule('an object in a namespace that is not there is the same 404', async (api) => {
    refused(await api.get(paths.configMaps(api.name('missing'), 'a')), {
      code: 404,
      reason: 'NotFound',
      message: 'configmaps "a" not found',
      details: { name: 'a', kind: 'configmaps' },
    })
  }),
  inNamespace('a resource that is not served is a 404 that names nothing', async (api, ns) => {
    const answer = await api.get(`/api/v1/namespaces/${ns}/nothings`)
    refused(answer, notFound)
  }),
  rule('a group that is not served is a 404 in plain text', async (api) => {
    const answer = await api.get('/apis/nothing.example.com/v1/things')
    assert.equal(answer.status, 404)
    assert.equal(answer.text, '404 page not found\n')
    assert.match(String(answer.headers['content-type']), /^text\/plain/)
  }),
  rule('a path that leads nowhere is a 404 Status or list of paths, never 200', async (api) => {
    assert.equal((await api.get('/nowhere')).status, 404)
  }),
  rule('a namespace reads itself', async (api) => {
    const ns = await api.namespace({ tier: 'prod' })
    has(answered(await api.get(`/api/v1/namespaces/${ns}`), 200), {
      kind: 'Namespace',
      metadata: { name: ns, labels: { tier: 'prod', 'kubernetes.io/metadata.name': ns } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    })
  }),
  inNamespace('resourceVersion 0 is any version, the newest too', async (api, ns) => {
    const made = answered(await api.post(paths.leases(ns), lease('a')), 201)
    await api.eventually(async () => {
      const read = answered(await api.get(paths.leases(ns, 'a'), { resourceVersion: '0' }), 200)
      assert.equal(read.metadata.resourceVersion, made.metadata.resourceVersion)
    })
  }),
  inNamespace('a resourceVersion that is no number is a failure of 500', async (api, ns) => {
    answered(await api.post(paths.leases(ns), lease('a')), 201)
    refused(await api.get(paths.leases(ns, 'a'), { resourceVersion: 'x' }), {
      code: 500,
      message: 'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax',
    })
  }),
  rule('every answer carries an audit id and may not be cached', async (api) => {
    const { headers } = await api.get('/api/v1/namespaces/kube-system')
    assert.match(String(headers['audit-id']), /^[0-9a-f-]{36}$/)
    assert.equal(headers['cache-control'], 'no-cache, private')
    assert.equal(headers['content-type'], 'application/json')
  }),
  rule('an Accept that is not to be had is a 406 that lists what is', async (api) => {
    const answer = await api.request('GET', '/api/v1/namespaces', { accept: 'text/html' })
    says(answer, 406, [
      'NotAcceptable',
      /^406: Not Acceptable\n\nAvailable representations: application\/json, /,
    ])
  }),
  rule('an Accept of everything is JSON', async (api) => {
    const answer = await api.request('GET', '/api/v1/namespaces/kube-system', { accept: '*/*' })
    has(answered(answer, 200), { kind: 'Namespace' })
  }),
  rule('pretty is indented by two', async (api) => {
    const { text } = await api.get('/api/v1/namespaces/kube-system', { pretty: 'true' })
    assert.match(text, /^\{\n {2}"kind": "Namespace",\n/)
  }),
  rule('HEAD is a 405', async (api) => {
    const answer = await api.request('HEAD', '/api/v1/namespaces/kube-system')
    assert.equal(answer.status, 405)
  }),
  rule('kube-system has a uid, which names the cluster', async (api) => {
    const { metadata } = answered(await api.get('/api/v1/namespaces/kube-system'), 200)
    assert.match(metadata.uid, /^[0-9a-f-]{36}$/)
  }),
])
