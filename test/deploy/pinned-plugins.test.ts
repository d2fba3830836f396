/** The option pinned-plugins on the sandbox's API server; test/e2e/pinned-plugins.test.ts asks a real one the same. */
import t from 'tap'
import { startApiServer } from '../../src/sandbox/apiserver/server.ts'
import { callerOf } from '../support/asking.ts'
import { pinnedPluginsSuite } from './pinned-plugins-suite.ts'

t.test('the option pinned-plugins', async (t) => {
  const api = await startApiServer({ users: [] })
  t.teardown(() => api.stop())
  const call = callerOf(t, api)
  const ask = (method: string, path: string, body?: unknown) => call(method, path, { body })
  await ask('POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'velero' },
  })
  await pinnedPluginsSuite(t, ask, 'velero')

  t.test('broken glass switches it off', async (t) => {
    const off = { metadata: { labels: { 'tidewaiter.io/gate': 'off' } } }
    const patched = await call('PATCH', '/api/v1/namespaces/velero', {
      body: off,
      type: 'application/merge-patch+json',
    })
    t.equal(patched.status, 200)
    const { body } = await call('GET', '/apis/apps/v1/namespaces/velero/deployments/velero-0')
    const { template } = body.spec
    const spec = {
      ...template.spec,
      initContainers: [
        { name: 'x', image: 'x:1', volumeMounts: [{ name: 'plugins', mountPath: '/target' }] },
      ],
    }
    const answer = await ask('PUT', '/apis/apps/v1/namespaces/velero/deployments/velero-0', {
      ...body,
      spec: { ...body.spec, template: { ...template, spec } },
    })
    t.equal(answer.status, 200, JSON.stringify(answer.body))
  })
})
