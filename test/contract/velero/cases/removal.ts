/** How Backups go: on request, when they expire, and when the bucket does not have them. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { about, rule } from '../case.ts'
import { ended, phaseOf, type Velero } from '../velero.ts'

const request = (velero: Velero, backupName: string) =>
  velero.make('deletebackuprequests', {
    labels: { 'velero.io/backup-name': backupName },
    spec: { backupName },
  })

const mostRequests = 60
const pauseMs = 500

/**
 * Asks until Velero takes the request. It refuses one without having tried while it counts the Backup as one that runs, which it may do
 * for a moment after it has ended, and while it does not find the location well.
 */
async function taken(velero: Velero, backupName: string): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    const { metadata } = await request(velero, backupName)
    const seen = await velero.until(
      'deletebackuprequests',
      metadata.name,
      (one) => one === undefined || phaseOf(one) === 'InProgress' || phaseOf(one) === 'Processed',
    )
    const errors: readonly string[] = seen?.status?.errors ?? []
    if (errors.length === 0) return metadata.name
    if (tries === mostRequests) throw new Error(`refused ${tries} times: ${errors.join('; ')}`)
    await sleep(pauseMs)
  }
}

/** What Velero answers to a request that it does not fulfil. */
async function refusedWith(velero: Velero, backupName: string): Promise<readonly string[]> {
  const { metadata } = await request(velero, backupName)
  const done = await velero.until(
    'deletebackuprequests',
    metadata.name,
    (one) => phaseOf(one) === 'Processed',
  )
  return done.status.errors
}

const longGone = '2001-01-01T00:00:00Z'

