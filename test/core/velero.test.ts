import t from 'tap'
import {
  at,
  namespaceScopeOf,
  objectAt,
  progressOf,
  startsWork,
  textAt,
  textMapAt,
  textsAt,
  withDefaults,
} from '../../src/core/velero.ts'
import { aBackup, aRestore } from '../support/build.ts'
import { newYear } from '../support/fake-clock.ts'

t.test('a path is followed through own properties only, whatever stands there', async (t) => {
  const object = { a: { b: 'x', list: ['y', 1], map: { k: 'v', n: 1 } }, null: null }
  t.equal(at(object, 'a', 'b'), 'x')
  for (const path of [
    ['a', 'b', 'length'],
    ['constructor'],
    ['a', 'toString'],
    ['null', 'x'],
    ['a', 'list', '0'],
  ])
    t.equal(at(object, ...path), undefined, path.join('.'))
  t.equal(textAt(object, 'a', 'list'), '')
  t.same(textsAt(object, 'a', 'list'), ['y'])
  t.same(textsAt(object, 'a', 'b'), [])
  t.same(textMapAt(object, 'a', 'map'), { k: 'v' })
  t.same(objectAt(object, 'a', 'b'), {})
})

t.test('expressions see a Backup with what Velero fills in', async (t) => {
  const bare = withDefaults('Backup', { metadata: { name: 'b1' } }, { storageLocation: 'eu' })
  t.match(bare, {
    metadata: { labels: {}, annotations: {} },
    spec: {
      includedNamespaces: ['*'],
      excludedNamespaces: [],
      storageLocation: 'eu',
      ttl: '720h0m0s',
      snapshotMoveData: false,
    },
    status: {},
  })
  const said = withDefaults('Backup', aBackup({ spec: { storageLocation: 'us', snapshotMoveData: true } }), {
    storageLocation: 'eu',
  })
  t.match(said, { spec: { includedNamespaces: ['shop'], storageLocation: 'us', snapshotMoveData: true } })
})

t.test('expressions see a Restore with what Velero fills in', async (t) => {
  t.match(withDefaults('Restore', aRestore(), { storageLocation: 'eu' }), {
    spec: {
      backupName: 'b1',
      scheduleName: '',
      namespaceMapping: {},
      includedNamespaces: ['*'],
      storageLocation: undefined,
    },
  })
  t.same(namespaceScopeOf(aRestore({ spec: { namespaceMapping: { a: 'b' }, excludedNamespaces: ['c'] } })), {
    included: [],
    excluded: ['c'],
    mapping: { a: 'b' },
  })
})

for (const [phase, want] of Object.entries({
  '': { started: false, itemsDone: false },
  New: { started: false, itemsDone: false },
  Queued: { started: false, itemsDone: false },
  ReadyToStart: { started: false, itemsDone: false },
  InProgress: { started: true, itemsDone: false },
  WaitingForPluginOperations: { started: true, itemsDone: true },
  WaitingForPluginOperationsPartiallyFailed: { started: true, itemsDone: true },
  Finalizing: { started: true, itemsDone: true },
  FinalizingPartiallyFailed: { started: true, itemsDone: true },
  Completed: { started: true, itemsDone: true, ended: 'Completed' },
  PartiallyFailed: { started: true, itemsDone: true, ended: 'PartiallyFailed' },
  Failed: { started: true, itemsDone: true, ended: 'Failed' },
  FailedValidation: { started: false, itemsDone: false, ended: 'FailedValidation' },
  Deleting: { started: true, itemsDone: false },
})) {
  t.test(`where an object is in phase "${phase}"`, async (t) => {
    t.same(progressOf(aBackup({ phase }), newYear), { phase, provisional: false, ...want })
  })
}

t.test('an object that is gone ended as Deleted', async (t) => {
  t.match(progressOf(undefined, newYear), { ended: 'Deleted', itemsDone: true })
})

t.test('a Failed at the start of a server counts after a minute', async (t) => {
  const failureReason =
    'found a backup with status "InProgress" during the server starting, mark it as "Failed"'
  const failed = (status: object) => aBackup({ phase: 'Failed', status: { ...status } })
  const completionTimestamp = '2026-01-01T00:00:00Z'
  t.equal(progressOf(failed({ failureReason, completionTimestamp }), newYear + 59_999).provisional, true)
  t.equal(progressOf(failed({ failureReason, completionTimestamp }), newYear + 60_000).provisional, false)
  t.equal(
    progressOf(failed({ failureReason }), newYear).provisional,
    false,
    'without a time nothing is waited for',
  )
  t.equal(progressOf(failed({ failureReason: 'disk full', completionTimestamp }), newYear).provisional, false)
})

t.test('only phase absent or New starts work', async (t) => {
  t.equal(startsWork(aBackup()), true)
  t.equal(startsWork(aBackup({ phase: 'New' })), true)
  for (const phase of ['Queued', 'InProgress', 'Completed', 'Deleting'])
    t.equal(startsWork(aBackup({ phase })), false)
  t.equal(startsWork(null), true)
})
