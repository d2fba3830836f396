import fc from 'fast-check'
import t from 'tap'
import type { ActionRun, RunRow, RunStatus } from '../../../src/api/action-run.ts'
import type { Outcome } from '../../../src/core/outcome.ts'
import { compareNames, inRunOrder } from '../../../src/core/order.ts'
import { settled, step, type Effect, type Seen } from '../../../src/core/run/machine.ts'
import { isStuck, undoDueAt } from '../../../src/core/run/undo.ts'
import { progressOf } from '../../../src/core/velero.ts'
import { anyCharacter } from '../../support/any-text.ts'
import { aBackup, anAction, aPlannedAction, aRow, aRun } from '../../support/build.ts'
import { newYear } from '../../support/fake-clock.ts'
import { notBegun } from '../../../src/core/outcome.ts'
import { aDone, aFailed, anAborted } from '../../support/outcomes.ts'
import { runs } from '../../support/runs.ts'

const now = newYear
const iso = (ms: number): string => new Date(ms).toISOString()
const claim: Seen = { see: 'claim', owner: 'one', until: now + 28_500 }
const post = (phase: string, status: object = {}) =>
  progressOf(aBackup({ phase, status: { ...status } }), now)
const gone = progressOf(undefined, now)

/** Steps a run through sights; gives the run, and the effects of each step. */
function through(run: ActionRun, ...sights: readonly Seen[]) {
  const effects: (readonly Effect[])[] = []
  let current = run
  for (const seen of sights) {
    const next = step(current, seen, now)
    current = { ...current, status: next.status }
    effects.push(next.effects)
  }
  return { run: current, effects, rows: rowsOf(current.status), last: effects.at(-1) ?? [] }
}

const rowsOf = (status: RunStatus) =>
  Object.fromEntries((status.actions ?? []).map(({ name, phase }) => [name, phase]))

const outcome = (action: string, it: Outcome, more: object = {}): Seen => ({
  see: 'outcome',
  action,
  outcome: it,
  ...more,
})

const three = (stage: 'PreBackup' | 'PostBackup', given: Readonly<Record<string, object>> = {}) =>
  aRun({
    stage,
    actions: ['10-a', '20-b', '9-c'].map((name) => aPlannedAction({ name, stage, ...given[name] })),
  })

const waits = { wait: { apiVersion: 'v1', kind: 'Pod', name: 'a', gone: true } }

t.test(
  'a claim starts the first action, and nothing is performed that is not Running on record',
  async (t) => {
    const { run, rows, last } = through(three('PreBackup'), claim)
    t.match(run.status, { phase: 'Running', owner: 'one', deadline: '2026-01-01T00:00:28.500Z' })
    t.same(rows, { '10-a': 'Running', '20-b': 'Pending', '9-c': 'Pending' })
    t.same(last, [{ do: 'perform', action: '10-a', renderOnly: false }])
  },
)

t.test('actions run one after another, and the run succeeds after the last', async (t) => {
  const { run, effects } = through(
    three('PreBackup'),
    claim,
    outcome('10-a', aDone()),
    outcome('20-b', aDone()),
    outcome('9-c', aDone()),
  )
  t.same(
    effects.map(([first]) => (first?.do === 'perform' ? first.action : first?.do)),
    ['10-a', '20-b', '9-c', 'announce'],
  )
  t.match(run.status, { phase: 'Succeeded', reason: 'Done', message: '3 succeeded, 0 failed, 0 skipped' })
})

for (const [name, { stage, want }] of Object.entries({
  'a failed pre action refuses and skips what comes after it': { stage: 'PreBackup', want: 'Refused' },
  'a failed post action fails the run and skips what comes after it': { stage: 'PostBackup', want: 'Failed' },
} as const)) {
  t.test(name, async (t) => {
    const progress = stage === 'PreBackup' ? {} : { progress: post('Completed') }
    const { run, rows, last } = through(
      three(stage),
      { ...claim, ...progress },
      outcome('10-a', aFailed(), progress),
    )
    t.match(run.status, { phase: want, reason: 'ActionFailed', message: /503/ })
    t.same(rows, { '10-a': 'Failed', '20-b': 'Skipped', '9-c': 'Skipped' })
    t.same(last, [{ do: 'announce' }])
  })
}

t.test(
  'a failure with onError Continue goes on; the pre stage succeeds, the post stage is Failed',
  async (t) => {
    for (const [stage, want] of [
      ['PreBackup', 'Succeeded'],
      ['PostBackup', 'Failed'],
    ] as const) {
      const progress = stage === 'PreBackup' ? {} : { progress: post('Completed') }
      const { run, rows } = through(
        three(stage, { '10-a': { onError: 'Continue' } }),
        { ...claim, ...progress },
        outcome('10-a', aFailed(), progress),
        outcome('20-b', aDone(), progress),
        outcome('9-c', aDone(), progress),
      )
      t.match(run.status, { phase: want })
      t.same(rows, { '10-a': 'Failed', '20-b': 'Succeeded', '9-c': 'Succeeded' })
    }
  },
)

for (const because of ['OutOfTime', 'ClientGone', 'Stopping'] as const) {
  t.test(`a pre action that is cut short (${because}) refuses, also with onError Continue`, async (t) => {
    const run = three('PreBackup', { '10-a': { onError: 'Continue' } })
    const seen = through(run, claim, outcome('10-a', anAborted(), { because }))
    t.match(seen.run.status, { phase: 'Refused', reason: because })
    t.same(seen.rows, { '10-a': 'Failed', '20-b': 'Skipped', '9-c': 'Skipped' })
  })
}

