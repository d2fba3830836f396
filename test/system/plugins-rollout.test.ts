/** From a declared plugin to a Velero that runs with it: the service checks and puts it in, the command rolls it out. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { crdOf } from '../../src/api/crd.ts'
import { kinds } from '../../src/api/kinds.ts'
import { parseConfig } from '../../src/config.ts'
import { startCluster } from '../../src/sandbox/start.ts'
import { startService } from '../../src/service.ts'
import { systemClock } from '../../src/system-clock.ts'
import { callerOf, eventually, type Loose } from '../support/asking.ts'
import { cli } from '../support/cli.ts'
import { FakeLog } from '../support/fake-log.ts'
import { freePort } from '../support/free-port.ts'
import { fakeCa, serveRegistry } from '../support/fake-registry.ts'
import { fastClock } from '../support/fast-clock.ts'
import { aVeleroPlugin, deploymentPath } from '../support/velero-cluster.ts'

t.test('a declared plugin is checked, waits, is rolled out, and Velero runs with it', async (t) => {
  const users = [{ name: 'tidewaiter', token: 'token-of-tidewaiter', groups: ['system:masters'] }]
  const cluster = await startCluster({ users, objects: kinds.map(crdOf) })
  t.teardown(() => cluster.stop())
  const call = callerOf(t, cluster.api)
  const registry = await serveRegistry(t, '127.0.0.1')
  const digest = registry.push('acme/plugin', 'v1')
  cluster.api.seed([
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'a' },
      status: { nodeInfo: { operatingSystem: 'linux', architecture: 'amd64' } },
    },
  ])
  const folder = t.testdir({
    'registries.yaml': `registries: [{ registry: '${registry.host}', ca: ${JSON.stringify(fakeCa)} }]\n`,
  })
  const kubeconfig = join(folder, 'kubeconfig')
  writeFileSync(kubeconfig, cluster.api.kubeconfig('tidewaiter', 'velero'))
  const port = await freePort()
  const flags = {
    kubeconfig,
    listen: `127.0.0.1:${port}`,
    'metrics-listen': '127.0.0.1:0',
    'webhook-url': `https://127.0.0.1:${port}`,
    registries: join(folder, 'registries.yaml'),
  }
  const service = await startService(parseConfig(flags, { VELERO_PLUGINS_ENABLED: 'true' }), {
    clock: systemClock,
    log: new FakeLog(),
    env: {},
    version: '0.0.0-test',
    hostname: 'test',
  })
  t.teardown(() => service.stop())
  await eventually('the service is ready', () => service.ready() || undefined)

  const { status: _, ...declared } = aVeleroPlugin('acme', `${registry.host}/acme/plugin:v1`)
  const path = '/apis/tidewaiter.io/v1beta1/namespaces/velero/veleroplugins'
  t.equal((await call('POST', path, { body: declared })).status, 201)
  const waits = await eventually('it waits', async () => {
    const { out } = await cli(['plugins', 'list', '--kubeconfig', kubeconfig])
    return out.includes('WaitsForRollout') ? out : undefined
  })
  t.match(waits, /acme +\S+ +True +False +(False|Unknown) +WaitsForRollout/)

  const kubelet = (async () => {
    const read = async (): Promise<Loose> => (await call('GET', deploymentPath)).body
    const { metadata } = await eventually('Velero is restarted', async () => {
      const found = await read()
      return JSON.stringify(found.spec.template).includes('restartedAt') ? found : undefined
    })
    const status = {
      observedGeneration: metadata.generation,
      replicas: 1,
      updatedReplicas: 1,
      availableReplicas: 1,
    }
    await call('PATCH', `${deploymentPath}/status`, {
      body: { status },
      type: 'application/merge-patch+json',
    })
  })()
  const args = ['plugins', 'rollout', '--yes', '--kubeconfig', kubeconfig]
  const [said] = await Promise.all([cli(args, { clock: fastClock(10) }), kubelet])
  t.equal(said.code, 0, said.err)
  t.equal(said.out, 'Velero runs with acme\n')
  t.match(said.err, `${registry.host}/acme/plugin:v1@${digest}`)
  const again = await cli(args)
  t.match(again, { code: 0, out: 'nothing waits for a rollout: Velero was not restarted\n' })
})
