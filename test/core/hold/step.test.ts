import t from 'tap'
import type { ActionRun } from '../../../src/api/action-run.ts'
import { holdStep, whyCut, type HoldFacts } from '../../../src/core/hold/step.ts'
import { seenObjectOf } from '../../../src/core/post.ts'
import { aBackup, aRun, type RunGiven, type VeleroGiven } from '../../support/build.ts'
import { newYear } from '../../support/fake-clock.ts'

const hour = 3_600_000
const iso = (ms: number) => new Date(ms).toISOString()
const held = (given: VeleroGiven = {}) =>
  seenObjectOf(
    'Backup',
    aBackup({ annotations: { 'tidewaiter.io/hold': 'pre-actions' }, phase: 'New', ...given }),
  )
const free = (given: VeleroGiven = {}) => held({ annotations: {}, ...given })
const run = (phase: NonNullable<ActionRun['status']['phase']>, given: RunGiven['status'] = {}) =>
  aRun({ held: true, status: { phase, ...given } })
const step = (facts: Partial<HoldFacts>) =>
  holdStep({
    object: held(),
    run: run('Pending'),
    hasTurn: true,
    owner: 'me',
    formers: new Set(),
    longestMs: hour,
    now: newYear + 1_000,
    here: newYear + 1_000,
    ...facts,
  })

t.test('what has no run gets one', async (t) => {
  t.same(step({ run: undefined }), { do: 'write-run' })
})

t.test('what has a turn is driven, what has none waits until its hold ends', async (t) => {
  t.same(step({}), { do: 'drive' })
  t.same(step({ hasTurn: false }), { do: 'wait', forMs: hour - 1_000 })
})

t.test('what runs goes on without a turn; what another owner runs is waited for', async (t) => {
  t.same(step({ run: run('Running', { owner: 'me' }), hasTurn: false }), { do: 'drive' })
  const other = run('Running', { owner: 'other', deadline: iso(newYear + 10_000) })
  t.same(step({ run: other }), { do: 'wait', forMs: 14_000 })
  t.same(step({ run: other, here: newYear + 15_000 }), { do: 'drive' }, 'by the clock of who acts')
})

for (const phase of ['Succeeded', 'Skipped'] as const)
  t.test(`a run that ended as ${phase} lets it go`, async (t) => {
    t.same(step({ run: run(phase) }), { do: 'release' })
  })

for (const phase of ['Refused', 'Unknown'] as const)
  t.test(`a run that ended as ${phase} fails it, also while it is undone`, async (t) => {
    t.same(step({ run: run(phase) }), { do: 'fail' })
    t.same(step({ run: run('Undoing', { undoneFrom: phase }) }), { do: 'fail' })
    t.same(step({ run: run('Undone', { undoneFrom: phase }) }), { do: 'fail' })
  })

t.test('a hold has a longest life, also with an action that its own owner runs', async (t) => {
  for (const phase of ['Pending', 'Running'] as const)
    t.match(step({ run: run(phase, { owner: 'me' }), now: newYear + hour }), {
      do: 'abort',
      reason: 'HeldTooLong',
    })
  t.match(step({ run: run('Pending'), now: newYear + hour - 1 }), { do: 'drive' })
})

t.test('what is deleted is aborted; what has ended already is left alone', async (t) => {
  for (const object of [held({ deletionTimestamp: iso(newYear) }), held({ phase: 'Deleting' })]) {
    t.match(step({ object }), { do: 'abort', reason: 'Deleted' })
    t.same(step({ object, run: run('Refused') }), { do: 'nothing' })
  }
})

const aborted = held({
  annotations: { 'tidewaiter.io/hold': 'pre-actions', 'tidewaiter.io/abort': 'ann: wrong cluster' },
})

t.test('what somebody aborts is recorded first, then cut short, and never let go', async (t) => {
  t.same(step({ object: aborted, run: undefined }), { do: 'write-run' })
  const message = 'it was aborted by hand (ann: wrong cluster)'
  for (const phase of ['Pending', 'Running'] as const)
    t.same(step({ object: aborted, run: run(phase, { owner: 'me' }), hasTurn: false }), {
      do: 'abort',
      reason: 'Aborted',
      message,
    })
  for (const phase of ['Succeeded', 'Skipped', 'Refused'] as const)
    t.same(step({ object: aborted, run: run(phase) }), { do: 'fail' })
  const other = run('Running', { owner: 'other', deadline: iso(newYear + 10_000) })
  t.match(step({ object: aborted, run: other }), { do: 'wait' }, 'its owner sees it too')
})

t.test('an abort says nothing of what was let go', async (t) => {
  const object = free({ annotations: { 'tidewaiter.io/abort': 'ann' } })
  t.same(step({ object, run: run('Succeeded') }), { do: 'nothing' })
})

t.test('a hold that was lifted by hand ends the run; one that we ended does not', async (t) => {
  for (const phase of ['New', 'InProgress', 'Completed'])
    t.match(step({ object: free({ phase }) }), { do: 'abort', reason: 'Released' })
  t.match(
    step({ object: held({ phase: 'InProgress' }) }),
    { do: 'abort', reason: 'Released' },
    'the gate was off',
  )
  t.match(step({ object: free({ phase: 'FailedValidation' }) }), { do: 'abort', reason: 'Deleted' })
  t.same(step({ object: free(), run: run('Succeeded') }), { do: 'nothing' })
  t.same(step({ object: free(), run: aRun() }), { do: 'nothing' }, 'its actions ran inside its admission')
})

t.test('an action of what is held is cut short by the end of the hold, whatever ended it', async (t) => {
  const { uid } = held()
  const why = (seen: Parameters<typeof whyCut>[0], now = newYear) =>
    whyCut(seen, { uid, endsAt: newYear + hour, now })
  t.equal(why(held()), undefined)
  t.equal(why(held(), newYear + hour), 'HeldTooLong')
  for (const gone of [undefined, held({ uid: 'another' }), held({ phase: 'Deleting' })])
    t.equal(why(gone), 'Deleted')
  for (const lifted of [free(), held({ phase: 'InProgress' })]) t.equal(why(lifted), 'Released')
})