t.test('a post action that is cut short is handed back, and the next owner does it again', async (t) => {
  const progress = post('Completed')
  const seen = through(
    three('PostBackup'),
    { ...claim, progress },
    outcome('10-a', anAborted(), { progress, because: 'Stopping' }),
  )
  t.match(seen.run.status, { phase: 'Pending', completionTimestamp: undefined })
  t.same(seen.rows, { '10-a': 'Pending', '20-b': 'Pending', '9-c': 'Pending' })
  t.same(seen.last, [], 'nothing is started by an owner that stops')
  t.equal(seen.run.status.actions?.[0]?.attempts, 1, 'the attempt is counted')
  const next = step(seen.run, { see: 'claim', owner: 'two', until: now + 1000, progress }, now)
  t.same(next.effects, [{ do: 'perform', action: '10-a', renderOnly: false }])
})

for (const [name, { given, abort, want, last }] of Object.entries({
  'of a post action that must not be done twice and was cut short, nobody knows': {
    given: { idempotent: false },
    abort: anAborted(),
    want: 'Unknown',
    last: ['announce', 'report-unknown'],
  },
  'one that was cut short before anything was sent is handed back, whatever it says': {
    given: { idempotent: false },
    abort: anAborted({ mayHaveHadEffect: false }),
    want: 'Pending',
    last: [],
  },
  'with onError Continue the rest waits for the next owner': {
    given: { idempotent: false, onError: 'Continue' },
    abort: anAborted(),
    want: 'Pending',
    last: ['report-unknown'],
  },
} as const)) {
  t.test(name, async (t) => {
    const progress = post('Completed')
    const run = three('PostBackup', { '10-a': given })
    const seen = through(run, { ...claim, progress }, outcome('10-a', abort, { progress }))
    t.equal(seen.run.status.phase, want)
    t.same(
      seen.last.map(({ do: what }) => what),
      last,
    )
  })
}

t.test(
  'the last action that is cut short and not known ends the run as Unknown, also with Continue',
  async (t) => {
    const run = aRun({
      stage: 'PostBackup',
      actions: [aPlannedAction({ name: 'a', stage: 'PostBackup', idempotent: false, onError: 'Continue' })],
    })
    const seen = through(
      run,
      { ...claim, progress: gone },
      { ...claim, progress: post('Completed') },
      outcome('a', anAborted()),
    )
    t.match(seen.run.status, { phase: 'Skipped' }, 'Deleted is not named by default')
    const other = through(run, { ...claim, progress: post('Completed') }, outcome('a', anAborted()))
    t.match(other.run.status, { phase: 'Unknown' })
  },
)

t.test('a skipped action is never performed', async (t) => {
  const skip = 'skipped by the annotation 10-a/prebackup=skip'
  const run = aRun({ actions: [{ ...aPlannedAction({ name: '10-a' }), skip }] })
  const { run: after, last, rows } = through(run, claim)
  t.match(after.status, { phase: 'Skipped', reason: 'NothingToDo' })
  t.same(rows, { '10-a': 'Skipped' })
  t.equal(after.status.actions?.[0]?.message, skip)
  t.same(last, [{ do: 'announce' }])
})

t.test('an action with dryRun is only rendered', async (t) => {
  const { last } = through(aRun({ actions: [aPlannedAction({ dryRun: true })] }), claim)
  t.match(last, [{ do: 'perform', renderOnly: true }])
})

for (const [name, { when, at, progress, want }] of Object.entries({
  'Completed is in the default': {
    when: undefined,
    at: undefined,
    progress: post('Completed'),
    want: 'Running',
  },
  'Failed is in the default': { when: undefined, at: undefined, progress: post('Failed'), want: 'Running' },
  'FailedValidation is only where it is named': {
    when: undefined,
    at: undefined,
    progress: post('FailedValidation'),
    want: 'Skipped',
  },
  'FailedValidation where it is named': {
    when: ['FailedValidation'],
    at: undefined,
    progress: post('FailedValidation'),
    want: 'Running',
  },
  'Deleted is only where it is named': { when: undefined, at: undefined, progress: gone, want: 'Skipped' },
  'Deleted where it is named': { when: ['Deleted'], at: undefined, progress: gone, want: 'Running' },
  'another end than the one named': {
    when: ['Failed'],
    at: undefined,
    progress: post('Completed'),
    want: 'Skipped',
  },
  'still in progress': { when: undefined, at: undefined, progress: post('InProgress'), want: 'Pending' },
  'items are done, and it waits for the end': {
    when: undefined,
    at: undefined,
    progress: post('Finalizing'),
    want: 'Pending',
  },
  'ItemsDone while in progress': {
    when: undefined,
    at: 'ItemsDone',
    progress: post('InProgress'),
    want: 'Pending',
  },
  'ItemsDone when it left InProgress': {
    when: undefined,
    at: 'ItemsDone',
    progress: post('WaitingForPluginOperations'),
    want: 'Running',
  },
  'ItemsDone when it jumped to an end': {
    when: undefined,
    at: 'ItemsDone',
    progress: post('PartiallyFailed'),
    want: 'Running',
  },
  'ItemsDone of one that never started': {
    when: undefined,
    at: 'ItemsDone',
    progress: post('FailedValidation'),
    want: 'Skipped',
  },
  'ItemsDone of one that was deleted': { when: undefined, at: 'ItemsDone', progress: gone, want: 'Skipped' },
} as const)) {
  t.test(`a post action and its end: ${name}`, async (t) => {
    const given = {
      name: 'a',
      stage: 'PostBackup',
      ...(when && { when: [...when] }),
      ...(at && { at }),
    } as const
    const { rows, run } = through(aRun({ stage: 'PostBackup', actions: [aPlannedAction(given)] }), {
      ...claim,
      progress,
    })
    t.equal(rows['a'] ?? 'Pending', want)
    t.equal(run.status.phase, want)
  })
}

