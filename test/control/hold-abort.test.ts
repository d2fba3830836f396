/** A held object that somebody aborts by the annotation tidewaiter.io/abort. */
import t from 'tap'
import { reconcilePre } from '../../src/control/pre.ts'
import { seenObjectOf } from '../../src/core/post.ts'
import { aBackup, anAction, anHttp, aPlannedAction, aRow, aRun, type VeleroGiven } from '../support/build.ts'
import { newYear } from '../support/fake-clock.ts'
import { FakeControl } from '../support/fake-control.ts'
import { aDone, anAborted } from '../support/outcomes.ts'

const never = new AbortController().signal
const hold = { 'tidewaiter.io/hold': 'pre-actions' }
const by = { 'tidewaiter.io/abort': 'ann: wrong cluster' }
const freeze = aPlannedAction({
  name: '10-freeze',
  undo: { http: anHttp({ url: 'https://a.example/thaw' }) },
})
const waits = aPlannedAction({ name: '20-wait' })
const backup = (given: VeleroGiven = {}) =>
  aBackup({
    creationTimestamp: new Date(newYear).toISOString(),
    phase: 'New',
    annotations: { ...hold, ...by },
    ...given,
  })
const told =
  'tidewaiter refused Backup velero/b1: it was aborted by hand (ann: wrong cluster). The Backup was not started. Run: b1-1a2b3c4d-prebackup'

/** Looks until nothing is to be done at once. */
async function look(made: FakeControl): Promise<void> {
  const { kind, metadata } = made.object('Backup', 'b1') ?? backup()
  const ports = made.ports()
  for (let looks = 0; looks < 8; looks++)
    await reconcilePre({ kind, namespace: 'velero', name: 'b1', uid: metadata.uid }, ports, never)
}

t.test('it fails as Velero lets its garbage collector find it, and says who and why', async (t) => {
  const made = new FakeControl()
  made.store(backup())
  made.runs.put(aRun({ held: true, actions: [freeze, waits] }))
  await look(made)
  const found = made.object('Backup', 'b1')
  t.match(found?.status, { phase: 'FailedValidation', validationErrors: [told], expiration: /^\d{4}-/ })
  t.match(found?.spec, { storageLocation: 'default' })
  t.notOk(found !== undefined && seenObjectOf('Backup', found).held)
  t.same(made.performed, [], 'nothing began, nothing is undone')
  const [run] = made.runs.known('velero')
  t.match(run?.status, { phase: 'Refused', reason: 'Aborted', message: /ann: wrong cluster/ })
})

t.test('what began is cut short and undone, and the record says why', async (t) => {
  const made = new FakeControl()
  made.store(backup({ annotations: hold }))
  made.runs.put(aRun({ held: true, actions: [freeze, waits] }))
  made.act = ({ action, undo }) => {
    if (undo === true || action.name === '10-freeze') return aDone()
    made.store(backup())
    return anAborted({ mayHaveHadEffect: false })
  }
  await look(made)
  t.match(made.object('Backup', 'b1')?.status, { phase: 'FailedValidation', validationErrors: [told] })
  const [run] = made.runs.known('velero')
  t.match(run?.status, {
    phase: 'Undone',
    undoneFrom: 'Refused',
    reason: 'Aborted',
    message: 'it was aborted by hand (ann: wrong cluster); stopped',
    actions: [{ undo: { phase: 'Undone' } }, { phase: 'Failed' }],
  })
})

t.test(
  'it is not let go either because its actions have succeeded, or because none matches any more',
  async (t) => {
    const succeeded = new FakeControl()
    succeeded.store(backup())
    const rows = [aRow({ name: '10-freeze', phase: 'Succeeded', attempts: 1 })]
    const completionTimestamp = new Date(newYear).toISOString()
    succeeded.runs.put(
      aRun({
        held: true,
        actions: [freeze],
        status: { phase: 'Succeeded', actions: rows, completionTimestamp },
      }),
    )
    await look(succeeded)
    t.match(succeeded.object('Backup', 'b1')?.status, { validationErrors: [told] })
    t.match(succeeded.performed, [{ action: '10-freeze', key: /undo/ }])

    const none = new FakeControl()
    none.store(backup())
    none.actions = [anAction({ name: '10-x', match: { scheduleNames: ['another'] } })]
    await look(none)
    t.match(none.object('Backup', 'b1')?.status, {
      phase: 'FailedValidation',
      validationErrors: [told.replace(/ Run: .*/, '')],
    })
  },
)
