/** The way of a Backup: its phases, and what comes with each. */
import assert from 'node:assert/strict'
import { has } from '../../expected.ts'
import { about, rule } from '../case.ts'
import { phaseOf, secondsBetween, timeOf, usual } from '../velero.ts'

const way = ['-', 'Queued', 'ReadyToStart', 'InProgress', 'Finalizing', 'Completed']
const excluded = ['volumesnapshotcontents.snapshot.storage.k8s.io', 'volumesnapshots.snapshot.storage.k8s.io']

/** The rules. */
export const cases = about('backups', [
  rule('one goes -, Queued, ReadyToStart, InProgress, Finalizing, Completed', async (velero) => {
    assert.deepEqual((await velero.usualBackup()).phases, way)
  }),
  rule('one that is made with the phase New goes the same way', async (velero) => {
    const { spec } = await velero.cargo()
    const { phases } = await velero.voyage('backups', { spec, status: { phase: 'New' } })
    assert.deepEqual(phases, ['New', ...way.slice(1)])
  }),
  rule('queuePosition is there while it is Queued, and not before or after', async (velero) => {
    for (const state of (await velero.usualBackup()).states) {
      const position = state.status?.queuePosition
      if (phaseOf(state) === 'Queued') assert.ok(position >= 1, String(position))
      else assert.equal(position, undefined, phaseOf(state))
    }
  }),
  rule('startTimestamp, expiration, version and formatVersion come with InProgress', async (velero) => {
    const { at } = await velero.usualBackup()
    for (const phase of ['Queued', 'ReadyToStart'])
      for (const field of ['startTimestamp', 'expiration', 'version', 'formatVersion', 'progress'])
        assert.equal(at(phase).status[field], undefined, `${phase} ${field}`)
    const { status } = at('InProgress')
    has(status, { version: 1, formatVersion: '1.1.0' })
    const seconds = secondsBetween(status.startTimestamp, status.expiration)
    // It is counted from when the Backup was prepared, which is some time before it starts on a busy machine.
    assert.ok(seconds <= 720 * 3600 + 1 && seconds >= 720 * 3600 - 10, `expires after ${seconds} s`)
  }),
  rule('completionTimestamp comes with Completed, and not before', async (velero) => {
    const { states, last } = await velero.usualBackup()
    for (const state of states.slice(0, -1))
      assert.equal(state.status?.completionTimestamp, undefined, phaseOf(state))
    assert.ok(secondsBetween(last.status.startTimestamp, last.status.completionTimestamp) >= 0)
  }),
  rule('progress at the end says that all items were backed up', async (velero) => {
    const { at, last } = await velero.usualBackup()
    const { totalItems, itemsBackedUp } = last.status.progress
    assert.ok(totalItems >= 1)
    assert.equal(itemsBackedUp, totalItems)
    assert.deepEqual(at('Finalizing').status.progress, last.status.progress)
  }),
  rule('a good one has neither errors nor a failureReason', async (velero) => {
    const { status } = (await velero.usualBackup()).last
    for (const field of ['errors', 'warnings', 'failureReason', 'validationErrors'])
      assert.equal(status[field], undefined, field)
  }),
  rule('what the spec leaves open is filled in with InProgress, and not before', async (velero) => {
    const { at } = await velero.usualBackup()
    assert.deepEqual(at('ReadyToStart').spec, at('-').spec)
    has(at('InProgress').spec, {
      storageLocation: 'default',
      ttl: '720h0m0s',
      csiSnapshotTimeout: '10m0s',
      itemOperationTimeout: '4h0m0s',
      snapshotMoveData: false,
      defaultVolumesToFsBackup: false,
      volumeGroupSnapshotLabelKey: 'velero.io/volume-group',
    })
  }),
  rule('with an old filter the old list is filled in', async (velero) => {
    const { spec } = (await velero.usualBackup()).last
    assert.deepEqual([...spec.excludedResources].toSorted(), excluded)
    assert.equal(spec.excludedClusterScopedResources, undefined)
    assert.equal(spec.excludedNamespaceScopedResources, undefined)
  }),
  rule('without one the new lists are', async (velero) => {
    const { spec } = (await velero.voyage('backups', { spec: { storageLocation: 'none' } })).last
    assert.equal(spec.excludedResources, undefined)
    assert.deepEqual(
      [spec.excludedClusterScopedResources, spec.excludedNamespaceScopedResources],
      excluded.map((one) => [one]),
    )
  }),
  rule('Velero adds labels and annotations to those that are there', async (velero) => {
    const { at, last } = await velero.usualBackup()
    assert.deepEqual(at('ReadyToStart').metadata.labels, usual.labels)
    assert.deepEqual(at('InProgress').metadata.labels, {
      ...usual.labels,
      'velero.io/storage-location': 'default',
    })
    assert.deepEqual(last.metadata.labels, at('InProgress').metadata.labels)
    const { annotations } = last.metadata
    has(annotations, { ...usual.annotations, 'velero.io/resource-timeout': '10m0s' })
    assert.match(annotations['velero.io/source-cluster-k8s-gitversion'], /^v1\./)
    assert.equal(annotations['velero.io/source-cluster-k8s-major-version'], '1')
    assert.match(annotations['velero.io/source-cluster-k8s-minor-version'], /^\d+$/)
  }),
  rule('there is no finalizer: a Backup that is deleted is gone at once', async (velero) => {
    const { name, last } = await velero.voyage('backups', { spec: { storageLocation: 'none' } })
    assert.equal(last.metadata.finalizers, undefined)
    await velero.remove('backups', name)
    assert.equal(await velero.read('backups', name), undefined)
  }),
  rule('every write raises the generation: there is no status subresource', async (velero) => {
    const { states } = await velero.usualBackup()
    const generations = states.map(({ metadata }) => metadata.generation)
    assert.deepEqual(
      generations,
      states.map((_, index) => index + 1),
    )
  }),
  rule('one whose name is in the bucket already fails, with the reason', async (velero) => {
    const { spec } = await velero.cargo()
    const { name, last } = await velero.voyage('backups', { spec })
    const status = Object.fromEntries(Object.keys(last.status).map((field) => [field, null]))
    await velero.patch('backups', name, {
      metadata: { annotations: { 'a.b/c': 'd' } },
      status: { ...status, phase: 'New' },
    })
    const failed = await velero.until('backups', name, (one) => phaseOf(one) === 'Failed')
    assert.equal(
      failed.status.failureReason,
      'backup execution failed: backup already exists in object storage',
    )
    assert.equal(failed.status.validationErrors, undefined)
    timeOf(failed.status.startTimestamp)
    timeOf(failed.status.completionTimestamp)
    assert.equal(failed.metadata.annotations['a.b/c'], 'd')
  }),
])
