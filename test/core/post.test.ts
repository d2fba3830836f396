import t from 'tap'
import {
  finishedAt,
  heldForMs,
  isSynced,
  postStep,
  seenObjectOf,
  speaksOf,
  type PostFacts,
} from '../../src/core/post.ts'
import { progressOf } from '../../src/core/velero.ts'
import { aBackup, aRun, type RunGiven, type VeleroGiven } from '../support/build.ts'
import { newYear } from '../support/fake-clock.ts'

const iso = (ms: number) => new Date(ms).toISOString()
const run = (status: RunGiven['status']) =>
  aRun({ stage: 'PostBackup', ...(status === undefined ? {} : { status }) })

function facts(given: VeleroGiven, more: Partial<PostFacts> = {}): PostFacts {
  const object = seenObjectOf('Backup', aBackup({ creationTimestamp: iso(newYear - 60_000), ...given }))
  const progress = progressOf(object.progress, newYear)
  return {
    object,
    progress,
    run: undefined,
    unread: undefined,
    runName: 'b1-1a2b3c4d-postbackup',
    installedAt: newYear - 3_600_000,
    unwatchedSince: newYear - 3_600_000,
    lookedUntil: newYear - 3_600_000,
    owner: 'one',
    formers: new Set(),
    now: newYear,
    ...more,
  }
}
const told = { annotations: { 'tidewaiter.io/post': '{"run":"b1-1a2b3c4d-postbackup"}' } }
const ended = { phase: 'Completed', status: { completionTimestamp: iso(newYear - 1_000) } }

for (const [name, { given, more, want }] of Object.entries({
  'unfinished, no run': {
    given: { phase: 'InProgress' },
    more: {},
    want: { do: 'write-run', actionsBefore: Number.POSITIVE_INFINITY },
  },
  'ended, no run': { given: ended, more: {}, want: { do: 'write-run', actionsBefore: newYear - 1_000 } },
  'being deleted, no run': { given: { phase: 'Deleting' }, more: {}, want: { do: 'nothing' } },
  'told, run pruned': { given: { ...ended, ...told }, more: {}, want: { do: 'nothing' } },
  'before the install': { given: ended, more: { installedAt: newYear }, want: { do: 'nothing' } },
  'ended while a leader looked': {
    given: ended,
    more: { unwatchedSince: newYear, lookedUntil: newYear },
    want: { do: 'nothing', because: 'ended while a leader looked, which found nothing to do' },
  },
  'ended while a leader was there that did not look': {
    given: ended,
    more: { unwatchedSince: newYear, lookedUntil: newYear - 1_000 },
    want: { do: 'report-missed', actionsBefore: newYear - 1_000 },
  },
  'ended before the install while a leader did not look': {
    given: ended,
    more: { unwatchedSince: newYear, installedAt: newYear },
    want: { do: 'nothing', because: 'ended before tidewaiter was installed' },
  },
  synced: {
    given: { ...ended, creationTimestamp: iso(newYear + 60_000) },
    more: {},
    want: { do: 'nothing' },
  },
  'nobody knows when, recent': { given: { phase: 'Failed' }, more: {}, want: { do: 'report-unfired' } },
  'nobody knows when, history': {
    given: { phase: 'Failed' },
    more: { installedAt: newYear },
    want: { do: 'nothing', because: 'history' },
  },
  'run waits, not ended': { given: { phase: 'InProgress' }, more: { run: run({}) }, want: { do: 'nothing' } },
  'run waits, items done': { given: { phase: 'Finalizing' }, more: { run: run({}) }, want: { do: 'drive' } },
  'run waits, never started': {
    given: { phase: 'FailedValidation' },
    more: { run: run({}) },
    want: { do: 'drive' },
  },
  'run without a phase, ended': {
    given: ended,
    more: { run: { ...run({}), status: {} } },
    want: { do: 'drive' },
  },
  'own run in the middle': {
    given: ended,
    more: { run: run({ phase: 'Running', owner: 'one', deadline: iso(newYear + 9_000) }) },
    want: { do: 'drive' },
  },
  "another's run in the middle": {
    given: ended,
    more: { run: run({ phase: 'Running', owner: 'two', deadline: iso(newYear + 9_000) }) },
    want: { do: 'wait', untilMs: 14_000 },
  },
  "another's run, overdue": {
    given: ended,
    more: { run: run({ phase: 'Running', owner: 'two', deadline: iso(newYear - 5_000) }) },
    want: { do: 'drive' },
  },
  "another's run without a deadline": {
    given: ended,
    more: { run: run({ phase: 'Running', owner: 'two' }) },
    want: { do: 'drive' },
  },
  'settled, not told': { given: ended, more: { run: run({ phase: 'Failed' }) }, want: { do: 'tell' } },
  'settled and told': {
    given: { ...ended, ...told },
    more: { run: run({ phase: 'Failed' }) },
    want: { do: 'nothing', because: 'done and told' },
  },
} as const)) {
  t.test(`what an object needs: ${name}`, async (t) => {
    t.match(postStep(facts(given, more)), want)
  })
}

