import t from 'tap'
import type { ActionRun } from '../../../src/api/action-run.ts'
import { standings, unfinishedIn, whyHeld } from '../../../src/core/hold/standing.ts'
import { seenObjectOf } from '../../../src/core/post.ts'
import { aBackup, aPlannedAction, aRow, aRun, type RunGiven, type VeleroGiven } from '../../support/build.ts'
import { newYear } from '../../support/fake-clock.ts'

const iso = (ms: number) => new Date(ms).toISOString()
const backup = (name: string, second: number, given: VeleroGiven = {}) =>
  seenObjectOf(
    'Backup',
    aBackup({ name, uid: name, creationTimestamp: iso(newYear + second * 1000), phase: 'New', ...given }),
  )
const held = (name: string, second: number, given: VeleroGiven = {}) =>
  backup(name, second, { annotations: { 'tidewaiter.io/hold': 'pre-actions' }, ...given })
const run = (status: RunGiven['status'] = {}) => aRun({ held: true, status })

/** Where each stands, by its name. */
function told(objects: readonly ReturnType<typeof held>[], runs: Readonly<Record<string, ActionRun>> = {}) {
  const facts = { objects, slots: 1, stuckAfterMs: 86_400_000, now: newYear + 60_000 }
  const all = standings({ ...facts, runOf: (uid) => runs[uid] ?? run() })
  return Object.fromEntries(
    all.map(({ object, standing }) => [object.name, `${standing.state}: ${standing.words}`]),
  )
}

t.test('while Velero has room it is the turn of the oldest, and the others wait behind it', async (t) => {
  t.same(told([held('b', 2), held('a', 1), held('c', 3)]), {
    a: 'Next: it is its turn: its actions are about to run',
    b: 'Waiting: waits for its turn behind a (held)',
    c: 'Waiting: waits for its turn behind 2 held ones, a first',
  })
})

t.test('what Velero works on is named with its phase, and how many more there are', async (t) => {
  const busy = [
    backup('w', 0, { phase: 'InProgress', status: { startTimestamp: iso(newYear) } }),
    backup('x', 0),
  ]
  t.same(told([...busy, held('a', 1)]), {
    a: 'Waiting: waits for its turn behind w (InProgress), 1 more at work',
  })
})

for (const [name, { status, given = {}, want }] of Object.entries<{
  readonly status: RunGiven['status']
  readonly given?: VeleroGiven
  readonly want: string
}>({
  'an action that runs is named, with since when': {
    status: {
      phase: 'Running',
      startTimestamp: iso(newYear),
      actions: [aRow({ phase: 'Running', startTimestamp: iso(newYear + 57_000) })],
    },
    want: 'Running: runs 10-quiesce since 3 s',
  },
  'and which attempt it is, after it was handed back': {
    status: { phase: 'Running', actions: [aRow({ phase: 'Running', attempts: 2 })] },
    want: 'Running: runs 10-quiesce, attempt 3',
  },
  'the moment between two actions': {
    status: { phase: 'Running', actions: [aRow({ phase: 'Succeeded' })] },
    want: 'Running: between two actions',
  },
  'what waits for a key says so in the words of its row': {
    status: {
      startTimestamp: iso(newYear),
      actions: [aRow({ completionTimestamp: iso(newYear), message: 'waits: the key is taken by b0' })],
    },
    want: 'KeyTaken: 10-quiesce waits: the key is taken by b0',
  },
  'actions that succeeded': {
    status: { phase: 'Succeeded' },
    want: 'Ending: about to start: its actions ended as Succeeded',
  },
  'actions that were undone since': {
    status: { phase: 'Undone', undoneFrom: 'Refused' },
    want: 'Ending: about to fail: its actions ended as Refused',
  },
  'an abort goes before all else': {
    status: { phase: 'Succeeded' },
    given: { annotations: { 'tidewaiter.io/hold': '', 'tidewaiter.io/abort': 'ann' } },
    want: 'Aborting: it was aborted by hand (ann)',
  },
  'so does a deletion': {
    status: {},
    given: { deletionTimestamp: iso(newYear) },
    want: 'Deleting: is being deleted',
  },
}))
  t.test(`told: ${name}`, async (t) => {
    t.same(told([held('a', 1, given)], { a: run(status) }), { a: want })
  })

t.test('why it is held follows from what its run froze', async (t) => {
  t.equal(whyHeld(undefined), undefined)
  t.equal(whyHeld(aRun({ actions: [aPlannedAction({ mode: 'Hold' })] })), '10-quiesce says mode: Hold')
  t.match(whyHeld(aRun({ actions: [aPlannedAction({ timeoutSeconds: 60 })] })), /may take 60 s/)
  t.equal(whyHeld(aRun({ scheduleName: 'nightly' })), 'the Schedule nightly made it')
  t.equal(whyHeld(aRun()), undefined)
})

t.test('what is left undone leaves out what is skipped and what is only tried out', async (t) => {
  const actions = [
    aPlannedAction({ name: '1-done' }),
    aPlannedAction({ name: '2-runs' }),
    aPlannedAction({ name: '3-waits' }),
    aPlannedAction({ name: '4-tried', dryRun: true }),
    { ...aPlannedAction({ name: '5-skipped' }), skip: 'skipped' },
  ]
  const rows = [aRow({ name: '1-done', phase: 'Succeeded' }), aRow({ name: '2-runs', phase: 'Running' })]
  t.same(unfinishedIn(aRun({ actions, status: { actions: rows } })), {
    done: ['1-done'],
    running: ['2-runs'],
    waiting: ['3-waits'],
  })
})