t.test(
  'a claim that finds nothing due changes nothing: the same status object, so nothing is written',
  async (t) => {
    const run = three('PostBackup')
    for (const phase of ['InProgress', 'Finalizing', 'WaitingForPluginOperations'])
      t.equal(step(run, { ...claim, progress: post(phase) }, now).status, run.status, phase)
  },
)

t.test('a run goes Pending, Running, Pending, Running where some actions wait for the end', async (t) => {
  const run = three('PostBackup', { '20-b': { at: 'ItemsDone' } })
  const early = { progress: post('Finalizing') }
  const first = through(run, { ...claim, ...early }, outcome('20-b', aDone(), early))
  t.equal(first.run.status.phase, 'Pending')
  t.same(first.rows, { '10-a': 'Pending', '20-b': 'Succeeded', '9-c': 'Pending' })
  t.equal(step(first.run, { ...claim, ...early }, now).status, first.run.status, 'and rests')
  const end = { progress: post('Completed') }
  const second = through(
    first.run,
    { ...claim, ...end },
    outcome('10-a', aDone(), end),
    outcome('9-c', aDone(), end),
  )
  t.match(second.run.status, { phase: 'Succeeded', endedAs: 'Completed' })
})

t.test('a Failed that Velero may take back makes nothing due', async (t) => {
  const status = {
    failureReason: 'found a backup with status "InProgress" during the server starting, mark it as "Failed"',
    completionTimestamp: new Date(now - 30_000).toISOString(),
  }
  const run = three('PostBackup', { '20-b': { at: 'ItemsDone' } })
  t.equal(step(run, { ...claim, progress: post('Failed', status) }, now).status, run.status)
  const later = progressOf(aBackup({ phase: 'Failed', status }), now + 31_000)
  t.equal(step(run, { ...claim, progress: later }, now).status.phase, 'Running')
})

t.test('a post deadline moves with each action: its own timeout and 5 s to write it down', async (t) => {
  const run = aRun({
    stage: 'PostBackup',
    actions: [aPlannedAction({ stage: 'PostBackup', timeoutSeconds: 3600 })],
  })
  const { run: after } = through(run, { ...claim, progress: post('Completed') })
  t.equal(Date.parse(after.status.deadline ?? ''), now + 3_605_000)
})

const overdue: Seen = { see: 'overdue', owner: 'two', until: now + 60_000 }

t.test(
  'of a pre run whose owner is gone, the running action is Unknown and the rest never runs',
  async (t) => {
    const { run, rows, last } = through(three('PreBackup'), claim, overdue)
    t.match(run.status, { phase: 'Unknown', reason: 'OwnerLost' })
    t.same(rows, { '10-a': 'Unknown', '20-b': 'Skipped', '9-c': 'Skipped' })
    t.same(last, [{ do: 'announce' }, { do: 'report-unknown', action: '10-a' }])
  },
)

t.test('of a post run whose owner is gone', async (t) => {
  const progress = post('Completed')
  const lose = (given: object) =>
    through(three('PostBackup', { '10-a': given }), { ...claim, progress }, { ...overdue, progress })

  t.test('an idempotent action is done again', async (t) => {
    const { run, last } = lose({})
    t.match(run.status, { phase: 'Running', owner: 'two' })
    t.same(last, [{ do: 'perform', action: '10-a', renderOnly: false }])
  })
  t.test('another is left Unknown, reported, and ends the stage', async (t) => {
    const { run, rows, last } = lose({ idempotent: false })
    t.match(run.status, { phase: 'Unknown', reason: 'OwnerLost' })
    t.same(rows, { '10-a': 'Unknown', '20-b': 'Skipped', '9-c': 'Skipped' })
    t.same(last, [{ do: 'announce' }, { do: 'report-unknown', action: '10-a' }])
  })
  t.test('with onError Continue the next one runs, and the run ends as Unknown', async (t) => {
    const { run, last } = lose({ idempotent: false, onError: 'Continue' })
    t.match(last, [
      { do: 'perform', action: '20-b' },
      { do: 'report-unknown', action: '10-a' },
    ])
    const end = through(run, outcome('20-b', aDone(), { progress }), outcome('9-c', aDone(), { progress }))
    t.equal(end.run.status.phase, 'Unknown')
  })
  t.test('one that is only rendered is rendered again, whatever it says', async (t) => {
    t.match(lose({ idempotent: false, dryRun: true }).last, [{ do: 'perform', renderOnly: true }])
  })
  t.test('one that only waits waits again, whatever it says', async (t) => {
    t.match(lose({ idempotent: false, ...waits }).last, [{ do: 'perform', renderOnly: false }])
  })
})

t.test('an abort between actions ends the run; an action that runs then is Unknown', async (t) => {
  const abort: Seen = { see: 'abort', reason: 'Stopping', message: 'the replica stops' }
  t.match(through(three('PreBackup'), abort).run.status, { phase: 'Refused', reason: 'Stopping' })
  const { rows, last } = through(three('PreBackup'), claim, abort)
  t.equal(rows['10-a'], 'Unknown')
  t.same(last, [{ do: 'announce' }, { do: 'report-unknown', action: '10-a' }])
})

t.test('a run whose object never appeared is Skipped', async (t) => {
  t.match(through(three('PostBackup'), { see: 'pointless', message: 'it never appeared' }).run.status, {
    phase: 'Skipped',
    reason: 'Pointless',
  })
})