t.test('when it finished: its own word, else the last write of its status', async (t) => {
  const metadata = {
    ...aBackup().metadata,
    managedFields: [
      { time: iso(newYear - 5_000), fieldsV1: { 'f:status': {} } },
      { time: 'never', fieldsV1: { 'f:status': {} } },
    ],
  }
  const object = seenObjectOf('Backup', { ...aBackup({ phase: 'Failed' }), metadata })
  t.equal(finishedAt(object), newYear - 5_000)
  t.equal(finishedAt({ ...object, completedAt: newYear }), newYear)
  t.ok(Number.isNaN(finishedAt(seenObjectOf('Backup', aBackup()))))
})

t.test(
  'synced: it finished before it was created here, or began before and does not say when it finished',
  async (t) => {
    const object = facts(ended).object
    const { createdAt } = object
    t.equal(isSynced({ ...object, completedAt: createdAt - 1_000 }), true)
    t.equal(isSynced({ ...object, completedAt: createdAt }), false)
    t.equal(isSynced({ ...object, completedAt: Number.NaN, startedAt: createdAt - 1_001 }), true)
    t.equal(isSynced({ ...object, startedAt: createdAt - 60_000 }), false)
    t.equal(isSynced({ ...object, completedAt: Number.NaN, startedAt: Number.NaN }), false)
  },
)

t.test('an annotation speaks of a run only if it names it', async (t) => {
  t.equal(speaksOf('{"run":"a"}', 'a'), true)
  for (const text of ['', '{"run":"b"}', '{', 'null', '"a"', '{"run":["a"]}'])
    t.equal(speaksOf(text, 'a'), false, text)
})

t.test('only a Running run of another is held', async (t) => {
  const at = { owner: 'one', formers: new Set(['zero']), now: newYear }
  t.equal(heldForMs(run({ phase: 'Pending', owner: 'two', deadline: iso(newYear + 9_000) }), at), 0)
  t.equal(heldForMs(run({ phase: 'Running', owner: 'two', deadline: iso(newYear) }), at), 5_000)
  t.equal(heldForMs(run({ phase: 'Running', owner: 'two', deadline: iso(newYear - 5_000) }), at), 0)
})

t.test(
  "what a leader of before left running is anybody's who leads, but for a stage inside a request",
  async (t) => {
    const at = { owner: 'one', formers: new Set(['zero']), now: newYear }
    const left = (phase: 'Running' | 'Undoing', more: Parameters<typeof aRun>[0]) =>
      heldForMs(aRun({ status: { phase, owner: 'zero', deadline: iso(newYear) }, ...more }), at)
    t.equal(left('Running', { stage: 'PostBackup' }), 0)
    t.equal(left('Running', { stage: 'PreBackup', held: true }), 0)
    t.equal(left('Undoing', { stage: 'PreBackup' }), 0)
    t.equal(left('Running', { stage: 'PreBackup' }), 5_000)
  },
)
