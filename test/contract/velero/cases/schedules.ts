/** Schedules: judged, due, paused, and the Backups that they make. */
import assert from 'node:assert/strict'
import { has } from '../../expected.ts'
import type { Json } from '../../http.ts'
import { about, rule } from '../case.ts'
import { deny } from '../denial.ts'
import { ended, objectOf, phaseOf, secondsBetween, type Making, type Velero } from '../velero.ts'

const often = '@every 1s'
const madeBy = (velero: Velero, schedule: string): Promise<readonly Json[]> =>
  velero.list('backups', `velero.io/schedule-name=${schedule}`)

/** Makes a Schedule; it is deleted when the case has ended, or it would make Backups for ever. */
async function made(velero: Velero, making: Making): Promise<string> {
  const name = velero.name('s')
  const path = `/apis/velero.io/v1/namespaces/${velero.namespace}/schedules`
  await velero.api.borrow(path, objectOf('schedules', { name, ...making }) as { metadata: { name: string } })
  return name
}

/** Makes Velero look again, for it looks once a minute and at each new spec, until what is wanted is so. */
async function looking<T>(velero: Velero, name: string, wanted: () => Promise<T>): Promise<T> {
  let ttl = 3600
  return velero.api.eventually(async () => {
    await velero.patch('schedules', name, { spec: { template: { ttl: `${++ttl}s` } } })
    return wanted()
  }, 20_000)
}

/** Waits for the first Backup of a Schedule. */
const first = (velero: Velero, name: string): Promise<Json> =>
  looking(velero, name, async () => {
    const [backup] = await madeBy(velero, name)
    assert.ok(backup, 'there is no Backup yet')
    return backup
  })