t.test('a sight that means nothing in a phase changes nothing', async (t) => {
  const sights: readonly Seen[] = [
    claim,
    overdue,
    outcome('10-a', aDone()),
    { see: 'pointless', message: '' },
  ]
  for (const phase of ['Succeeded', 'Refused', 'Failed', 'Undone', 'Skipped', 'Unknown'] as const)
    for (const seen of sights) {
      const run = aRun({ status: { phase } })
      t.same(step(run, seen, now), { status: run.status, effects: [] }, `${phase} ${seen.see}`)
    }
  const run = through(three('PreBackup'), claim).run
  t.equal(step(run, claim, now).status, run.status, 'a running run is not claimed again')
  t.equal(
    step(run, outcome('20-b', aDone()), now).status,
    run.status,
    'an outcome of an action that does not run',
  )
  t.equal(step(run, outcome('nobody', aDone()), now).status, run.status, 'an outcome of nobody')
})

t.test('a row that was never written is Pending', async (t) => {
  const run = { ...three('PreBackup'), status: {} }
  t.match(through(run, claim).rows, { '10-a': 'Running', '20-b': 'Pending' })
})

t.test('what is recorded is cut to what the record takes', async (t) => {
  const long = 'x'.repeat(50_000)
  const { run } = through(aRun(), claim, outcome('10-quiesce', aFailed({ message: long, request: long })))
  t.equal(run.status.message?.length, 32_000)
  t.match(run.status.actions, [{ message: 'x'.repeat(4096), request: 'x'.repeat(8192) }])
})

t.test('attempts add up over owners, and outputs are kept', async (t) => {
  const run = aRun({ status: { phase: 'Running', actions: [aRow({ phase: 'Running', attempts: 2 })] } })
  const { run: after } = through(run, outcome('10-quiesce', aDone({ attempts: 3, outputs: { lsn: '7' } })))
  t.match(after.status.actions, [{ attempts: 5, outputs: { lsn: '7' } }])
})

const undo = { undo: { http: { url: 'https://quiesce.shop/thaw' } } }
const undoing = (
  given: Readonly<Record<string, object>>,
  rows: readonly RunRow[],
  phase: RunPhase = 'Refused',
) => {
  const run = three('PreBackup', given)
  return { ...run, status: { phase, completionTimestamp: at(now), actions: rows } }
}
type RunPhase = NonNullable<RunStatus['phase']>
const at = (ms: number) => new Date(ms).toISOString()
const begin = (scope: 'All' | 'Always' = 'All'): Seen => ({
  see: 'undo',
  owner: 'two',
  scope,
})
const undone = (action: string, it: Outcome): Seen => ({ see: 'undone', action, outcome: it })
const undos = (run: ActionRun) =>
  Object.fromEntries((run.status.actions ?? []).map(({ name, undo }) => [name, undo?.phase]))
const all = { '10-a': undo, '20-b': undo, '9-c': undo }

t.test('undo: what started and may have had its effect is undone, in reverse order', async (t) => {
  const refused = undoing(all, [
    aRow({ name: '10-a', phase: 'Succeeded' }),
    aRow({ name: '20-b', phase: 'Failed' }),
    aRow({ name: '9-c', phase: 'Skipped' }),
  ])
  const one = through(refused, begin())
  t.same(one.last, [{ do: 'undo', action: '20-b' }])
  t.match(one.run.status, { phase: 'Undoing', undoneFrom: 'Refused', owner: 'two' })
  const two = through(one.run, undone('20-b', aDone()))
  t.same(two.last, [{ do: 'undo', action: '10-a' }])
  t.same(through(two.run, begin()).last, [{ do: 'undo', action: '10-a' }], 'the next owner goes on with it')
  const end = through(two.run, undone('10-a', aDone()))
  t.match(end.run.status, { phase: 'Undone', undoneFrom: 'Refused', completionTimestamp: at(now) })
  t.same(undos(end.run), { '10-a': 'Undone', '20-b': 'Undone', '9-c': undefined })
  t.same(
    end.rows,
    { '10-a': 'Succeeded', '20-b': 'Failed', '9-c': 'Skipped' },
    'what they did stays on record',
  )
  t.same(end.last, [{ do: 'announce' }])
  t.same(through(end.run, begin()).last, [], 'undone once')
})

t.test(
  'undo: what is certain to have had no effect, was only tried out or never ran is left alone',
  async (t) => {
    const run = undoing({ ...all, '20-b': { ...undo, dryRun: true } }, [
      aRow({ name: '10-a', phase: 'Failed', noEffect: true }),
      aRow({ name: '20-b', phase: 'Succeeded' }),
      aRow({ name: '9-c', phase: 'Skipped' }),
    ])
    t.same(through(run, begin()), { ...through(run, begin()), run, last: [] })
  },
)

t.test('undo: a failure without effect is recorded as one', async (t) => {
  const { run } = through(
    three('PreBackup', all),
    claim,
    outcome('10-a', aFailed({ mayHaveHadEffect: false })),
  )
  t.match(run.status.actions, [{ name: '10-a', phase: 'Failed', noEffect: true }])
  t.same(through(run, begin()).last, [])
})

t.test('undo: once the object has ended, only what says Always is undone', async (t) => {
  const rows = ['10-a', '20-b', '9-c'].map((name) => aRow({ name, phase: 'Succeeded' }))
  const run = undoing({ ...all, '20-b': { ...undo, undoAt: 'Always' } }, rows, 'Succeeded')
  const one = through(run, begin('Always'))
  t.same(one.last, [{ do: 'undo', action: '20-b' }])
  t.match(through(one.run, undone('20-b', aDone())).run.status, { phase: 'Undone', undoneFrom: 'Succeeded' })
})

