import t from 'tap'
import { undoDue } from '../../../src/core/hold/undo-scope.ts'
import { keysAreOver, keysFor, keysOf } from '../../../src/core/hold/exclusive.ts'
import { keyOf } from '../../../src/core/hold/keys.ts'
import { notBegun } from '../../../src/core/outcome.ts'
import { seenObjectOf } from '../../../src/core/post.ts'
import { step } from '../../../src/core/run/machine.ts'
import {
  anActionSpec,
  anHttp,
  aBackup,
  aPlannedAction,
  aRow,
  aRun,
  type VeleroGiven,
} from '../../support/build.ts'
import { newYear } from '../../support/fake-clock.ts'
import { aDone } from '../../support/outcomes.ts'

const iso = (ms: number) => new Date(ms).toISOString()
const day = 24 * 3_600_000
type Phase = 'Succeeded' | 'Refused' | 'Unknown' | 'Skipped' | 'Pending' | 'Running'
const ended = (phase: Phase, ...conditions: readonly string[]) =>
  aRun({
    status: {
      phase,
      completionTimestamp: iso(newYear),
      conditions: conditions.map((type) => ({
        type,
        status: 'True' as const,
        reason: 'x',
        message: '',
        lastTransitionTime: iso(newYear),
      })),
    },
  })
const backup = (given: VeleroGiven) =>
  seenObjectOf('Backup', aBackup({ creationTimestamp: iso(newYear), ...given }))
const startTimestamp = iso(newYear + 1_000)
const due = (
  run: ReturnType<typeof aRun>,
  object: ReturnType<typeof backup> | undefined,
  now = newYear + 2_000,
) => undoDue({ run, object, stuckAfterMs: day, now })
const notYet = { notYet: true }

t.test('nothing is undone while the stage goes on', async (t) => {
  for (const phase of ['Pending', 'Running'] as const) t.same(due(ended(phase), undefined), notYet)
})

for (const phase of ['', 'New', 'Queued', 'ReadyToStart', 'InProgress', 'Finalizing'])
  t.test(`nothing is undone while the object is "${phase}", however the stage ended`, async (t) => {
    for (const run of [ended('Succeeded'), ended('Refused')])
      t.same(due(run, backup({ phase, status: { startTimestamp } })), notYet)
  })

for (const phase of ['Completed', 'PartiallyFailed', 'Failed'])
  t.test(`after ${phase} what says Always is undone; all of it if the stage had not succeeded`, async (t) => {
    const object = backup({ phase, status: { startTimestamp, completionTimestamp: startTimestamp } })
    t.same(due(ended('Succeeded'), object), { due: 'Always' })
    for (const run of [ended('Refused'), ended('Unknown'), ended('Skipped')])
      t.same(due(run, object), { due: 'All' })
  })

t.test('what never started is undone whole', async (t) => {
  t.same(due(ended('Succeeded'), backup({ phase: 'FailedValidation' })), { due: 'All' })
  t.same(due(ended('Succeeded'), backup({ phase: 'Deleting' })), { due: 'All' }, 'deleted before it started')
  t.same(due(ended('Succeeded'), backup({ phase: 'Deleting', status: { startTimestamp } })), {
    due: 'Always',
  })
})

t.test('what is deleted while it is held is undone, also while a finalizer keeps it there', async (t) => {
  const annotations = { 'tidewaiter.io/hold': 'pre-actions' }
  const leaving = backup({ phase: 'New', annotations, deletionTimestamp: iso(newYear) })
  t.same(due(ended('Refused'), leaving), { due: 'All' })
})

t.test('a Failed that Velero may take back is waited for', async (t) => {
  const failureReason =
    'found a backup with status "InProgress" during the server starting, mark it as "Failed"'
  const status = { startTimestamp, completionTimestamp: startTimestamp, failureReason }
  t.match(due(ended('Succeeded'), backup({ phase: 'Failed', status })), { notYet: true, inMs: 60_000 })
})

t.test('what is stuck at work is undone as if it had ended', async (t) => {
  const object = backup({ phase: 'InProgress', status: { startTimestamp } })
  t.same(due(ended('Succeeded'), object, newYear + day), notYet)
  t.same(due(ended('Succeeded'), object, newYear + day + 2_000), { due: 'Always' })
})

t.test('a refused object that is not there is undone at once', async (t) => {
  t.same(due(ended('Refused'), undefined), { due: 'All' })
})

t.test('an admitted one that is not there may still appear for a minute', async (t) => {
  t.same(due(ended('Succeeded'), undefined), { notYet: true, inMs: 58_000 })
  t.same(due(ended('Succeeded'), undefined, newYear + 60_000), { due: 'All' })
})

t.test('one that was seen was deleted: what is undone depends on whether it had started', async (t) => {
  t.same(due(ended('Succeeded', 'Seen'), undefined), { due: 'All' })
  t.same(due(ended('Succeeded', 'Started'), undefined), { due: 'Always' })
})

t.test('a finished one that backup sync brought is none of ours', async (t) => {
  const synced = backup({ phase: 'Completed', status: { completionTimestamp: iso(newYear - 1_000) } })
  t.same(due(ended('Succeeded'), synced), notYet)
})

