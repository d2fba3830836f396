/** Restores: their way, what is filled in, and what is refused. */
import assert from 'node:assert/strict'
import { has } from '../../expected.ts'
import type { Json } from '../../http.ts'
import { about, rule, type VeleroCase } from '../case.ts'
import { phaseOf, secondsBetween } from '../velero.ts'

const finalizer = 'restores.velero.io/external-resources-finalizer'

const invalid = (name: string, spec: Json, wanted: readonly string[]): VeleroCase =>
  rule(name, async (velero) => {
    const { name: backupName } = await velero.usualBackup()
    const { last, phases } = await velero.voyage('restores', { spec: { backupName, ...spec } })
    assert.deepEqual(phases, ['-', 'FailedValidation'])
    assert.deepEqual(last.status.validationErrors, wanted)
    assert.equal(last.status.startTimestamp, undefined)
    assert.equal(last.status.completionTimestamp, undefined)
  })

/** The rules. */
export const cases = about('restores', [
  rule('one goes -, InProgress, Finalizing, Completed', async (velero) => {
    const { phases } = await velero.usualRestore()
    assert.deepEqual(phases, ['-', 'InProgress', 'Finalizing', 'Completed'])
  }),
  rule('it gets its finalizer before it starts, whatever becomes of it', async (velero) => {
    const { states } = await velero.voyage('restores', { spec: { backupName: 'none' } })
    assert.equal(states[0].metadata.finalizers, undefined)
    assert.deepEqual(states[1].metadata.finalizers, [finalizer])
    assert.equal(phaseOf(states[1]), '-')
  }),
  rule('startTimestamp comes with InProgress, completionTimestamp with the end', async (velero) => {
    const { states, at, last } = await velero.usualRestore()
    assert.match(at('InProgress').status.startTimestamp, /Z$/)
    for (const state of states.slice(0, -1)) assert.equal(state.status?.completionTimestamp, undefined)
    assert.ok(secondsBetween(last.status.startTimestamp, last.status.completionTimestamp) >= 0)
  }),
  rule('progress at the end says that all items were restored', async (velero) => {
    const { last } = await velero.usualRestore()
    const { totalItems, itemsRestored } = last.status.progress
    assert.equal(itemsRestored, totalItems)
    assert.ok(totalItems >= 1)
  }),
  rule('what the spec leaves open is filled in with InProgress', async (velero) => {
    const { at } = await velero.usualRestore()
    const { spec } = at('InProgress')
    has(spec, { itemOperationTimeout: '4h0m0s' })
    assert.deepEqual(spec.excludedResources, [
      'pods',
      'nodes',
      'events',
      'events.events.k8s.io',
      'backups.velero.io',
      'restores.velero.io',
      'resticrepositories.velero.io',
      'csinodes.storage.k8s.io',
      'volumeattachments.storage.k8s.io',
      'backuprepositories.velero.io',
    ])
  }),
  rule('one that is made InProgress is nobody’s', async (velero) => {
    const { metadata } = await velero.make('restores', {
      spec: { backupName: 'none' },
      status: { phase: 'InProgress' },
    })
    await velero.voyage('restores', { spec: { backupName: 'none' } })
    assert.equal(phaseOf(await velero.read('restores', metadata.name)), 'InProgress')
    await velero.remove('restores', metadata.name)
  }),
  rule('one that is deleted goes when Velero has taken its finalizer away', async (velero) => {
    const { name } = await velero.voyage('restores', { spec: { backupName: 'none' } })
    await velero.remove('restores', name)
    await velero.until('restores', name, (one) => one === undefined)
  }),
  rule('one of a Backup that is not there is refused', async (velero) => {
    const { last, phases } = await velero.voyage('restores', { spec: { backupName: 'none' } })
    assert.deepEqual(phases, ['-', 'FailedValidation'])
    assert.deepEqual(last.status.validationErrors, [
      `Error retrieving backup: can't find backup ${velero.namespace}/none: Backup.velero.io "none" not found`,
    ])
  }),
  invalid('a Backup and a Schedule are not both a source', { scheduleName: 'none' }, [
    'Either a backup or schedule must be specified as a source for the restore, but not both',
  ]),
  rule('a Schedule without Backups is no source', async (velero) => {
    const { last } = await velero.voyage('restores', { spec: { scheduleName: velero.name('none') } })
    assert.deepEqual(last.status.validationErrors, [
      'No backups found for schedule',
      'No completed backups found for schedule',
    ])
  }),
  invalid('what cannot be restored must not be included', { includedResources: ['nodes'] }, [
    'nodes are non-restorable resources',
    'Invalid included/excluded resource lists: excludes list cannot contain an item in the includes list: nodes',
  ]),
  invalid('existingResourcePolicy is none or update', { existingResourcePolicy: 'overwrite' }, [
    'Invalid ExistingResourcePolicy: overwrite',
  ]),
  invalid(
    'labelSelector and orLabelSelectors do not go together',
    { labelSelector: { matchLabels: { a: 'b' } }, orLabelSelectors: [{ matchLabels: { a: 'c' } }] },
    ['encountered labelSelector as well as orLabelSelectors in restore spec, only one can be specified'],
  ),
  rule('of a Schedule the Completed Backup that started last is taken', async (velero) => {
    const schedule = velero.name('s')
    const labels = { 'velero.io/schedule-name': schedule }
    const { spec } = await velero.cargo()
    const good = await velero.voyage('backups', { spec, labels })
    for (const [phase, startTimestamp] of [
      ['PartiallyFailed', '2100-01-01T00:00:00Z'],
      ['Completed', '2001-01-01T00:00:00Z'],
    ])
      await velero.make('backups', { spec, labels, status: { phase, startTimestamp } })
    const { last, phases } = await velero.voyage('restores', { spec: { scheduleName: schedule } })
    assert.equal(phases.at(-1), 'Completed')
    has(last.spec, { backupName: good.name, scheduleName: schedule })
  }),
  rule('one of a Backup that a Schedule made names the Schedule', async (velero) => {
    const schedule = velero.name('s')
    const { spec } = await velero.cargo()
    const { name } = await velero.voyage('backups', { spec, labels: { 'velero.io/schedule-name': schedule } })
    const { last } = await velero.voyage('restores', { spec: { backupName: name } })
    assert.equal(last.spec.scheduleName, schedule)
  }),
])