t.test('undo: one that fails is tried again, later and later, and what came before it waits', async (t) => {
  const rows = ['10-a', '20-b'].map((name) => aRow({ name, phase: 'Succeeded' }))
  const first = through(undoing(all, rows), begin(), undone('20-b', aFailed()))
  t.same(first.last, [], 'it rests')
  t.equal(first.run.status.phase, 'Undoing')
  t.equal(undoDueAt(first.run, 'All', now), now + 5_000)
  t.ok(
    (undoDueAt(first.run, 'All', now - 3_600_000) ?? now) < now - 3_600_000,
    'a clock that was set back holds up nothing',
  )
  t.same(step(first.run, begin(), now + 4_999).effects, [])
  t.same(step(first.run, begin(), now + 5_000).effects, [{ do: 'undo', action: '20-b' }])
})

t.test(
  'undo: after eight failures it is stuck: told once, no longer in the way, and tried every ten minutes',
  async (t) => {
    const rows = ['10-a', '20-b'].map((name) => aRow({ name, phase: 'Succeeded' }))
    const before = rows.map((row) =>
      row.name === '20-b'
        ? { ...row, undo: { phase: 'Undoing' as const, attempts: 7, lastTimestamp: at(now - 3_600_000) } }
        : row,
    )
    const eighth = through(undoing(all, before, 'Undoing'), begin(), undone('20-b', aFailed()))
    t.same(eighth.last, [
      { do: 'undo', action: '10-a' },
      { do: 'report-stuck', action: '20-b' },
    ])
    t.ok(isStuck(eighth.run))
    const rests = through(eighth.run, undone('10-a', aDone()))
    t.same(rests.last, [])
    t.equal(undoDueAt(rests.run, 'All', now), now + 10 * 60_000)
    const later = now + 10 * 60_000
    t.same(step(rests.run, begin(), later).effects, [{ do: 'undo', action: '20-b' }])
    const again = { ...rests.run, status: step(rests.run, undone('20-b', aFailed()), later).status }
    t.ok(isStuck(again))
    t.same(step(rests.run, undone('20-b', aFailed()), later).effects, [], 'it is told once')
    const done = step(again, undone('20-b', aDone()), later + 1)
    t.match(done, { status: { phase: 'Undone' }, effects: [{ do: 'announce' }] })
  },
)

t.test(
  'undo: an owner that stops in the middle of one costs no attempt, and gives the run away',
  async (t) => {
    const rows = ['10-a', '20-b'].map((name) => aRow({ name, phase: 'Succeeded' }))
    const { run, last } = through(undoing(all, rows), begin(), undone('20-b', anAborted()))
    t.match(run.status.actions, [{}, { undo: { phase: 'Undoing', attempts: 0 } }])
    t.same(last, [], 'it begins nothing more')
    t.equal(run.status.deadline, at(now), 'the next owner waits for no more than the margin')
  },
)

t.test('undo: its deadline moves with each undo, and is over while nothing is under way', async (t) => {
  const rows = ['10-a', '20-b'].map((name) => aRow({ name, phase: 'Succeeded' }))
  const slow = { ...all, '20-b': { ...undo, timeoutSeconds: 600 } }
  const first = through(undoing(slow, rows), begin())
  t.equal(first.run.status.deadline, at(now + 605_000))
  t.equal(through(first.run, undone('20-b', aDone())).run.status.deadline, at(now + 15_000))
  t.equal(through(first.run, undone('20-b', aFailed())).run.status.deadline, at(now))
})

t.test('undo: one whose key another object has waits longer each time, and is told as stuck', async (t) => {
  const rows = [aRow({ name: '10-a', phase: 'Unknown' })]
  const waits = through(undoing(all, rows), begin(), undone('10-a', notBegun('exclusive', 'taken')))
  t.match(waits.run.status.actions, [{ undo: { phase: 'Undoing', attempts: 1, message: 'taken' } }])
  t.same(waits.last, [])
  t.equal(undoDueAt(waits.run, 'All', now), now + 5_000)
})

t.test('undo: what was begun because the object never started stays owed if it did after all', async (t) => {
  const rows = ['10-a', '20-b'].map((name) => aRow({ name, phase: 'Succeeded' }))
  const begun = through(undoing(all, rows, 'Succeeded'), begin('All'), undone('20-b', aFailed())).run
  t.equal(undoDueAt(begun, 'Always', now), now + 5_000)
  t.same(step(begun, begin('Always'), now + 5_000).effects, [{ do: 'undo', action: '20-b' }])
})

t.test('undo: what was cut short and is not done again may have had its effect', async (t) => {
  const running = through({ ...three('PreBackup', all), spec: heldRun(all).spec }, claim)
  const cut = through(running.run, outcome('10-a', anAborted()))
  t.match(cut.run.status.actions, [{ name: '10-a', phase: 'Pending', cutShort: true }])
  const late = through(cut.run, { see: 'abort', reason: 'HeldTooLong', message: 'too long' })
  t.match(late.run.status, { phase: 'Refused', reason: 'HeldTooLong', actions: [{ phase: 'Unknown' }] })
  t.same(through(late.run, begin()).last, [{ do: 'undo', action: '10-a' }])
})

t.test('undo: an attempt that had no effect says nothing of the one before it', async (t) => {
  const nothing = outcome('10-a', aFailed({ mayHaveHadEffect: false }))
  const running = through({ ...three('PreBackup', all), spec: heldRun(all).spec }, claim).run
  const again = through(running, { see: 'overdue', owner: 'two', until: now }, nothing)
  t.match(again.run.status, { phase: 'Refused', actions: [{ phase: 'Failed', cutShort: true }] })
  t.same(through(again.run, begin()).last, [{ do: 'undo', action: '10-a' }])
  const back = outcome('10-a', notBegun('internal', 'no answer'))
  const first = through(running, back, claim, nothing)
  t.same(through(first.run, begin()).last, [], 'unless that had none either')
})

