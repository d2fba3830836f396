/** The record of a run fits into etcd, however much was answered and sent: by its actions, and by their undos. */
import t from 'tap'
import type { ActionRun, RunRow } from '../../../src/api/action-run.ts'
import { jsonBytesOf } from '../../../src/core/bytes.ts'
import { step } from '../../../src/core/run/machine.ts'
import { withRow } from '../../../src/core/run/rows.ts'
import { anHttp, aPlannedAction, aRow, aRun } from '../../support/build.ts'
import { newYear } from '../../support/fake-clock.ts'
import { aFailed } from '../../support/outcomes.ts'

// Three bytes each in UTF-8.
const wide = (length: number) => '漢'.repeat(length)
// Half of what etcd takes: the other half is for what is to be done.
const most = 768 * 1024

const names = Array.from({ length: 64 }, (_, i) => `${10 + i}-a`)
const actions = names.map((name) => aPlannedAction({ name, undo: { http: anHttp() } }))
const rowOf = (run: ActionRun, name: string) => run.status.actions?.find((row) => row.name === name)
const put = (run: ActionRun, row: RunRow): ActionRun => ({
  ...run,
  status: withRow(run.spec, run.status, row),
})

t.test(
  'the texts of undos count too: a record that is full keeps the beginning of what they said',
  async (t) => {
    const rows = names.map((name) => aRow({ name, phase: 'Succeeded', attempts: 1, request: wide(1024) }))
    let run: ActionRun = { ...aRun({ actions }), status: { phase: 'Refused', actions: rows } }
    let now = newYear
    const undoAll = () => {
      run = { ...run, status: step(run, { see: 'undo', owner: 'one', scope: 'All' }, now).status }
      for (const action of names) {
        const outcome = aFailed({ message: `${action} failed: ${wide(4000)}`, request: wide(8192) })
        const begun = run.status.actions?.map((row) =>
          row.undo === undefined ? row : { ...row, undo: { ...row.undo, phase: 'Stuck' as const } },
        )
        run = { ...run, status: { ...run.status, actions: begun ?? [] } }
        run = { ...run, status: step(run, { see: 'undone', action, outcome }, now).status }
      }
    }
    for (let often = 0; often < 3; often += 1) {
      undoAll()
      now += 3_600_000
      t.ok(jsonBytesOf(run.status) < most, `${jsonBytesOf(run.status)} bytes`)
    }
    const last = rowOf(run, '73-a')
    t.match(last?.undo?.message, /^73-a failed: 漢+ \(the record is full: request left out\)$/)
    t.equal(last?.undo?.request, undefined)
  },
)

t.test('a row that does not fit without the texts of its undo loses its own, and says so once', async (t) => {
  const full = put(aRun({ actions }), aRow({ name: '10-a', before: { was: wide(200_000) } }))
  const undo = { phase: 'Undoing', attempts: 1, message: wide(300), request: 'POST' } as const
  const given = aRow({ name: '11-a', message: 'answered 204', request: 'POST', undo })
  const once = put(full, given)
  const row = rowOf(once, '11-a')
  t.match(row, {
    message: 'answered 204 (the record is full: request and outputs left out)',
    request: undefined,
    undo: { message: `${wide(256)} (the record is full: request left out)`, request: undefined },
  })
  t.same(rowOf(put(once, row ?? given), '11-a'), row)
  const room = put(aRun({ actions }), aRow({ name: '10-a', before: { was: wide(165_000) } }))
  const long = { ...undo, message: wide(4096), request: wide(8192) }
  t.match(
    rowOf(put(room, { ...given, undo: long }), '11-a'),
    { message: 'answered 204', request: 'POST', undo: { request: undefined } },
    'where that is enough it loses only those of its undo',
  )
})
