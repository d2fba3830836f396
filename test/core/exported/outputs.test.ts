import t from 'tap'
import {
  exportedBy,
  exportsSomething,
  longestExported,
  tooMuchExported,
} from '../../../src/core/exported/outputs.ts'
import { statementOf } from '../../../src/core/exported/statement.ts'
import { entries, largestRows, withRow } from '../../../src/core/run/rows.ts'
import { aPlannedAction, aRow, aRun, backupUid, clusterUid, type ActionGiven } from '../../support/build.ts'

const lsn = { name: 'lsn', expression: 'response.body.lsn', export: true }
const kept = { name: 'kept', expression: 'response.body.kept' }
const exporter = (given: ActionGiven = {}) => aPlannedAction({ name: '10-a', outputs: [lsn, kept], ...given })
const done = (outputs: object, name = '10-a') =>
  aRow({ name, phase: 'Succeeded', outputs: outputs as Record<string, unknown> })

t.test('a run exports what its succeeded actions promise, and nothing else of theirs', async (t) => {
  const run = aRun({
    actions: [exporter(), aPlannedAction({ name: '20-b', outputs: [kept] })],
    status: { actions: [done({ lsn: '0/16B', kept: 'here' }), done({ kept: 'too' }, '20-b')] },
  })
  t.same(exportedBy(run), { '10-a': { lsn: '0/16B' } })
})

for (const [name, { action, row, want }] of Object.entries({
  'an action that failed and was passed over': {
    action: exporter({ onError: 'Continue' }),
    row: aRow({ name: '10-a', phase: 'Failed' }),
    want: true,
  },
  'an action that is only tried out': { action: exporter({ dryRun: true }), row: done({}), want: false },
  'an action that is skipped': {
    action: { ...exporter(), skip: 'because' },
    row: aRow({ name: '10-a', phase: 'Skipped' }),
    want: false,
  },
}))
  t.test(`${name} exports nothing`, async (t) => {
    const run = aRun({ actions: [action], status: { actions: [row] } })
    t.equal(exportedBy(run), undefined)
    t.equal(statementOf(run, 0), undefined)
    t.equal(exportsSomething(run), want)
  })

t.test('what is signed names the Backup, its uid, its cluster, the run and the time', async (t) => {
  const run = aRun({ actions: [exporter()], status: { actions: [done({ lsn: 1 })] } })
  t.same(statementOf(run, Date.UTC(2026, 0, 1)), {
    v: 1,
    cluster: clusterUid,
    namespace: 'velero',
    backup: run.spec.objectRef.name,
    uid: backupUid,
    run: run.metadata.name,
    at: '2026-01-01T00:00:00.000Z',
    outputs: { '10-a': { lsn: 1 } },
  })
})

t.test(
  'exported outputs may have 4 KiB together, counted in bytes; one more names each with its size',
  async (t) => {
    const [first, second] = [exporter(), exporter({ name: '20-b' })]
    const run = aRun({ actions: [first, second], status: { actions: [done({ lsn: 'é'.repeat(1000) })] } })
    const around = '{"10-a":{"lsn":""},"20-b":{"lsn":""}}'.length
    const room = longestExported - 2000 - around
    t.equal(tooMuchExported(run, second, { lsn: 'x'.repeat(room) }), undefined)
    t.equal(
      tooMuchExported(run, second, { lsn: 'x'.repeat(room + 1), kept: 'x'.repeat(9000) }),
      `exported outputs must have at most 4096 bytes of JSON in all, got 4097 (10-a.lsn has 2002, 20-b.lsn has ${room + 3}). Select less, or export fewer`,
    )
    t.equal(
      tooMuchExported(run, aPlannedAction({ name: '30-c', outputs: [kept] }), { kept: 'x'.repeat(9000) }),
      undefined,
    )
  },
)

t.test('a record that is full drops outputs, but not those that are promised', async (t) => {
  const run = aRun({ actions: [exporter(), aPlannedAction({ name: '20-big' })] })
  const big = aRow({ name: '20-big', before: { was: 'x'.repeat(largestRows) } })
  const full = withRow(run.spec, withRow(run.spec, run.status, big), done({ lsn: '0/16B', kept: 'here' }))
  const [first] = entries(run.spec, full)
  t.same(first?.row.outputs, { lsn: '0/16B' })
  t.match(first?.row.message, /the record is full/)
})