const heldRun = (given: Readonly<Record<string, object>> = {}): ActionRun => {
  const run = three('PreBackup', given)
  return { ...run, spec: { ...run.spec, held: true } }
}

t.test('held: nobody waits for the answer, so the deadline moves with each action', async (t) => {
  const { run } = through(heldRun({ '10-a': { timeoutSeconds: 600 } }), claim)
  t.equal(run.status.deadline, at(now + 605_000))
})

t.test('held: what its owner left is done again, or Unknown if it must not be', async (t) => {
  const running = through(heldRun(), claim).run
  const overdue: Seen = { see: 'overdue', owner: 'two', until: now }
  t.same(through(running, overdue).last, [{ do: 'perform', action: '10-a', renderOnly: false }])
  const once = through(heldRun({ '10-a': { idempotent: false } }), claim, overdue)
  t.match(once.run.status, { phase: 'Unknown', reason: 'OwnerLost' })
  const stopped = through(running, outcome('10-a', anAborted()))
  t.match(stopped.run.status, { phase: 'Pending' }, 'an owner that stops hands it back')
})

t.test(
  'held: an action whose exclusive key another has waits; inside an admission request it refuses',
  async (t) => {
    const taken = aFailed({
      cause: 'exclusive',
      mayHaveHadEffect: false,
      attempts: 0,
      message: 'taken by b2',
    })
    const waits = through(heldRun(), claim, outcome('10-a', taken))
    t.match(waits.run.status, {
      phase: 'Pending',
      actions: [{ name: '10-a', phase: 'Pending', attempts: 0, message: 'waits: taken by b2' }],
    })
    const refused = through(three('PreBackup'), claim, outcome('10-a', taken))
    t.match(refused.run.status, { phase: 'Refused', reason: 'ActionFailed', message: 'taken by b2' })
  },
)

t.test('held: a wait for an exclusive key is no part of the time that an action takes', async (t) => {
  const taken = outcome('10-a', notBegun('exclusive', 'taken by b2'))
  const waits = through(heldRun(), claim, taken).run
  t.match(waits.status, {
    startTimestamp: iso(now),
    actions: [{ startTimestamp: iso(now) }],
  })
  const again = { ...claim, until: now + 60_000 }
  const begun = { ...waits, status: step(waits, again, now + 40_000).status }
  const began = { phase: 'Running', startTimestamp: iso(now + 40_000), message: undefined }
  t.match(begun.status, { startTimestamp: iso(now + 40_000), actions: [began] })
  const done = { ...begun, status: step(begun, outcome('10-a', aDone()), now + 41_000).status }
  const broken = step(done, outcome('20-b', notBegun('internal', 'broke')), now + 42_000).status
  const last = step({ ...done, status: broken }, again, now + 50_000).status
  t.match(last, { startTimestamp: iso(now + 40_000) }, 'the stage began with its first action')
  t.match(last.actions?.[1], { startTimestamp: iso(now + 41_000) }, 'what was tried before began then')
})

for (const [reason, phase] of Object.entries({
  HeldTooLong: 'Refused',
  Deleted: 'Refused',
  Released: 'Skipped',
  Aborted: 'Refused',
} as const))
  t.test(`held: ${reason} ends it as ${phase}, before and in the middle of an action`, async (t) => {
    const abort = { see: 'abort', reason: reason as 'Deleted', message: 'because' } as const
    t.match(through(heldRun(), abort).run.status, { phase, reason })
    const because = { because: reason }
    const cut = through(heldRun(), claim, outcome('10-a', anAborted(), because))
    t.match(cut.run.status, { phase, reason })
    t.same(cut.last, [{ do: 'announce' }])
  })

t.test('held: who aborted it in the middle of an action, and why, is in the record', async (t) => {
  const words = 'it was aborted by hand (ann: wrong cluster)'
  const cut = through(heldRun(), claim, outcome('10-a', anAborted(), { because: 'Aborted', words }))
  t.match(cut.run.status, { reason: 'Aborted', message: `${words}; ${anAborted().message}` })
})

// --- properties ---

const seed = 20_260_101
const names = fc.uniqueArray(fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,3}$/), { minLength: 1, maxLength: 5 })
const spec = fc.record({
  onError: fc.constantFrom('Fail' as const, 'Continue' as const),
  idempotent: fc.boolean(),
  at: fc.constantFrom('Ended' as const, 'ItemsDone' as const),
  skip: fc.boolean(),
})
const anOutcome = fc.constantFrom<Outcome>(
  aDone(),
  aFailed(),
  aFailed({ cause: 'timeout' }),
  anAborted(),
  anAborted({ mayHaveHadEffect: false }),
)
const phases = fc.constantFrom('InProgress', 'Finalizing', 'Completed', 'FailedValidation', 'gone')
const sight = fc.oneof(
  fc.record({ see: fc.constant('claim' as const), phase: phases }),
  fc.record({ see: fc.constant('overdue' as const), phase: phases }),
  fc.record({ see: fc.constant('outcome' as const), outcome: anOutcome, phase: phases }),
  fc.record({ see: fc.constant('abort' as const), phase: phases }),
)
const aStage = fc.constantFrom('PreBackup' as const, 'PostBackup' as const)

