import t from 'tap'
import { recordKey, recordsOf } from '../../src/core/record.ts'
import { aPlannedAction, aRow, aRun } from '../support/build.ts'

const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, '0')}Z`
type Phase = ReturnType<typeof aRow>['phase']

/** A run of one action `a` that ended so. */
const ended = (phase: Phase, second: number, given: Parameters<typeof aPlannedAction>[0] = {}) =>
  aRun({
    actions: [aPlannedAction({ name: 'a', ...given })],
    status: { actions: [aRow({ name: 'a', phase, completionTimestamp: at(second) })] },
  })
const recordOf = (...runs: Parameters<typeof recordsOf>[0]) => recordsOf(runs).get(recordKey('velero', 'a'))

t.test(
  'what succeeded counts, also if it was undone later; what failed or is not known does not',
  async (t) => {
    t.match(recordOf(ended('Succeeded', 1), ended('Failed', 3), ended('Unknown', 4)), {
      succeeded: 1,
      ended: 3,
    })
  },
)

t.test('the last result is the one that ended last, in whatever order the runs come', async (t) => {
  const [first, last] = [ended('Failed', 1), ended('Succeeded', 2)]
  const want = { lastAt: at(2), lastResult: 'Succeeded' }
  t.match(recordOf(first, last), want)
  t.match(recordOf(last, first), want)
})

for (const [name, run] of Object.entries({
  'was skipped': ended('Skipped', 1),
  'is only tried out': ended('Succeeded', 1, { dryRun: true }),
  'still runs': aRun({
    actions: [aPlannedAction({ name: 'a' })],
    status: { actions: [aRow({ name: 'a', phase: 'Running' })] },
  }),
  'was never begun': aRun({ actions: [aPlannedAction({ name: 'a' })], status: { actions: [] } }),
}))
  t.test(`an action that ${name} has no record`, async (t) => {
    t.equal(recordOf(run), undefined)
  })

t.test('Actions of the same name in two namespaces have a record each', async (t) => {
  const other = { ...ended('Failed', 1), metadata: { ...ended('Failed', 1).metadata, namespace: 'other' } }
  t.match(recordOf(ended('Succeeded', 1), other), { succeeded: 1, ended: 1 })
})