/** The rules. */
export const cases = about('schedules', [
  rule('a good one is Enabled', async (velero) => {
    const name = await made(velero, { spec: { schedule: '0 3 * * *', template: {} } })
    const { status, spec } = await velero.until('schedules', name, (one) => phaseOf(one) === 'Enabled')
    assert.equal(status.validationErrors, undefined)
    assert.equal(status.lastBackup, undefined)
    assert.equal(spec.skipImmediately, false)
  }),
  rule('one that is no cron is FailedValidation, and Enabled when it is mended', async (velero) => {
    const name = await made(velero, { spec: { schedule: 'at noon', template: {} } })
    const { status } = await velero.until('schedules', name, (one) => phaseOf(one) === 'FailedValidation')
    assert.deepEqual(status.validationErrors, [
      'invalid schedule: expected exactly 5 fields, found 2: [at noon]',
    ])
    await velero.patch('schedules', name, { spec: { schedule: '0 3 * * *' } })
    const mended = await velero.until('schedules', name, (one) => phaseOf(one) === 'Enabled')
    assert.equal(mended.status.validationErrors, undefined)
  }),
  rule('it makes a Backup named by the time in UTC, and notes that time', async (velero) => {
    const name = await made(velero, { spec: { schedule: often, template: {} } })
    const backup = await first(velero, name)
    const [, stamp = ''] = /^.*-(\d{14})$/.exec(backup.metadata.name) ?? []
    assert.equal(backup.metadata.name, `${name}-${stamp}`)
    const { status } = await velero.until('schedules', name, (one) => one.status?.lastBackup !== undefined)
    const at = stamp.replace(/(....)(..)(..)(..)(..)(..)/, '$1-$2-$3T$4:$5:$6Z')
    const last = (await madeBy(velero, name))
      .map((one) => one.metadata.name)
      .toSorted()
      .at(-1)
    if (last === backup.metadata.name) assert.ok(Math.abs(secondsBetween(at, status.lastBackup)) <= 1)
    assert.ok(Math.abs(secondsBetween(at, backup.metadata.creationTimestamp)) <= 10)
  }),
  rule('the Backup has the Schedule’s labels and annotations, and the template’s spec', async (velero) => {
    const { spec } = await velero.cargo()
    const name = await made(velero, {
      labels: { team: 'shop' },
      annotations: { 'example.org/note': 'x' },
      spec: { schedule: often, template: spec },
    })
    const { metadata, spec: got } = await first(velero, name)
    has(metadata.labels, { team: 'shop', 'velero.io/schedule-name': name })
    has(metadata.annotations, { 'example.org/note': 'x' })
    assert.equal(metadata.ownerReferences, undefined)
    has(got, { ...spec })
    assert.match(got.ttl, /^1h0m\d+s$/)
  }),
  rule('labels of the template stand in for the Schedule’s', async (velero) => {
    const name = await made(velero, {
      labels: { team: 'shop' },
      spec: { schedule: often, template: { metadata: { labels: { from: 'template' } } } },
    })
    const { metadata } = await first(velero, name)
    has(metadata.labels, { from: 'template', 'velero.io/schedule-name': name })
    assert.equal(metadata.labels.team, undefined)
  }),
  rule('useOwnerReferencesInBackup makes the Schedule the owner', async (velero) => {
    const name = await made(velero, {
      spec: { schedule: often, useOwnerReferencesInBackup: true, template: {} },
    })
    const { uid } = (await velero.read('schedules', name)).metadata
    assert.deepEqual((await first(velero, name)).metadata.ownerReferences, [
      { apiVersion: 'velero.io/v1', kind: 'Schedule', name, uid, controller: true },
    ])
  }),
  rule('its Backup runs to its end', async (velero) => {
    const { spec } = await velero.cargo()
    const name = await made(velero, {
      spec: { schedule: often, template: { ...spec, storageLocation: 'default' } },
    })
    const { metadata } = await first(velero, name)
    assert.equal(phaseOf(await velero.until('backups', metadata.name, ended)), 'Completed')
  }),
  rule('a paused one is not even judged; when it is no more, it is', async (velero) => {
    const name = await made(velero, { spec: { schedule: often, paused: true, template: {} } })
    const other = await made(velero, { spec: { schedule: often, template: {} } })
    await first(velero, other)
    assert.equal(phaseOf(await velero.read('schedules', name)), '-')
    assert.deepEqual(await madeBy(velero, name), [])
    await velero.patch('schedules', name, { spec: { paused: false } })
    await first(velero, name)
  }),
  rule('skipImmediately is taken back, and noted in lastSkipped', async (velero) => {
    const name = await made(velero, {
      spec: { schedule: '0 3 * * *', skipImmediately: true, template: {} },
    })
    const { spec, status } = await velero.until('schedules', name, (one) => phaseOf(one) === 'Enabled')
    assert.equal(spec.skipImmediately, false)
    assert.match(status.lastSkipped, /Z$/)
  }),
  ...['New', 'InProgress'].map((phase) =>
    rule(`no Backup is made while one of the Schedule is ${phase}`, async (velero) => {
      const name = await made(velero, { spec: { schedule: often, paused: true, template: {} } })
      const labels = { 'velero.io/schedule-name': name, held: 'yes' }
      const held = velero.name('held')
      // Else Velero would queue it at once.
      if (phase === 'New') await deny(velero, { plural: 'backups', name: held, operation: 'UPDATE' })
      await velero.make('backups', {
        name: held,
        labels,
        status: { phase },
        spec: { includedNamespaces: [held] },
      })
      const other = await made(velero, { spec: { schedule: often, template: {} } })
      await velero.patch('schedules', name, { spec: { paused: false } })
      await velero.until('schedules', name, (one) => phaseOf(one) === 'Enabled')
      await looking(velero, name, async () => first(velero, other))
      assert.deepEqual(
        (await madeBy(velero, name)).map((one) => one.metadata.name),
        [held],
      )
      await velero.remove('backups', held)
      await first(velero, name)
    }),
  ),
  rule('one that is ReadyToStart does not keep the next from being made', async (velero) => {
    const name = await made(velero, { spec: { schedule: often, template: {} } })
    const labels = { 'velero.io/schedule-name': name }
    const spec = { includedNamespaces: [velero.name('none')] }
    const ready = await velero.make('backups', { labels, spec, status: { phase: 'ReadyToStart' } })
    await looking(velero, name, async () => {
      const others = (await madeBy(velero, name)).filter((one) => one.metadata.uid !== ready.metadata.uid)
      assert.ok(others.length > 0, 'there is no other Backup yet')
    })
    await velero.remove('backups', ready.metadata.name)
  }),
])