t.test('whatever is seen in whatever order', async (t) => {
  const property = fc.property(
    names,
    fc.array(spec, { minLength: 5, maxLength: 5 }),
    aStage,
    fc.array(sight, { maxLength: 30 }),
    (names, specs, stage, sights) => {
      const ordered = inRunOrder(names.map((name) => ({ metadata: { name } }))).map(
        ({ metadata }) => metadata.name,
      )
      const actions = ordered.map((name, i) => {
        const { skip, at, ...rest } = specs[i] ?? { skip: false, at: 'Ended' as const }
        const planned = aPlannedAction({ name, stage, ...rest, ...(stage === 'PostBackup' ? { at } : {}) })
        return skip ? { ...planned, skip: 'skipped' } : planned
      })
      let run: ActionRun = { ...aRun({ stage, actions }), status: {} }
      let running: string | undefined
      const fired: string[] = []
      const ended = new Set<string>()
      for (const one of sights) {
        const progress = one.phase === 'gone' ? gone : post(one.phase)
        const more = stage === 'PostBackup' ? { progress } : {}
        const before = run
        const seen: Seen =
          one.see === 'outcome'
            ? { see: 'outcome', action: running ?? 'nobody', outcome: one.outcome, ...more }
            : one.see === 'abort'
              ? { see: 'abort', reason: 'Stopping', message: 'stopping' }
              : { see: one.see, owner: 'x', until: now, ...more }
        const next = step(run, seen, now)
        run = { ...run, status: next.status }
        check(before, run, next.effects, { fired, ended, stage })
        running = next.effects.find((effect) => effect.do === 'perform')?.action
        if (running !== undefined) fired.push(running)
        for (const row of run.status.actions ?? [])
          if (['Succeeded', 'Failed', 'Unknown', 'Skipped'].includes(row.phase)) ended.add(row.name)
      }
      // Every run settles: claims and outcomes bring any run to rest.
      for (let i = 0; i < 40 && !settled.has(run.status.phase ?? 'Pending'); i++) {
        const more = stage === 'PostBackup' ? { progress: post('Completed') } : {}
        const row = run.status.actions?.find(({ phase }) => phase === 'Running')
        const phase = run.status.phase ?? 'Pending'
        const seen: Seen =
          phase === 'Pending' ? { ...claim, ...more } : outcome(row?.name ?? '', aDone(), more)
        run = { ...run, status: step(run, seen, now).status }
      }
      return settled.has(run.status.phase ?? '')
    },
  )
  fc.assert(property, { seed, numRuns: runs(2000) })
  t.pass('no action without a claim on record; nothing twice that was recorded; order; no row left running')
})

function check(
  before: ActionRun,
  after: ActionRun,
  effects: readonly Effect[],
  {
    fired,
    ended,
    stage,
  }: { readonly fired: readonly string[]; readonly ended: ReadonlySet<string>; readonly stage: string },
): void {
  const demand = (holds: boolean, rule: string) => {
    if (!holds)
      throw new Error(`${rule}: ${JSON.stringify({ before: before.status, after: after.status, effects })}`)
  }
  const rows = after.status.actions ?? []
  const performs = effects.filter((effect) => effect.do === 'perform')
  demand(performs.length <= 1, 'one action at a time')
  demand(rows.filter(({ phase }) => phase === 'Running').length <= 1, 'one row runs at a time')
  for (const { action } of performs) {
    demand(
      rows.some(({ name, phase }) => name === action && phase === 'Running'),
      'performed only what is Running on record',
    )
    demand(
      after.status.phase === 'Running' && after.status.owner !== undefined,
      'performed only what is claimed',
    )
    demand(!ended.has(action), 'nothing is done again that was recorded as ended')
    if (stage === 'PreBackup') {
      const later = fired.every((name) => compareNames(name, action) < 0)
      demand(later, 'pre actions run once each, in byte order')
    }
  }
  const isSettled = settled.has(after.status.phase ?? 'Pending')
  const wasSettled = settled.has(before.status.phase ?? 'Pending')
  if (isSettled)
    demand(
      rows.every(({ phase }) => phase !== 'Running' && phase !== 'Pending'),
      'a settled run has no open row',
    )
  if (isSettled) demand(after.status.completionTimestamp !== undefined, 'a settled run says when it ended')
  demand(
    effects.some((effect) => effect.do === 'announce') === (isSettled && !wasSettled),
    'announced once, when it settles',
  )
  if (wasSettled) demand(after.status === before.status, 'a settled run stays as it is')
}

t.test('the order of actions is the byte order of their names', async (t) => {
  const bytes = (a: string, b: string) => Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const unicode = fc.string({ unit: anyCharacter, maxLength: 8 })
  fc.assert(
    fc.property(unicode, unicode, (a, b) => Math.sign(compareNames(a, b)) === bytes(a, b)),
    { seed, numRuns: runs(2000) },
  )
  const named = ['9-b', '10-a', 'b', 'a-', 'a', 'ä'].map((name) => anAction({ name }))
  t.same(
    inRunOrder(named).map(({ metadata }) => metadata.name),
    ['10-a', '9-b', 'a', 'a-', 'b', 'ä'],
  )
})

t.test('an action that is only tried out refuses nothing, whatever its onError', async (t) => {
  const run = three('PreBackup', { '10-a': { dryRun: true } })
  const failed = aFailed({ cause: 'template', mayHaveHadEffect: false })
  const { last, run: after } = through(run, claim, outcome('10-a', failed))
  t.match(after.status.actions?.[0], { phase: 'Failed' })
  t.match(last, [{ do: 'perform' }], 'the next one runs')
})

