import t from 'tap'
import {
  draftRun,
  fingerprintOf,
  isTooLarge,
  keptObject,
  longestObject,
} from '../../../src/core/run/draft.ts'
import {
  idempotencyKey,
  labelValue,
  runLabels,
  runName,
  stagesOf,
  traceparent,
} from '../../../src/core/run/names.ts'
import { variableNames, variablesOf } from '../../../src/core/run/variables.ts'
import { aBackup, aPlannedAction, aRestore, aRow, aRun, clusterUid } from '../../support/build.ts'

const hash = (text: string) => `h${text.length}`
const uid = '1a2b3c4d-0000-4000-8000-000000000001'

t.test('a run is named from the object, the first 8 of its uid and the stage', async (t) => {
  t.equal(runName({ name: 'b1', uid }, 'PreBackup'), 'b1-1a2b3c4d-prebackup')
  const long = runName({ name: `${'a'.repeat(229)}.-.${'b'.repeat(21)}`, uid }, 'PostRestore')
  t.ok(long.length <= 253)
  t.match(
    long,
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    'is a DNS subdomain, cut or not',
  )
  t.match(long, /a-1a2b3c4d-postrestore$/)
})

t.test('labels name stage, object and schedule, and keep the run out of backups', async (t) => {
  t.same(runLabels({ kind: 'Backup', name: 'b1', uid }, 'PreBackup', 'nightly'), {
    'tidewaiter.io/stage': 'PreBackup',
    'tidewaiter.io/object-uid': uid,
    'tidewaiter.io/backup-name': 'b1',
    'tidewaiter.io/schedule': 'nightly',
    'velero.io/exclude-from-backup': 'true',
  })
  t.hasOwnProp(
    runLabels({ kind: 'Restore', name: 'r1', uid }, 'PreRestore', ''),
    'tidewaiter.io/restore-name',
  )
  t.equal(
    labelValue(`${'a'.repeat(60)}...bcd`),
    'a'.repeat(60),
    'a label value ends with a letter or a digit',
  )
})

t.test('keys, traces and stages', async (t) => {
  t.equal(idempotencyKey(uid, 'PostBackup', '10-a'), `${uid}/PostBackup/10-a`)
  t.equal(traceparent('a'.repeat(32), 'b'.repeat(16)), `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`)
  t.same(stagesOf('Backup'), { pre: 'PreBackup', post: 'PostBackup' })
  t.same(stagesOf('Restore'), { pre: 'PreRestore', post: 'PostRestore' })
})

const draft = {
  stage: 'PreBackup',
  kind: 'Backup',
  cluster: clusterUid,
  requestedBy: 'ann',
  scheduleName: '',
  actions: [aPlannedAction()],
  hash,
} as const

t.test('a draft freezes the actions and the object, without what nobody needs', async (t) => {
  const object = aBackup({
    annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', keep: 'me' },
  })
  const run = draftRun({
    ...draft,
    object: { ...object, metadata: { ...object.metadata, managedFields: [{}] } },
  })
  t.match(run, {
    kind: 'ActionRun',
    metadata: { name: 'b1-1a2b3c4d-prebackup', namespace: 'velero' },
    spec: {
      objectRef: { kind: 'Backup', name: 'b1', uid },
      cluster: clusterUid,
      requestedBy: 'ann',
      actions: draft.actions,
    },
  })
  t.match(run.spec.object?.['metadata'], { annotations: { keep: 'me' }, managedFields: undefined })
  t.notOk(JSON.stringify(run).includes('last-applied'))
  t.notOk('scheduleName' in run.spec)
  t.equal(draftRun({ ...draft, object, scheduleName: 'nightly' }).spec.scheduleName, 'nightly')
  t.equal(draftRun({ ...draft, object, requestedBy: 'x'.repeat(5000) }).spec.requestedBy?.length, 1024)
})

t.test('an object that is too large is cut to its metadata, and the run says so', async (t) => {
  const object = aBackup({ spec: { notes: 'x'.repeat(longestObject) } })
  const kept = keptObject(object)
  t.equal(kept.cut, true)
  t.same(Object.keys(kept.object), ['metadata'])
  t.equal(draftRun({ ...draft, object }).spec.objectCut, true)
})

t.test('what a run takes is counted in bytes', async (t) => {
  const object = aBackup({ spec: { notes: 'ж'.repeat(longestObject / 2) } })
  t.equal(keptObject(object).cut, true)
  const half = aPlannedAction({ match: { expression: 'ж'.repeat(200 * 1024) } })

  t.test('an object that nests deeper than a run may is cut down too', async (t) => {
    const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) })
    t.equal(keptObject(aBackup({ spec: { notes: deep(60) } })).cut, false)
    t.equal(keptObject(aBackup({ spec: { notes: deep(70) } })).cut, true)
  })
  const run = draftRun({ ...draft, object: aBackup(), actions: [half] })
  t.equal(isTooLarge(run), false)
  t.equal(isTooLarge(draftRun({ ...draft, object: aBackup(), actions: [half, half] })), true)
})

t.test('a fingerprint knows identical requests: namespace, name or its beginning, and spec', async (t) => {
  const text = (value: string) => value
  const of = (given: object) => fingerprintOf({ ...aBackup(), ...given }, text)
  t.equal(of({}), of({ status: { phase: 'New' } }))
  t.not(of({}), of({ spec: { ttl: '1h' } }))
  t.not(of({}), of({ metadata: { name: 'b2', namespace: 'velero' } }))
  const generated = (name: string) => of({ metadata: { name, generateName: 'b-', namespace: 'velero' } })
  t.equal(generated('b-x1'), generated('b-x2'), 'a generated name counts by what it was generated from')
})

t.test('expressions see the object with defaults, the outputs so far, and the stage', async (t) => {
  t.same(variableNames('PreBackup'), ['backup', 'outputs', 'stage'])
  t.same(variableNames('PostRestore'), ['restore', 'outputs', 'exported', 'stage'])
  const run = aRun({
    status: { actions: [aRow({ name: '10-a', outputs: { lsn: 7 } }), aRow({ name: '20-b' })] },
  })
  t.match(variablesOf(run, aBackup(), { storageLocation: 'eu' }), {
    backup: { spec: { storageLocation: 'eu' } },
    outputs: { '10-a': { lsn: 7 }, '20-b': {} },
    stage: 'PreBackup',
  })
  const restore = aRun({ stage: 'PreRestore' })
  t.hasOwnProp(variablesOf(restore, aRestore(), { storageLocation: 'eu' }), 'restore')
  t.same(variablesOf({ ...restore, status: {} }, aRestore(), { storageLocation: 'eu' })['outputs'], {})
})
