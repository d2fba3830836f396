/** Which failures change the phase of a Backup or Restore, and when. */
import t from 'tap'
import type { RunRow } from '../../src/api/action-run.ts'
import { countedFailures, countingOf } from '../../src/core/counted.ts'
import type { Json } from '../../src/core/velero.ts'
import { aBackup, aPlannedAction, aRow, aRun, type VeleroGiven } from '../support/build.ts'

const run = (...rows: readonly Partial<RunRow>[]) =>
  aRun({
    name: 'r',
    stage: 'PostBackup',
    actions: ['a', 'b'].map((name) =>
      aPlannedAction({ name, stage: 'PostBackup', countsAgainstResult: true }),
    ),
    status: { phase: 'Failed', actions: ['a', 'b'].map((name, i) => aRow({ name, ...rows[i] })) },
  })
const failed = run({ phase: 'Failed' }, { phase: 'Unknown' })

for (const [name, { rows, want }] of Object.entries({
  'what failed counts': { rows: ['Failed', 'Failed'], want: 2 },
  'of what is Unknown nobody can say that it succeeded': { rows: ['Succeeded', 'Unknown'], want: 1 },
  'what did not run does not count': { rows: ['Failed', 'Skipped'], want: 1 },
  'what succeeded does not': { rows: ['Succeeded', 'Succeeded'], want: 0 },
} as const)) {
  t.test(name, async (t) => {
    t.equal(countedFailures(run(...rows.map((phase) => ({ phase })))), want)
  })
}

t.test('an action that does not ask for it, or is only tried out, does not count', async (t) => {
  const actions = [
    aPlannedAction({ name: 'a', stage: 'PostBackup' }),
    aPlannedAction({ name: 'b', stage: 'PostBackup', countsAgainstResult: true, dryRun: true }),
    aPlannedAction({ name: 'c', stage: 'PostBackup', countsAgainstResult: false }),
  ]
  const rows = actions.map(({ name }) => aRow({ name, phase: 'Failed' }))
  t.equal(countedFailures(aRun({ stage: 'PostBackup', actions, status: { actions: rows } })), 0)
})

const now = Date.parse('2026-01-01T00:00:00Z')
const note = (text: string) => ({ annotations: { 'tidewaiter.io/post': text } })
const restarted = {
  phase: 'Failed',
  status: {
    failureReason: 'found a backup with status "InProgress" during the server starting',
    completionTimestamp: '2026-01-01T00:00:00Z',
  },
}
const cases: Readonly<Record<string, { given: VeleroGiven | undefined; want: Json }>> = {
  'a completed one': {
    given: { phase: 'Completed', resourceVersion: '7' },
    want: { do: 'count', errors: 2, resourceVersion: '7' },
  },
  'a partially failed one: its errors stay counted': {
    given: { phase: 'PartiallyFailed', status: { errors: 3 }, resourceVersion: '7' },
    want: { do: 'count', errors: 5, resourceVersion: '7' },
  },
  'one with errors that are no number': {
    given: { phase: 'PartiallyFailed', status: { errors: '3' } },
    want: { do: 'count', errors: 2 },
  },
  'one that failed says worse already': { given: { phase: 'Failed' }, want: { do: 'nothing' } },
  'one that was not valid says worse already': {
    given: { phase: 'FailedValidation' },
    want: { do: 'nothing' },
  },
  'one that is being deleted': { given: { phase: 'Deleting' }, want: { do: 'nothing' } },
  'one that Velero works on': { given: { phase: 'Finalizing' }, want: { do: 'wait' } },
  'a Failed that Velero may take back': { given: restarted, want: { do: 'wait' } },
  'one that carries the result': {
    given: { phase: 'PartiallyFailed', ...note('{"run":"r"}') },
    want: { do: 'told' },
  },
  'one that carries the result of another': {
    given: { phase: 'Completed', ...note('{"run":"other"}') },
    want: { do: 'count', errors: 2 },
  },
  'another of this name': { given: { phase: 'Completed', uid: 'u2' }, want: { do: 'told' } },
  'one that is gone': { given: undefined, want: { do: 'told' } },
}
for (const [name, { given, want }] of Object.entries(cases)) {
  t.test(`counting against ${name}`, async (t) => {
    t.match(countingOf(failed, given && aBackup(given), now), want)
  })
}
