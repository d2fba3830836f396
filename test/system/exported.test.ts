/** Outputs that travel: two clusters with one bucket, each with the whole service. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ObjectStore } from '../../src/sandbox/velero/object-store.ts'
import { eventually, pathOf, type Loose } from '../support/asking.ts'
import { startCluster, type System } from '../support/cluster.ts'
import { act, action, backup, create, ended } from '../support/scenes.ts'
import { whenThorough } from '../support/runs.ts'

const folder = t.testdir()
const annotation = 'tidewaiter.io/outputs'
const exporting = (given: Loose = {}) =>
  action('10-freeze', { outputs: [{ name: 'lsn', expression: 'response.body.lsn', export: true }], ...given })
const restore = (name: string, spec: Loose): Loose => ({
  apiVersion: 'velero.io/v1',
  kind: 'Restore',
  metadata: { name, namespace: 'velero' },
  spec,
})
/** A Restore's action that says where to begin. */
const replaying = (system: System, stage = 'PreRestore') =>
  action(stage === 'PreRestore' ? '10-replay' : '90-report', {
    stage,
    http: { url: `${system.hooks.url}/replay/\${exported['10-freeze'].lsn}` },
  })

/** The keys that a cluster has published. */
const published = async ({ call }: System): Promise<string> =>
  eventually('its keys are published', async () => {
    const labelled = 'labelSelector=tidewaiter.io%2Fpublishes%3Dkeys'
    const { body } = await call('GET', `/api/v1/namespaces/velero/configmaps?${labelled}`)
    return body.items[0]?.data['jwks.json']
  })

const restored = (system: System, name: string, phase: string): Promise<Loose> =>
  eventually(`Restore ${name} is ${phase}`, () => {
    const found = system.api.read('velero.io/restores', 'velero', name) as Loose
    return found?.status?.phase === phase ? found : undefined
  })

const velero = (store: ObjectStore) => ({ store, settings: { syncMs: 200 } })
const read = (system: System, name: string) => system.api.read('velero.io/backups', 'velero', name) as Loose

/** A cluster that trusts these keys, with the Backups of the bucket in it. */
async function startOther(
  t: Test,
  store: ObjectStore,
  keys: string,
): Promise<System & { readonly file: string }> {
  const file = join(folder, 'keys.json')
  writeFileSync(file, keys)
  return { ...(await startCluster(t, { velero: velero(store), flags: { 'trusted-keys': file } })), file }
}

t.test(
  'a Restore in another cluster calls with what the Backup exported, if it trusts the key',
  async (t) => {
    const store = new ObjectStore()
    const a = await startCluster(t, { velero: velero(store) })
    a.hooks.behave('/10-freeze', { body: { lsn: '0/16B' } })
    await act(a, exporting())
    const { status, warnings } = await create(
      a,
      backup('b1', { metadata: { labels: { 'velero.io/schedule-name': 'nightly' } } }),
    )
    t.equal(status, 201)
    t.match(JSON.stringify(warnings), /held: 10-freeze exports outputs/)
    await ended(a, 'b1')
    const keys = await published(a)
    const b = await startOther(t, store, keys)
    await eventually('the Backup came over', () => read(b, 'b1'))
    t.not(read(b, 'b1')?.metadata.uid, read(a, 'b1')?.metadata.uid)
    t.equal(read(b, 'b1')?.metadata.annotations[annotation], read(a, 'b1')?.metadata.annotations[annotation])
    await act(b, replaying(b), replaying(b, 'PostRestore'))
    const made = await b.call('POST', pathOf('restores'), { body: restore('r1', { backupName: 'b1' }) })
    t.equal(made.status, 201, made.body.message)
    await restored(b, 'r1', 'Completed')
    await b.hooks.called('/replay/0%2F16B', 2)

    await t.test('and refuses what was signed by a key that it trusts no more', async (t) => {
      writeFileSync(b.file, await published(b))
      const refused = await b.call('POST', pathOf('restores'), { body: restore('r2', { backupName: 'b1' }) })
      t.equal(refused.status, 403)
      t.match(
        refused.body.message,
        /"10-replay" failed.*outputs of Backup b1 may not be used: the key .* is not trusted here/,
      )
      t.equal(b.hooks.calls().length, 2, 'and calls nobody')
      writeFileSync(b.file, keys)
    })

    await t.test('and refuses the outputs of another Backup, put on it in the bucket', async (t) => {
      const stored = JSON.parse(store.get('backups/b1/velero-backup.json')?.toString() ?? '')
      stored.metadata.name = 'b2'
      store.put('backups/b2/velero-backup.json', JSON.stringify(stored))
      await eventually('the forged Backup came over', () => read(b, 'b2'))
      const refused = await b.call('POST', pathOf('restores'), { body: restore('r3', { backupName: 'b2' }) })
      t.match(refused.body.message, /are of another Backup \(b1/)
    })

    await t.test('and in its own cluster a Restore of its Schedule sees them, by its own key', async (t) => {
      await act(a, replaying(a))
      const made = await a.call('POST', pathOf('restores'), {
        body: restore('r1', { scheduleName: 'nightly' }),
      })
      t.equal(made.status, 201)
      await a.hooks.called('/replay/0%2F16B')
    })
  },
)

t.test(
  'outputs beyond 4 KiB fail the action that exports them: it is undone, and nothing starts',
  whenThorough,
  async (t) => {
    const system = await startCluster(t)
    system.hooks.behave('/10-freeze', { body: { lsn: 'x'.repeat(5000) } })
    await act(system, exporting({ undo: { http: { url: `${system.hooks.url}/thaw` } } }))
    await create(system, backup('b1'))
    const { status, metadata } = await ended(system, 'b1', 'FailedValidation')
    t.match(status.validationErrors, [
      /at most 4096 bytes of JSON in all, got \d+ \(10-freeze\.lsn has 5002\)/,
    ])
    t.equal(metadata.annotations[annotation], undefined)
    await system.hooks.called('/thaw')
  },
)

t.test('a Backup whose hold is lifted by hand exports nothing, and is told', whenThorough, async (t) => {
  const system = await startCluster(t, { speed: 4 })
  const { promise, resolve } = Promise.withResolvers<void>()
  t.teardown(resolve)
  system.hooks.behave('/10-freeze', { after: promise })
  await act(system, exporting({ timeoutSeconds: 600 }))
  await create(system, backup('b1'))
  await system.hooks.called('/10-freeze')
  await system.call('PATCH', pathOf('backups', 'b1'), {
    body: { metadata: { annotations: { 'tidewaiter.io/hold': null } } },
    type: 'application/merge-patch+json',
  })
  const { metadata } = await ended(system, 'b1')
  t.equal(metadata.annotations[annotation], undefined)
  await eventually('an Event tells', async () => {
    const { body } = await system.call('GET', '/api/v1/namespaces/velero/events')
    return (
      JSON.stringify(body).includes('its outputs were not exported, because its hold was lifted by hand') ||
      undefined
    )
  })
  const forged = await system.call('PATCH', pathOf('backups', 'b1'), {
    body: { metadata: { annotations: { [annotation]: 'mine' } } },
    type: 'application/merge-patch+json',
    as: 'alice',
  })
  t.match(forged.body.message, /the annotations tidewaiter.io\/outputs are written by tidewaiter only/)
})
