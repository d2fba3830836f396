/** What is held, undone, orphaned and unguarded, as the pages say it. */
import t from 'tap'
import type { RunStatus } from '../../src/api/action-run.ts'
import { aBackup, aPlannedAction, aRow, aRun, type RunGiven } from '../support/build.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { aDashboard, get } from './support.ts'

const uidOf = (name: string) => `uid-of-${name}`
const held = (name: string, uid = uidOf(name)) =>
  aBackup({ name, uid, phase: 'New', annotations: { 'tidewaiter.io/hold': 'pre-actions' } })
const objectRef = (name: string) => ({ kind: 'Backup', name, uid: uidOf(name) }) as const
const actions = [aPlannedAction({ name: '10-freeze' }), aPlannedAction({ name: '20-flush' })]
const runOf = (name: string, status: Partial<RunStatus>, more: RunGiven = {}) =>
  aRun({ name: `run-of-${name}`, objectRef: objectRef(name), held: true, actions, ...more, status })
const isTrue = (type: string, message: string) =>
  ({ type, status: 'True', reason: type, message, lastTransitionTime: '2026-01-01T00:00:00Z' }) as const
const textOf = (body: string) =>
  body
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ([.:,])/g, '$1')

const world = {
  backups: [held('b1'), held('b2'), held('b3'), held('b4')],
  runs: [
    runOf('b1', {
      phase: 'Running',
      actions: [aRow({ name: '10-freeze', phase: 'Running' }), aRow({ name: '20-flush' })],
    }),
    runOf('b2', {
      phase: 'Pending',
      actions: [
        aRow({
          name: '10-freeze',
          message: 'waits: the key shop is taken by Backup velero/b0',
          completionTimestamp: '2026-01-01T00:00:00Z',
        }),
      ],
    }),
    runOf('b3', { phase: 'Pending' }),
  ],
}

t.test('the overview tells what is held, for which actions, and what each waits for', async (t) => {
  const dashboard = await aDashboard(t, world)
  await dashboard.clock.pass(60_000)
  const text = textOf((await get(dashboard, '/')).body)
  t.match(text, 'Held 4 the oldest for 60 s')
  t.match(text, 'Backup b1 1 minute ago runs 10-freeze 10-freeze, 20-flush')
  t.match(text, '10-freeze waits: the key shop is taken by Backup velero/b0')
  t.match(text, 'waits for its turn behind 2 held ones, b1 first')
  t.match(text, 'its run is not written yet')
  t.notMatch(text, 'held for more than half an hour')
  await dashboard.clock.pass(30 * 60_000)
  t.match(textOf((await get(dashboard, '/')).body), '4 objects are held for more than half an hour.')
})

t.test('who may not see runs is told that it is held, and nothing of its run', async (t) => {
  const dashboard = await aDashboard(t, {
    ...world,
    signIn: 'token',
    may: async (_viewer, { resource }) => resource !== 'actionruns',
  })
  const headers = { authorization: 'Bearer good' }
  for (const path of ['/', '/backups/velero/b1']) {
    const text = textOf((await get(dashboard, path, headers)).body)
    t.match(text, /Held/, path)
    t.notMatch(text, /10-freeze|not written yet/, path)
  }
})

t.test('a held Backup says so in the list and on its page, and how the hold may be ended', async (t) => {
  const dashboard = await aDashboard(t, world)
  t.match(textOf((await get(dashboard, '/backups?phase=Held')).body), '4 Backups')
  const text = textOf((await get(dashboard, '/backups/velero/b1')).body)
  t.match(text, /Held since .*Velero may not start it before its actions have ended: runs 10-freeze\./)
  t.match(text, 'tidewaiter holds release b1 -n velero')
})

const undo = { phase: 'Stuck', attempts: 8, message: 'thaw answered 503' } as const
const pages: Readonly<
  Record<string, { readonly run: ReturnType<typeof aRun>; readonly want: readonly RegExp[] }>
