/**
 * The guard lets a real Velero do all it does: Backup, hold and release, Restore, Schedule, sync, deletion. Takes about two minutes,
 * for a Schedule is due and a storage location is synced once a minute; three and a half on a slow machine.
 * TIDEWAITER_E2E_KUBECONFIG: an administrator of a cluster where Velero runs in the namespace velero, and no tidewaiter: its records
 * would be refused by a second guard with other accounts.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { guardCanaryName, guardOf } from '../../src/core/guard.ts'
import { type Loose, addressOf, must, pathOf, startClient } from './guard-client.ts'

const kubeconfig = process.env['TIDEWAITER_E2E_KUBECONFIG']
if (kubeconfig === undefined) {
  t.pass('skipped', { skip: 'TIDEWAITER_E2E_KUBECONFIG names no API server' })
  process.exit(0)
}
const { call, stop } = await startClient(kubeconfig)
t.teardown(stop)
t.setTimeout(690_000)

const namespace = 'velero'
const mark = `guard-${process.pid}`
const velero = (
  kind: string,
  [name, annotations = {}]: readonly [string, unknown?],
  spec: unknown,
): Loose => ({
  apiVersion: 'velero.io/v1',
  kind,
  metadata: { name, namespace, annotations },
  spec,
})
const create = async (object: Loose): Promise<Loose> =>
  (await must(call('POST', pathOf(object), { body: object }))).body
const read = async (object: Loose): Promise<Loose> => (await must(call('GET', addressOf(object)), [404])).body
const patch = (object: Loose, body: unknown) => must(call('PATCH', addressOf(object), { body }))

/** Reads until it is as wanted; the last that was read otherwise. */
async function until(
  what: () => Promise<Loose>,
  good: (value: Loose) => boolean,
  seconds: number,
): Promise<Loose> {
  let value = await what()
  for (const end = Date.now() + seconds * 1000; !good(value) && Date.now() < end; value = await what())
    await sleep(250)
  return value
}
const phaseOf = (value: Loose): string => value?.status?.phase ?? ''
const ended = (value: Loose) =>
  ['Completed', 'PartiallyFailed', 'Failed', 'FailedValidation'].includes(phaseOf(value))
// Velero may look at a queued Backup only a minute after its turn came.
const soon = 130
const onlyConfigMaps = { includedNamespaces: [mark], includedResources: ['configmaps'], ttl: '1h' }

const guard = guardOf({ name: mark, namespaces: [namespace], accounts: [] })
const canary = velero('Backup', [guardCanaryName], {})
t.before(async () => {
  await create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: mark } })
  await create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'cargo', namespace: mark },
    data: { a: 'b' },
  })
  for (const one of guard) await create(one)
  const denied = await until(
    () => call('POST', `${pathOf(canary)}?dryRun=All`, { body: canary }),
    ({ status }) => status === 403,
    60,
  )
  t.equal(denied.status, 403)
})
t.teardown(async () => {
  for (const one of guard) await call('DELETE', addressOf(one))
  await call('DELETE', `/api/v1/namespaces/${mark}`)
})

const schedule = velero('Schedule', [mark, { 'example.org/of': 'schedule' }], {
  schedule: '* * * * *',
  template: onlyConfigMaps,
})
const backup = velero('Backup', [`${mark}-b`], onlyConfigMaps)
const list = async () =>
  (await must(call('GET', `${pathOf(backup)}?labelSelector=velero.io/schedule-name=${mark}`))).body.items

t.test('a Schedule is accepted', async () => {
  await create(schedule)
})

t.test('a Backup runs to its end', async (t) => {
  await create(backup)
  t.equal(phaseOf(await until(() => read(backup), ended, soon)), 'Completed')
})

t.test('a held Backup waits, and runs when the hold is lifted', async (t) => {
  const held = velero('Backup', [`${mark}-held`, { 'tidewaiter.io/hold': '{}' }], onlyConfigMaps)
  await must(
    call('POST', pathOf(held), {
      as: 'system:serviceaccount:velero:velero',
      body: { ...held, status: { phase: 'New' } },
    }),
  )
  await sleep(3000)
  t.equal(phaseOf(await read(held)), 'New')
  await patch(held, { metadata: { annotations: { 'tidewaiter.io/hold': null } } })
  t.equal(phaseOf(await until(() => read(held), ended, soon)), 'Completed')
})

t.test('a Restore runs to its end', async (t) => {
  const restore = velero('Restore', [`${mark}-r`], {
    backupName: backup.metadata.name,
    namespaceMapping: { [mark]: `${mark}-2` },
  })
  await create(restore)
  t.match(phaseOf(await until(() => read(restore), ended, soon)), /^(Completed|PartiallyFailed)$/)
  t.match(
    await read({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cargo', namespace: `${mark}-2` } }),
    { data: { a: 'b' } },
  )
  await call('DELETE', `/api/v1/namespaces/${mark}-2`)
})

// Velero looks at both once a minute, side by side. A Schedule is due a minute after it was made. A location is passed over where its last
// sync ended less than a minute ago (pkg/controller/backup_sync_controller.go, locationFilterFunc), so that two minutes may lie between.
t.jobs = 2
const lookedAt = 200
const sideBySide = { timeout: (lookedAt + 20) * 1000, buffered: true }

t.test('the Schedule makes Backups that run', sideBySide, async (t) => {
  const made = (await until(list, (items) => items.some(ended), lookedAt)).find(ended)
  t.equal(phaseOf(made), 'Completed')
  t.match(made.metadata.annotations, { 'example.org/of': 'schedule' })
  await call('DELETE', addressOf(schedule))
})

t.test('a Backup whose object is gone comes back from the storage location', sideBySide, async (t) => {
  await patch(backup, { metadata: { annotations: { 'example.org/kept': 'no' } } })
  await call('DELETE', addressOf(backup))
  t.equal(phaseOf(await until(() => read(backup), ended, lookedAt)), 'Completed')
})

// Velero may count a Backup as in hand after its finalizer has ended it (pkg/controller/backup_controller.go, AddPostProcessing), until it restarts.
const isVelerosOwn = (error: string): boolean => error.includes('backup is still in progress')

t.test('Velero deletes Backups', async (t) => {
  let gone = 0
  for (const name of [
    backup.metadata.name,
    `${mark}-held`,
    ...(await list()).map((one: Loose) => one.metadata.name),
  ]) {
    const object = velero('Backup', [name], {})
    const { metadata } = await read(object)
    const request = velero('DeleteBackupRequest', [name], { backupName: name })
    const labels = { 'velero.io/backup-name': name, 'velero.io/backup-uid': metadata.uid }
    await create({ ...request, metadata: { ...request.metadata, labels } })
    // Velero's sync may have read the storage before the files went: then the object is there once more, for a minute.
    const left = await until(
      async () => ({ ...(await read(object)), told: (await read(request)).status?.errors ?? [] }),
      ({ code, told }) => code === 404 || told.some(isVelerosOwn),
      150,
    )
    if (left.code === 404) gone += 1
    else t.ok(left.told.some(isVelerosOwn), `${name}: ${JSON.stringify(left.told)}`)
  }
  t.ok(gone > 0, 'Velero can delete what the guard guards')
})