t.test('the key of an action is its own word, or the name of one with an undo', async (t) => {
  t.equal(keyOf('a', anActionSpec()), undefined)
  t.equal(keyOf('a', anActionSpec({ exclusive: 'shop' })), 'shop')
  t.equal(keyOf('a', anActionSpec({ undo: { http: anHttp() } })), 'a')
  t.equal(keyOf('a', anActionSpec({ exclusive: 'shop', undo: { http: anHttp() } })), 'shop')
})

const undo = { http: anHttp() }
const withRows = (run: ReturnType<typeof aRun>) => {
  const actions = ['a', 'b', 'c'].map((name) => aPlannedAction({ name, undo, undoAt: 'Always' }))
  const startTimestamp = iso(newYear)
  const rows = [
    aRow({ name: 'a', phase: 'Succeeded', startTimestamp }),
    aRow({ name: 'b', phase: 'Skipped' }),
    aRow({ name: 'c', phase: 'Unknown', startTimestamp }),
  ]
  return { ...run, spec: { ...run.spec, actions }, status: { ...run.status, actions: rows } }
}

t.test('the first action takes all keys of its stage in one order, a later one only its own', async (t) => {
  const actions = [
    aPlannedAction({ name: '10-read', dryRun: true, exclusive: 'not wanted' }),
    aPlannedAction({ name: '20-skipped', exclusive: 'not wanted either' }),
    aPlannedAction({ name: '30-first', exclusive: 'shop' }),
    aPlannedAction({ name: '40-next', exclusive: 'queue' }),
    aPlannedAction({ name: '50-last', exclusive: 'shop' }),
  ].map((action) => (action.name === '20-skipped' ? { ...action, skip: 'by ann' } : action))
  const claimed = (...names: readonly string[]) =>
    aRun({
      actions,
      status: { actions: names.map((name) => aRow({ name, startTimestamp: iso(newYear) })) },
    })
  t.same(keysFor(claimed('10-read', '30-first'), '30-first'), ['queue', 'shop'])
  t.same(keysFor(claimed('30-first', '40-next'), '40-next'), ['queue'])
  t.same(keysOf(claimed('10-read')), [], 'what is only tried out takes none')
})

t.test('an action that was passed over for want of a key leaves all keys to the next one', async (t) => {
  const actions = [
    aPlannedAction({ name: '10-a', exclusive: 'a', onError: 'Continue' }),
    aPlannedAction({ name: '20-b', exclusive: 'b' }),
    aPlannedAction({ name: '30-c', exclusive: 'c' }),
  ]
  const claim = { see: 'claim', owner: 'one', until: newYear + 30_000 } as const
  let run = aRun({ actions })
  run = { ...run, status: step(run, claim, newYear).status }
  t.same(keysFor(run, '10-a'), ['a', 'b', 'c'])
  const outcome = notBegun('exclusive', 'the exclusive key "c" is taken by Backup velero/other')
  run = { ...run, status: step(run, { see: 'outcome', action: '10-a', outcome }, newYear).status }
  t.match(run.status.actions, [{ phase: 'Failed' }, { phase: 'Running' }, { phase: 'Pending' }])
  t.same(keysFor(run, '20-b'), ['a', 'b', 'c'])
  t.same(keysOf(run), ['a', 'b', 'c'], 'it may have taken some, which are given back')
  const done = step(run, { see: 'outcome', action: '20-b', outcome: aDone() }, newYear)
  t.same(keysFor({ ...run, status: done.status }, '30-c'), ['c'])
})

t.test('a run may have all its keys once an action was claimed, whatever became of it', async (t) => {
  const run = withRows(ended('Succeeded'))
  t.same(keysOf(run), ['a', 'b', 'c'])
  const actions = run.status.actions.map((row) => ({ ...row, phase: 'Skipped' as const }))
  t.same(
    keysOf({ ...run, status: { ...run.status, actions } }),
    ['a', 'b', 'c'],
    'put back, and skipped in the end',
  )
  t.same(keysOf({ ...run, status: {} }), [], 'nothing was claimed')
  t.same(keysOf({ ...withRows(ended('Succeeded')), spec: { ...aRun().spec, stage: 'PostBackup' } }), [])
})

t.test(
  'keys are over when nothing is owed, and the post stage has ended if the object started',
  async (t) => {
    const owing = withRows(ended('Succeeded'))
    const undone = {
      ...owing,
      status: {
        ...owing.status,
        phase: 'Undone' as const,
        undoneFrom: 'Succeeded' as const,
        actions: owing.status.actions.map((row) => ({
          ...row,
          undo: { phase: 'Undone' as const, attempts: 1 },
        })),
      },
    }
    t.equal(keysAreOver(owing, { undo: { due: 'Always' }, postEnded: true }), false)
    t.equal(keysAreOver(undone, { undo: { due: 'Always' }, postEnded: false }), false)
    t.equal(keysAreOver(undone, { undo: { due: 'Always' }, postEnded: true }), true)
    t.equal(keysAreOver(undone, { undo: { due: 'All' }, postEnded: false }), true)
    t.equal(keysAreOver(undone, { undo: { notYet: true }, postEnded: true }), false)
  },
)
