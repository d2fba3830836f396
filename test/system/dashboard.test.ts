/** The dashboard as a process of its own, with the rights of its manifest and nothing else: who may see what. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parseAllDocuments } from 'yaml'
import { parseConfig } from '../../src/config.ts'
import { startService } from '../../src/service.ts'
import { systemClock } from '../../src/system-clock.ts'
import { eventually, pathOf } from '../support/asking.ts'
import { startCluster, type System } from '../support/cluster.ts'
import { FakeLog } from '../support/fake-log.ts'

const manifest = parseAllDocuments(readFileSync('deploy/components/dashboard/rbac.yaml', 'utf8')).map(
  (document) => document.toJSON() as unknown,
)
const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'tidewaiter' } }
const viewer = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'viewer', namespace: 'velero' } }

/** A token of a service account, for an audience. */
async function tokenOf(system: System, path: string, audiences: readonly string[]): Promise<string> {
  const { body } = await system.call('POST', `/api/v1/namespaces/${path}/token`, {
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences, expirationSeconds: 600 },
    },
  })
  return body.status.token
}

async function startDashboard(t: Test, system: System) {
  const kubeconfig = join(t.testdir(), 'kubeconfig')
  const own = await tokenOf(system, 'tidewaiter/serviceaccounts/tidewaiter-dashboard', [])
  const text = system.api.kubeconfig('admin', 'velero')
  writeFileSync(kubeconfig, text.replace(system.api.token('admin'), own))
  const flags = {
    kubeconfig,
    roles: 'dashboard',
    'metrics-listen': '127.0.0.1:0',
    'dashboard-listen': '127.0.0.1:0',
  }
  const log = new FakeLog()
  const outside = { clock: systemClock, log, env: {}, version: '0.0.0-test', hostname: 'test' }
  const service = await startService(parseConfig(flags, {}), outside)
  t.teardown(() => service.stop())
  await eventually('the dashboard is ready', () => service.ready() || undefined)
  const url = `http://127.0.0.1:${service.ports.dashboard}`
  const get = (path: string, token: string) =>
    fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` }, redirect: 'manual' })
  return { get, log, url }
}

t.test('with the rights of its manifest it shows what each user may list, and nothing else', async (t) => {
  const system = await startCluster(t, { objects: [namespace, viewer, ...manifest] })
  const { get, log, url } = await startDashboard(t, system)
  await system.call('POST', pathOf('backups'), {
    body: {
      apiVersion: 'velero.io/v1',
      kind: 'Backup',
      metadata: { name: 'monday', namespace: 'velero' },
      spec: {},
    },
  })
  const token = await tokenOf(system, 'velero/serviceaccounts/viewer', ['tidewaiter'])
  const forApiServer = await tokenOf(system, 'velero/serviceaccounts/viewer', [])
  const forOthers = await tokenOf(system, 'velero/serviceaccounts/viewer', ['vault'])
  for (const bad of [forApiServer, forOthers, 'made-up'])
    t.equal((await get('/decisions', bad)).status, 303, 'to the sign-in')

  const refused = await get('/decisions', token)
  t.equal(refused.status, 403)
  t.match(await refused.text(), '--clusterrole=tidewaiter-viewer --serviceaccount=velero:viewer -n velero')

  await grant(system)
  await eventually(
    'the right is seen',
    async () => (await get('/decisions', token)).status === 200 || undefined,
    { seconds: 15 },
  )
  await eventually(
    'the decision is there',
    async () => (await (await get('/decisions', token)).text()).includes('Backup velero/monday') || undefined,
  )
  t.equal((await get('/backups', token)).status, 403, 'what was not granted stays closed')

  t.equal((await fetch(`${url}/`, { redirect: 'manual' })).status, 303, 'nobody sees nothing')
  const noise = log.lines.filter((line) => !line.startsWith('info'))
  t.same(noise, [], 'it lacks no right')
  t.notMatch(JSON.stringify(log.entries), token)
})

const grant = (system: System) =>
  Promise.all([
    system.call('POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/velero/roles', {
      body: {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'Role',
        metadata: { name: 'sees-decisions', namespace: 'velero' },
        rules: [{ apiGroups: ['tidewaiter.io'], resources: ['admissiondecisions'], verbs: ['list'] }],
      },
    }),
    system.call('POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/velero/rolebindings', {
      body: {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name: 'sees-decisions', namespace: 'velero' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'sees-decisions' },
        subjects: [{ kind: 'ServiceAccount', name: 'viewer', namespace: 'velero' }],
      },
    }),
  ])
