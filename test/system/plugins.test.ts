/** The webhooks about plugins on the sandbox's API server; test/e2e/plugins.test.ts asks a real one the same. */
import t from 'tap'
import { startApiServer } from '../../src/sandbox/apiserver/server.ts'
import { callerOf, type Loose } from '../support/asking.ts'
import { startCluster } from '../support/cluster.ts'
import { pluginsSuite } from './plugins-suite.ts'

t.test('plugins go into the Velero Deployment as it is written', async (t) => {
  const api = await startApiServer({})
  t.teardown(() => api.stop())
  const ask = callerOf(t, api)
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'velero' } }
  t.match(await ask('POST', '/api/v1/namespaces', { body: namespace }), { status: 201 })
  await pluginsSuite(t, ask, 'velero')
})

t.test('a service whose gate is off is asked too, and passes everything as it is', async (t) => {
  const system = await startCluster(t)
  const path = '/apis/apps/v1/namespaces/velero/deployments'
  const { body } = await system.call('GET', `${path}/velero`)
  const answer = await system.call('PUT', `${path}/velero`, { body: terminating(body, 7) })
  t.match(answer, { status: 200, warnings: [] })
  t.match(answer.body.spec.template, terminating(body, 7).spec.template)
  const [line] = system.logged().filter((one) => one.includes('"webhook":"deployments"'))
  t.match(line, /^info decision .*"verdict":"allowed","reason":"PluginsOff"/)
})

function terminating(deployment: Loose, seconds: number): Loose {
  const copy = structuredClone(deployment)
  copy.spec.template.spec.terminationGracePeriodSeconds = seconds
  return copy
}