t.test('a post stage of which only an action with dryRun failed has succeeded', async (t) => {
  const progress = post('Completed')
  const failed = outcome('10-a', aFailed({ cause: 'template', mayHaveHadEffect: false }), { progress })
  const run = three('PostBackup', { '10-a': { dryRun: true } })
  const { run: after, rows } = through(
    run,
    { ...claim, progress },
    failed,
    outcome('20-b', aDone(), { progress }),
    outcome('9-c', aDone(), { progress }),
  )
  t.match(after.status, { phase: 'Succeeded', message: '2 succeeded, 1 failed, 0 skipped' })
  t.equal(rows['10-a'], 'Failed')
  const other = three('PostBackup', { '10-a': { dryRun: true }, '20-b': { onError: 'Continue' } })
  const both = through(
    other,
    { ...claim, progress },
    failed,
    outcome('20-b', aFailed(), { progress }),
    outcome('9-c', aDone(), { progress }),
  )
  t.equal(both.run.status.phase, 'Failed', 'one that is not tried out still counts')
})

t.test('a pre action with dryRun that used up the time refuses nothing if it was the last', async (t) => {
  const late = (name: string) => outcome(name, aFailed({ cause: 'timeout' }), { because: 'OutOfTime' })
  const alone = aRun({ actions: [aPlannedAction({ name: '10-a', dryRun: true })] })
  t.equal(through(alone, claim, late('10-a')).run.status.phase, 'Succeeded')
  const two = aRun({
    actions: [aPlannedAction({ name: '10-a', dryRun: true }), aPlannedAction({ name: '20-b' })],
  })
  t.match(
    through(two, claim, late('10-a'), late('20-b')).run.status,
    { phase: 'Refused', reason: 'OutOfTime' },
    'the one after it has none left, and says so',
  )
})

for (const [name, given] of Object.entries({ 'with dryRun': { dryRun: true }, 'that only waits': waits }))
  t.test(`of an action ${name} whose owner ended nothing is unknown: it changed nothing`, async (t) => {
    const actions = [aPlannedAction({ name: '10-a', ...given })]
    for (const sight of [
      overdue,
      { see: 'abort', reason: 'Stopping', message: 'the replica stops' },
    ] as const) {
      const { rows, last } = through(aRun({ actions }), claim, sight)
      t.same(rows, { '10-a': 'Skipped' })
      t.same(last, [{ do: 'announce' }])
    }
  })

for (const onError of ['Fail', 'Continue'] as const) {
  t.test(
    `a pre action that failed when the time was over ends the stage, also with onError ${onError}`,
    async (t) => {
      const run = three('PreBackup', { '10-a': { onError } })
      const late = outcome('10-a', aFailed({ cause: 'timeout' }), { because: 'OutOfTime' })
      t.match(through(run, claim, late).run.status, { phase: 'Refused', reason: 'OutOfTime' })
    },
  )
}

t.test(
  'a post action that could not begin, because a tool of ours failed, comes again; not for ever',
  async (t) => {
    const progress = post('Completed')
    const broken = aFailed({ cause: 'internal', mayHaveHadEffect: false, attempts: 0 })
    const failing = outcome('10-a', broken, { progress })
    const first = through(three('PostBackup'), { ...claim, progress }, failing)
    t.match(first.run.status, { phase: 'Pending' })
    t.match(first.run.status.actions?.[0], { phase: 'Pending', attempts: 1 })
    let { run } = first
    for (let looks = 0; looks < 200 && run.status.phase === 'Pending'; looks++) {
      run = through(run, { ...claim, progress }, failing).run
    }
    t.match(run.status, { phase: 'Failed', reason: 'ActionFailed' })
  },
)

t.test('the rows of a run stay within what the API server stores', async (t) => {
  const actions = Array.from({ length: 64 }, (_, i) =>
    aPlannedAction({ name: `a${String(i).padStart(2, '0')}` }),
  )
  const large = aDone({
    request: 'r'.repeat(8192),
    message: 'm'.repeat(4096),
    outputs: { x: 'o'.repeat(16_000) },
  })
  const sights = actions.map(({ name }) => outcome(name, large))
  const { run } = through(aRun({ actions }), claim, ...sights)
  t.equal(run.status.phase, 'Succeeded')
  t.ok(JSON.stringify(run.status).length < 600 * 1024)
  t.match(run.status.actions?.[0]?.outputs, { x: /^o+$/ })
  t.match(run.status.actions?.[63]?.message, /left out/)
})

t.test('what the rows of a run take is counted in bytes', async (t) => {
  const actions = Array.from({ length: 64 }, (_, i) =>
    aPlannedAction({ name: `a${String(i).padStart(2, '0')}` }),
  )
  const large = aDone({ request: '備'.repeat(8192), message: '備'.repeat(4096) })
  const { run } = through(aRun({ actions }), claim, ...actions.map(({ name }) => outcome(name, large)))
  t.ok(Buffer.byteLength(JSON.stringify(run.status)) < 600 * 1024)
})

t.test(
  'held: what nobody knows of an action that says Continue does not keep the object from starting',
  async (t) => {
    const specs = {
      '10-a': { onError: 'Continue', idempotent: false },
      '20-b': {},
      '9-c': {},
    } as const
    const run = { ...three('PreBackup', specs), spec: heldRun(specs).spec }
    const overdue = { see: 'overdue', owner: 'two', until: now + 60_000 } as const
    const lost = through(run, claim, overdue)
    t.match(lost.last, [
      { do: 'perform', action: '20-b' },
      { do: 'report-unknown', action: '10-a' },
    ])
    const ended = through(lost.run, outcome('20-b', aDone()), outcome('9-c', aDone())).run
    t.match(ended.status, {
      phase: 'Succeeded',
      message: '2 succeeded, 0 failed, 1 unknown, 0 skipped',
      actions: [{ phase: 'Unknown' }, {}, {}],
    })
  },
)
