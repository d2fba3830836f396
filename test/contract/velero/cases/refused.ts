/** Backups that Velero does not run: FailedValidation, and why. */
import assert from 'node:assert/strict'
import type { Json } from '../../http.ts'
import { about, rule, type VeleroCase } from '../case.ts'
import { secondsBetween } from '../velero.ts'

// The name of the kind, not of its collection: so controller-runtime's cache says it.
const notFound = (kind: string, name: string): string => `${kind}.velero.io "${name}" not found`

/** A rule about what Velero says of a spec; what a Backup of a namespace usually says is added to it. */
const invalid = (name: string, spec: Json, wanted: readonly string[]): VeleroCase =>
  rule(name, async (velero) => {
    const { last } = await velero.voyage('backups', { spec })
    assert.equal(last.status.phase, 'FailedValidation')
    assert.deepEqual(last.status.validationErrors, wanted)
  })

/** The rules. */
export const cases = about('refused backups', [
  rule(
    'one of a location that is not there goes -, Queued, ReadyToStart, FailedValidation',
    async (velero) => {
      const { phases, last } = await velero.voyage('backups', { spec: { storageLocation: 'none' } })
      assert.deepEqual(phases, ['-', 'Queued', 'ReadyToStart', 'FailedValidation'])
      assert.deepEqual(last.status.validationErrors, [
        'an existing backup storage location was not specified at backup creation time and the default none was not found. ' +
          'Please address this issue (see `velero backup-location -h` for options) and create a new backup. Error: ' +
          notFound('BackupStorageLocation', 'none'),
      ])
    },
  ),
  rule('it has an expiration and the filled spec, and never a startTimestamp or an end', async (velero) => {
    const { last } = await velero.voyage('backups', { spec: { storageLocation: 'none', ttl: '2h0m0s' } })
    const seconds = secondsBetween(last.metadata.creationTimestamp, last.status.expiration)
    // Not the usual thirty days; how long it was in the queue is not known.
    assert.ok(seconds >= 7200 && seconds < 10_000, `expires after ${seconds} s`)
    assert.equal(last.spec.csiSnapshotTimeout, '10m0s')
    assert.deepEqual(last.metadata.labels, { 'velero.io/storage-location': 'none' })
    for (const field of [
      'startTimestamp',
      'completionTimestamp',
      'failureReason',
      'progress',
      'queuePosition',
    ])
      assert.equal(last.status[field], undefined, field)
  }),
  rule('what its maker found wrong stands before what Velero finds', async (velero) => {
    const { last } = await velero.voyage('backups', {
      spec: { volumeSnapshotLocations: ['none'] },
      status: { phase: 'New', validationErrors: ['from outside'] },
    })
    assert.equal(last.status.phase, 'FailedValidation')
    assert.equal(last.status.validationErrors[0], 'from outside')
    assert.equal(last.status.validationErrors.length, 2)
  }),
  invalid('a snapshot location must be there', { volumeSnapshotLocations: ['none'] }, [
    'a VolumeSnapshotLocation CRD for the location none with the name specified in the backup spec needs to be created before ' +
      `this snapshot can be executed. Error: ${notFound('VolumeSnapshotLocation', 'none')}`,
  ]),
  invalid(
    'a namespace cannot be included and excluded',
    { includedNamespaces: ['a', 'b'], excludedNamespaces: ['b'] },
    [
      'Invalid included/excluded namespace lists: excludes list cannot contain an item in the includes list: b',
    ],
  ),
  invalid(
    'a resource cannot be included and excluded',
    { includedResources: ['pods'], excludedResources: ['pods'] },
    [
      'Invalid included/excluded resource lists: excludes list cannot contain an item in the includes list: pods',
    ],
  ),
  invalid('* stands alone', { includedResources: ['*', 'pods'] }, [
    "Invalid included/excluded resource lists: includes list must either contain '*' only, or a non-empty list of items",
  ]),
  invalid(
    'old and new filters do not go together',
    { includedResources: ['pods'], includedNamespaceScopedResources: ['secrets'] },
    [
      'include-resources, exclude-resources and include-cluster-resources are old filter parameters.\n' +
        'include-cluster-scoped-resources, exclude-cluster-scoped-resources, include-namespace-scoped-resources and exclude-namespace-scoped-resources are new filter parameters.\n' +
        'They cannot be used together',
    ],
  ),
  invalid(
    'labelSelector and orLabelSelectors do not go together',
    { labelSelector: { matchLabels: { a: 'b' } }, orLabelSelectors: [{ matchLabels: { a: 'c' } }] },
    ['encountered labelSelector as well as orLabelSelectors in backup spec, only one can be specified'],
  ),
  rule('all that is wrong is told at once', async (velero) => {
    const { last } = await velero.voyage('backups', {
      spec: {
        storageLocation: 'none',
        volumeSnapshotLocations: ['none'],
        includedNamespaces: ['a'],
        excludedNamespaces: ['a'],
      },
    })
    assert.equal(last.status.validationErrors.length, 3)
  }),
  rule('one that was refused is left alone when its spec is mended', async (velero) => {
    const { name } = await velero.voyage('backups', { spec: { storageLocation: 'none' } })
    await velero.patch('backups', name, { spec: { storageLocation: 'default' } })
    await velero.passed()
    assert.equal((await velero.read('backups', name)).status.phase, 'FailedValidation')
  }),
])
