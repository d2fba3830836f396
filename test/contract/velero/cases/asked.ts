/** Storage locations, and what the velero CLI asks the server. */
import assert from 'node:assert/strict'
import { about, rule } from '../case.ts'
import { phaseOf } from '../velero.ts'

const noBucket = {
  provider: 'aws',
  objectStorage: { bucket: '' },
  // Where nobody listens: without it the plugin would ask the bucket's provider for real.
  config: { region: 'us-east-1', s3ForcePathStyle: 'true', s3Url: 'http://127.0.0.1:1' },
}

/** The rules. */
export const cases = about('asked', [
  rule('a location that can be read is Available, and says when that was seen', async (velero) => {
    const { status } = await velero.read('backupstoragelocations', 'default')
    assert.equal(status.phase, 'Available')
    await velero.until(
      'backupstoragelocations',
      'default',
      (one) => one.status.lastValidationTime !== undefined && one.status.lastSyncedTime !== undefined,
    )
  }),
  rule('a location without a bucket is Unavailable, with a message', async (velero) => {
    const { metadata } = await velero.make('backupstoragelocations', { spec: noBucket })
    const { status } = await velero.until(
      'backupstoragelocations',
      metadata.name,
      (one) => phaseOf(one) === 'Unavailable',
    )
    assert.match(status.message, new RegExp(`BackupStorageLocation "${metadata.name}" is unavailable`))
    await velero.remove('backupstoragelocations', metadata.name)
  }),
  rule('no Backup starts with a location that is Unavailable', async (velero) => {
    const { metadata } = await velero.make('backupstoragelocations', { spec: noBucket })
    await velero.until('backupstoragelocations', metadata.name, (one) => phaseOf(one) === 'Unavailable')
    const { last } = await velero.voyage('backups', { spec: { storageLocation: metadata.name } })
    assert.deepEqual(last.status.validationErrors, [
      `backup can't be created because BackupStorageLocation ${metadata.name} is in Unavailable status.`,
    ])
    await velero.remove('backupstoragelocations', metadata.name)
  }),
  rule('no Backup starts with a location that is read-only', async (velero) => {
    const { metadata } = await velero.make('backupstoragelocations', {
      spec: { ...noBucket, accessMode: 'ReadOnly' },
    })
    await velero.until('backupstoragelocations', metadata.name, (one) => phaseOf(one) === 'Unavailable')
    const { last } = await velero.voyage('backups', { spec: { storageLocation: metadata.name } })
    assert.deepEqual(last.status.validationErrors, [
      `backup can't be created because backup storage location ${metadata.name} is currently in read-only mode`,
      `backup can't be created because BackupStorageLocation ${metadata.name} is in Unavailable status.`,
    ])
    await velero.remove('backupstoragelocations', metadata.name)
  }),
  rule('a ServerStatusRequest is answered with the version', async (velero) => {
    const { metadata } = await velero.make('serverstatusrequests')
    const { status } = await velero.until(
      'serverstatusrequests',
      metadata.name,
      (one) => phaseOf(one) === 'Processed',
    )
    assert.match(status.serverVersion, /^v1\.18\.\d+$/)
    assert.match(status.processedTimestamp, /Z$/)
    assert.ok(status.plugins.some((one: { kind: string }) => one.kind === 'ObjectStore'))
  }),
  rule('a DownloadRequest is answered with a URL that has the file', async (velero) => {
    const { name } = await velero.usualBackup()
    const { metadata } = await velero.make('downloadrequests', {
      spec: { target: { kind: 'BackupLog', name } },
    })
    const { status } = await velero.until(
      'downloadrequests',
      metadata.name,
      (one) => phaseOf(one) === 'Processed',
    )
    assert.match(status.expiration, /Z$/)
    assert.equal((await fetch(status.downloadURL)).status, 200)
    await velero.remove('downloadrequests', metadata.name)
  }),
  rule('a DownloadRequest for what is not there gets no URL', async (velero) => {
    const { metadata } = await velero.make('downloadrequests', {
      spec: { target: { kind: 'BackupLog', name: velero.name('none') } },
    })
    const { status } = await velero.until(
      'downloadrequests',
      metadata.name,
      (one) => one.status?.expiration !== undefined,
    )
    assert.equal(status.downloadURL, undefined)
    await velero.remove('downloadrequests', metadata.name)
  }),
])