/** The rules. */
export const cases = about('removal', [
  rule(
    'a DeleteBackupRequest takes Backup, Restores and itself; the Backup is Deleting meanwhile',
    async (velero) => {
      const { name } = await velero.voyage('backups', { spec: (await velero.cargo()).spec })
      const restore = await velero.voyage('restores', { spec: { backupName: name } })
      const watch = await velero.watch('backups', {
        fieldSelector: `metadata.name=${name}`,
      })
      const asked = await taken(velero, name)
      const { object } = await watch.until(
        ({ type, object }) => type === 'DELETED' || phaseOf(object) === 'Deleting',
        60_000,
      )
      assert.equal(phaseOf(object), 'Deleting')
      await velero.until('backups', name, (one) => one === undefined)
      await velero.until('restores', restore.name, (one) => one === undefined)
      await velero.until('deletebackuprequests', asked, (one) => one === undefined)
      await synced(velero)
      assert.equal(await velero.read('backups', name), undefined, 'it came back')
    },
  ),
  rule('a request for what is not there says so', async (velero) => {
    assert.deepEqual(await refusedWith(velero, velero.name('none')), [
      'backup deletion failed: backup not found',
    ])
  }),
  rule('a request without a name says so', async (velero) => {
    const { metadata } = await velero.make('deletebackuprequests', { spec: { backupName: '' } })
    const done = await velero.until(
      'deletebackuprequests',
      metadata.name,
      (one) => phaseOf(one) === 'Processed',
    )
    assert.deepEqual(done.status.errors, ['backup deletion failed: spec.backupName is required'])
  }),
  rule('a Backup whose location is not known is not deleted on request', async (velero) => {
    const { metadata } = await velero.make('backups', { status: { phase: 'FailedValidation' } })
    assert.deepEqual(await refusedWith(velero, metadata.name), [
      'backup deletion failed: backup storage location  not found',
    ])
    assert.equal(phaseOf(await velero.read('backups', metadata.name)), 'FailedValidation')
  }),
  rule('a second request for the same Backup takes the place of the first', async (velero) => {
    const backupName = velero.name('none')
    const { metadata } = await request(velero, backupName)
    await velero.until('deletebackuprequests', metadata.name, (one) => phaseOf(one) === 'Processed')
    await request(velero, backupName)
    await velero.until('deletebackuprequests', metadata.name, (one) => one === undefined)
  }),
  rule('an expired Backup is deleted by a request of Velero’s own', async (velero) => {
    const { spec } = await velero.cargo()
    const labelled = velero.name('v')
    const watch = await velero.watch('deletebackuprequests', {
      labelSelector: `velero.io/backup-name=${labelled}`,
    })
    const made = await velero.voyage('backups', { name: labelled, spec: { ...spec, ttl: '1s' } })
    const asked = await watch.next(45_000)
    assert.equal(asked?.type, 'ADDED')
    assert.deepEqual(asked?.object.spec, { backupName: labelled })
    assert.equal(asked?.object.metadata.labels['velero.io/backup-uid'], made.last.metadata.uid)
    assert.match(asked?.object.metadata.name, new RegExp(`^${labelled}-`))
    await velero.until('backups', labelled, (one) => one === undefined)
  }),
  rule('an expired one that was refused goes too', async (velero) => {
    const { metadata } = await velero.make('backups', {
      spec: { storageLocation: 'default' },
      status: { phase: 'FailedValidation', expiration: longGone },
    })
    await velero.until('backups', metadata.name, (one) => one === undefined)
  }),
  rule('an expired one whose location is not there stays, with a label that says why', async (velero) => {
    const { metadata } = await velero.make('backups', {
      status: { phase: 'FailedValidation', expiration: longGone },
    })
    const kept = await velero.until(
      'backups',
      metadata.name,
      (one) => one.metadata.labels?.['velero.io/gc-failure'] !== undefined,
    )
    assert.equal(kept.metadata.labels['velero.io/gc-failure'], 'BSLNotFound')
  }),
  rule('one without an expiration stays', async (velero) => {
    const { metadata } = await velero.make('backups', {
      spec: { storageLocation: 'default' },
      status: { phase: 'FailedValidation' },
    })
    const other = await velero.make('backups', {
      spec: { storageLocation: 'default' },
      status: { phase: 'FailedValidation', expiration: longGone },
    })
    await velero.until('backups', other.metadata.name, (one) => one === undefined)
    assert.equal(phaseOf(await velero.read('backups', metadata.name)), 'FailedValidation')
  }),
  rule('a Backup that is in the bucket comes back, finished, as another object', async (velero) => {
    const { name, last } = await velero.voyage('backups', {
      spec: (await velero.cargo()).spec,
      annotations: { 'example.org/note': 'kept' },
    })
    await velero.remove('backups', name)
    const back = await velero.until('backups', name, (one) => one !== undefined)
    assert.notEqual(back.metadata.uid, last.metadata.uid)
    assert.equal(phaseOf(back), 'Completed')
    for (const field of ['startTimestamp', 'completionTimestamp', 'expiration', 'progress'])
      assert.deepEqual(back.status[field], last.status[field], field)
    assert.deepEqual(back.metadata.labels, last.metadata.labels)
    assert.equal(back.metadata.annotations['example.org/note'], 'kept')
    assert.deepEqual(back.spec.includedNamespaces, last.spec.includedNamespaces)
  }),
  rule('a finished one that the bucket does not have goes; one that Failed stays', async (velero) => {
    const labels = { 'velero.io/storage-location': 'default' }
    const make = async (phase: string): Promise<string> =>
      (await velero.make('backups', { labels, spec: { storageLocation: 'default' }, status: { phase } }))
        .metadata.name
    const [good, partly, bad] = [await make('Completed'), await make('PartiallyFailed'), await make('Failed')]
    await velero.until('backups', good, (one) => one === undefined)
    await velero.until('backups', partly, (one) => one === undefined)
    assert.ok(ended(await velero.read('backups', bad)))
  }),
])

/** Waits until the location was synced once more. */
async function synced(velero: Velero): Promise<void> {
  const { status } = await velero.read('backupstoragelocations', 'default')
  await velero.until(
    'backupstoragelocations',
    'default',
    (one) => one.status.lastSyncedTime !== status.lastSyncedTime,
  )
}
