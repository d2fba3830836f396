/** examples/quiesce-by-scale as it stands, on the whole service: scaled to 0, waited for, backed up, and back again. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parseAllDocuments } from 'yaml'
import { eventually, pathOf, type Loose } from '../support/asking.ts'
import { startCluster, type System } from '../support/cluster.ts'
import { projectRoot } from '../support/generate.ts'
import { accepted, backup, create, ended, runs } from '../support/scenes.ts'
import { whenThorough } from '../support/runs.ts'

const documentsOf = (file: string): Loose[] =>
  parseAllDocuments(readFileSync(join(projectRoot, 'examples/quiesce-by-scale', file), 'utf8')).map((one) =>
    one.toJS(),
  )

const pods = '/api/v1/namespaces/shop/pods'
const template = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'c', image: 'c' }] },
}

const replicas = (system: System): number =>
  (system.api.read('apps/deployments', 'shop', 'web') as Loose).spec.replicas

async function startShop(test: Test): Promise<System> {
  const system = await startCluster(test, { speed: 12 })
  system.api.seed([
    ...documentsOf('account.yaml'),
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'shop' },
      spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web-1', namespace: 'shop', labels: { app: 'web' } },
      spec: template.spec,
    },
  ])
  const actions = documentsOf('actions.yaml')
  for (const body of actions) {
    const { status, body: said } = await system.call('POST', pathOf('actions'), { body })
    if (status !== 201) throw new Error(`${status} ${said.message}`)
  }
  for (const { metadata } of actions) await accepted(system, metadata.name)
  return system
}

t.test('the shop is stopped, waited for, backed up, and started again', async (t) => {
  const system = await startShop(t)
  t.equal((await create(system, backup('b1'))).status, 201)
  await eventually('it is scaled to 0', () => replicas(system) === 0 || undefined)
  await eventually('it waits for the pods', async () => {
    const [run] = await runs(system, 'PreBackup')
    return run?.status?.actions?.[1]?.phase === 'Running' || undefined
  })
  t.match(system.api.read('velero.io/backups', 'velero', 'b1'), { status: { phase: 'New' } })
  await system.call('DELETE', `${pods}/web-1?gracePeriodSeconds=0`)
  await ended(system, 'b1')
  const before = await eventually('it is undone', async () => {
    const [run] = await runs(system, 'PreBackup')
    return run?.status?.phase === 'Undone' ? run : undefined
  })
  t.equal(replicas(system), 3)
  t.match(before.status.actions, [
    {
      phase: 'Succeeded',
      message: 'scale apps/v1 Deployment shop/web to 0: web from 3 to 0',
      before: { replicas: 0, objects: [{ name: 'web', replicas: 3 }] },
      undo: { phase: 'Undone', message: 'scale apps/v1 Deployment shop/web back: web from 0 to 3' },
    },
    { phase: 'Succeeded', message: /^waited .* for v1 Pod shop\/\*\[app=web\] to be gone$/ },
  ])
})

t.test(
  'where the pods do not go in time the Backup fails, and the shop is started again',
  whenThorough,
  async (t) => {
    const system = await startShop(t)
    const wait = pathOf('actions', '20-wait-stopped')
    const body = { spec: { timeoutSeconds: 12 } }
    await system.call('PATCH', wait, { body, type: 'application/merge-patch+json' })
    await accepted(system, '20-wait-stopped')
    await create(system, backup('b1'))
    const { status } = await ended(system, 'b1', 'FailedValidation')
    t.match(status.validationErrors, [
      /still there: Pod shop\/web-1; the action had 12\.0 s \(timeoutSeconds\)/,
    ])
    await eventually('it has its replicas again', () => replicas(system) === 3 || undefined)
  },
)
