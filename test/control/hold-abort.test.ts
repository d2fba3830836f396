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

const runName = 'b1-1a2b3c4d-prebackup'
const failedWith = (made: FakeControl) => {
  const { status } = made.object('Backup', 'b1') ?? backup()
  return [status?.['phase'], ...((status?.['validationErrors'] ?? []) as readonly string[])]
}

t.test('a hold whose run is of another version is told once, stays, and ends by an abort', async (t) => {
  const made = new FakeControl()
  made.store(backup({ annotations: hold }))
  made.actions = [anAction({ name: '10-a', mode: 'Hold' })]
  const ports = made.ports()
  const create = async () => 'exists' as const
  made.unread = { [runName]: 'spec.stage must be one of ..., but is "PreFlight"' }
  const key = { kind: 'Backup', namespace: 'velero', name: 'b1', uid: backup().metadata.uid } as const
  const once = () => reconcilePre(key, { ...ports, runs: { ...ports.runs, create } }, never)
  t.same([await once(), await once()], [{ inMs: 30_000 }, { inMs: 30_000 }])
  t.match(
    [...made.events.values()],
    [{ reason: 'HeldRunUnread', message: /cannot understand.*PreFlight.*holds abort b1/ }],
  )
  t.same(failedWith(made), ['New'])
  made.store(backup())
  await once()
  const [phase, why] = failedWith(made)
  t.equal(phase, 'FailedValidation')
  t.match(
    why,
    /it was aborted by hand \(ann: wrong cluster\); what its actions did is not known, because .*PreFlight/,
  )
})

t.test('a hold that lasts too long ends also where nobody knows what it is for', async (t) => {
  const made = new FakeControl()
  made.store(backup({ annotations: hold }))
  made.unsure = 'the copy of the Actions is behind'
  const key = { kind: 'Backup', namespace: 'velero', name: 'b1', uid: backup().metadata.uid } as const
  const once = () => reconcilePre(key, made.ports(), never)
  await t.rejects(once(), /not known yet/)
  await made.clock.pass(3_600_000)
  await once()
  t.match(failedWith(made), ['FailedValidation', /held for longer than a hold may last/])
  t.same(made.runs.known('velero'), [], 'there was nothing to record')
})

t.test('an abort does not wait for Actions that cannot be understood', async (t) => {
  const made = new FakeControl()
  made.store(backup())
  made.unsure = 'the copy of the Actions is behind'
  await look(made)
  t.match(failedWith(made), ['FailedValidation', /aborted by hand/])
})