> = {
  'an undo that fails for long': {
    run: runOf('gone', {
      phase: 'Undoing',
      undoneFrom: 'Refused',
      conditions: [isTrue('UndoStuck', 'an undo fails for long')],
      actions: [
        aRow({ name: '10-freeze', phase: 'Succeeded', undo }),
        aRow({ name: '20-flush', phase: 'Failed', undo: { phase: 'Undone', attempts: 1 } }),
      ],
    }),
    want: [
      /Refused ◐ Undoing/,
      /Undo is stuck\. An undo fails for long\./,
      /20-flush ✓ Undone 1 .*10-freeze ! Stuck 8 .*thaw answered 503/,
    ],
  },
  'a Backup that never came to be': {
    run: runOf(
      'gone',
      { phase: 'Succeeded', conditions: [isTrue('Orphaned', 'the Backup never came to be')] },
      { held: false },
    ),
    want: [/✕ Not created/, /another webhook refused it/, /Orphaned\. The Backup never came to be\./],
  },
  'a Backup that began all the same': {
    run: runOf('gone', { phase: 'Refused', conditions: [isTrue('Unguarded', 'the Backup began')] }),
    want: [/Unguarded\. The Backup began\./, /Deleted/],
  },
  'a Backup that succeeded, was thawed when it ended, and was deleted': {
    run: runOf('gone', { phase: 'Undone', undoneFrom: 'Succeeded' }, { held: false }),
    want: [/– Deleted/, /✓ Succeeded ✓ Undone/],
  },
  'a Backup that never came to be, and was undone for that': {
    run: runOf(
      'gone',
      { phase: 'Undone', undoneFrom: 'Succeeded', conditions: [isTrue('Orphaned', 'it never came to be')] },
      { held: false },
    ),
    want: [/✕ Not created/, /✓ Succeeded ! Undone/],
  },
  'a refusal that was undone': {
    run: runOf('gone', { phase: 'Undone', undoneFrom: 'Refused' }, { held: false }),
    want: [/✕ Not created/, /✕ Refused ! Undone/],
  },
}
for (const [name, { run, want }] of Object.entries(pages))
  t.test(`the page says of ${name} what became of it`, async (t) => {
    const dashboard = await aDashboard(t, { runs: [run] })
    const text = textOf((await get(dashboard, '/backups/velero/gone')).body)
    for (const one of want) t.match(text, one)
  })

t.test('an undo that is stuck and an object that never came need somebody', async (t) => {
  const conditions = [isTrue('Orphaned', 'it was refused after tidewaiter had admitted it')]
  const dashboard = await aDashboard(t, {
    runs: [
      runOf('a', { phase: 'Undoing', undoneFrom: 'Refused', actions: [aRow({ name: '10-freeze', undo })] }),
      runOf('b', { phase: 'Succeeded', conditions, completionTimestamp: '2026-01-01T00:00:00Z' }),
    ],
  })
  const text = textOf((await get(dashboard, '/')).body)
  t.match(
    text,
    'What 1 run did could not be undone, and something may be frozen still; 1 object never came to be',
  )
  t.match(text, 'PreBackup of a ✕ Undo stuck')
  t.match(text, 'PreBackup of b ! Orphaned just now it was refused after tidewaiter had admitted it')
})

t.test('a cool-down is shown with the command that ends it, until somebody has', async (t) => {
  const clock = new FakeClock()
  const asked = {
    requestedBy: 'system:serviceaccount:velero:velero',
    scheduleName: 'nightly',
    held: false,
  }
  const completionTimestamp = new Date(clock.now()).toISOString()
  const runs = [runOf('n-1', { phase: 'Refused', reason: 'ActionFailed', completionTimestamp }, asked)]
  const nightly = { name: 'nightly', cron: '0 3 * * *', paused: false, lastAt: clock.now() }
  const command = 'tidewaiter cooldowns reset nightly -n velero'
  const pageWith = async (more: { readonly reset?: string }) => {
    const dashboard = await aDashboard(t, {
      clock,
      runs,
      known: { schedules: () => [{ ...nightly, ...more }] },
    })
    return textOf((await get(dashboard, '/')).body)
  }
  await clock.pass(1000)
  t.match(await pageWith({}), command)
  const after = await pageWith({ reset: completionTimestamp })
  t.notMatch(after, command)
  t.notMatch(after, 'Cool-down')
})
