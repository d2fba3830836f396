/** What Velero does when a policy denies its writes, and when it may write again. */
import assert from 'node:assert/strict'
import { about, rule } from '../case.ts'
import { deny } from '../denial.ts'
import { ended, phaseOf } from '../velero.ts'

/** The rules. */
export const cases = about('denied', [
  rule('a Backup that may not be Queued stays as it was, and runs when it may', async (velero) => {
    const name = velero.name('held')
    const { spec } = await velero.cargo()
    const letGo = await deny(velero, { plural: 'backups', name, operation: 'UPDATE' })
    await velero.make('backups', { name, spec })
    await velero.passed()
    const { metadata, status } = await velero.read('backups', name)
    assert.equal(status?.phase, undefined)
    assert.equal(metadata.generation, 1)
    await letGo()
    // Velero tries again by itself, later and later; an update makes it try at once.
    await velero.patch('backups', name, { metadata: { annotations: { let: 'go' } } })
    const done = await velero.until('backups', name, ended)
    assert.equal(phaseOf(done), 'Completed')
    assert.equal(done.status.validationErrors, undefined)
  }),
  rule('a Backup that is denied again and again is tried again without an update', async (velero) => {
    const name = velero.name('held')
    const letGo = await deny(velero, { plural: 'backups', name, operation: 'UPDATE' })
    await velero.make('backups', { name, spec: { storageLocation: 'none' } })
    await velero.passed()
    await letGo()
    assert.equal(phaseOf(await velero.until('backups', name, ended)), 'FailedValidation')
  }),
  rule('a Restore that may not be changed stays as it was, and runs when it may', async (velero) => {
    const { name: backupName } = await velero.usualBackup()
    const name = velero.name('held')
    const letGo = await deny(velero, { plural: 'restores', name, operation: 'UPDATE' })
    await velero.make('restores', { name, spec: { backupName } })
    await velero.voyage('restores', { spec: { backupName: 'none' } })
    const { metadata, status } = await velero.read('restores', name)
    assert.equal(status?.phase, undefined)
    assert.equal(metadata.finalizers, undefined)
    await letGo()
    await velero.patch('restores', name, { metadata: { annotations: { let: 'go' } } })
    assert.equal(phaseOf(await velero.until('restores', name, ended)), 'Completed')
  }),
  rule('a Schedule whose Backup is denied does not count it, and makes it when it may', async (velero) => {
    const name = velero.name('s')
    const letGo = await deny(velero, { plural: 'backups', name, operation: 'CREATE' })
    await velero.make('schedules', {
      name,
      spec: { schedule: '@every 1s', template: { storageLocation: 'none' } },
    })
    const look = (ttl: number) => velero.patch('schedules', name, { spec: { template: { ttl: `${ttl}s` } } })
    const made = () => velero.list('backups', `velero.io/schedule-name=${name}`)
    await velero.passed()
    for (const ttl of [3601, 3602, 3603]) await look(ttl)
    assert.deepEqual(await made(), [])
    const denied = await velero.until('schedules', name, (one) => phaseOf(one) === 'Enabled')
    assert.equal(denied.status.lastBackup, undefined)
    await letGo()
    let ttl = 3700
    const backup = await velero.api.eventually(async () => {
      await look(++ttl)
      const [first] = await made()
      assert.ok(first, 'there is no Backup yet')
      return first
    }, 20_000)
    assert.match(backup.metadata.name, /-\d{14}$/)
    await velero.until('schedules', name, (one) => one.status.lastBackup !== undefined)
    await velero.remove('schedules', name)
  }),
])
