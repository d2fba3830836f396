import t from 'tap'
import { drive, type DrivePorts, type Work } from '../../../src/core/run/drive.ts'
import { aPlannedAction, aRun } from '../../support/build.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { FakeRuns } from '../../support/fake-runs.ts'
import { aDone, aFailed } from '../../support/outcomes.ts'

const claim = { see: 'claim', owner: 'one', until: 1_800_000_000_000 } as const

function stage(given: Partial<DrivePorts> = {}) {
  const clock = new FakeClock()
  const runs = new FakeRuns(clock)
  const run = runs.put(aRun({ actions: ['10-a', '20-b'].map((name) => aPlannedAction({ name })) }))
  const order: string[] = []
  const ports: DrivePorts = {
    now: clock.now,
    write: async (before, status) => {
      const written = await runs.write(before, status)
      order.push(
        `write ${typeof written === 'string' ? written : (status.actions ?? []).map(({ phase }) => phase).join(' ')}`,
      )
      return written
    },
    perform: async (_run, { action }) => {
      order.push(`perform ${action}`)
      return aDone()
    },
    ...given,
  }
  return { runs, run, order, ports }
}

t.test('what is recorded comes first: write, then act, then write again', async (t) => {
  const { run, order, ports } = stage()
  const driven = await drive(run, claim, ports)
  t.same(order, [
    'write Running Pending',
    'perform 10-a',
    'write Succeeded Running',
    'perform 20-b',
    'write Succeeded Succeeded',
  ])
  t.match(driven, { run: { status: { phase: 'Succeeded' } }, effects: [{ do: 'announce' }], lost: undefined })
})

t.test('a conflict at the claim leads to no effect', async (t) => {
  const { run, runs, order, ports } = stage()
  await runs.write(run, { ...run.status, owner: 'another' })
  const driven = await drive(run, claim, ports)
  t.same(order, ['write conflict'])
  t.match(driven, { lost: 'conflict', effects: [] })
})

t.test('a run that is deleted while an action runs ends the work there, unannounced', async (t) => {
  const { run, runs, order, ports } = stage()
  const perform = async (_: unknown, { action }: Work) => {
    order.push(`perform ${action}`)
    runs.delete(run)
    return aDone()
  }
  const driven = await drive(run, claim, { ...ports, perform })
  t.same(order, ['write Running Pending', 'perform 10-a', 'write gone'])
  t.match(driven, { lost: 'gone', effects: [] })
})

t.test('a write that throws leaves everything after it undone', async (t) => {
  const { run, order, ports } = stage({ write: () => Promise.reject(new Error('no answer')) })
  await t.rejects(drive(run, claim, ports), { message: 'no answer' })
  t.same(order, [])
})

t.test('why the work was cut short is asked when an action ends', async (t) => {
  const { run, ports } = stage({
    perform: async () => aFailed({ cause: 'aborted' }),
    because: () => 'ClientGone',
  })
  t.match((await drive(run, claim, ports)).run.status, { phase: 'Refused', reason: 'ClientGone' })
})

t.test('an undo is driven as an action is', async (t) => {
  const { runs, ports, order } = stage()
  const actions = [aPlannedAction({ name: '10-a' })].map((action) => ({
    ...action,
    spec: { ...action.spec, undo: {} },
  }))
  const rows = [{ name: '10-a', phase: 'Succeeded', attempts: 1 } as const]
  const run = { ...aRun({ actions }), status: { phase: 'Refused', actions: rows } } as const
  const write: DrivePorts['write'] = async (before, status) => ({ ...before, status })
  const driven = await drive(run, { see: 'undo', owner: 'two', scope: 'All' }, { ...ports, write })
  t.same(order, ['perform 10-a'])
  t.match(driven, { run: { status: { phase: 'Undone' } }, effects: [{ do: 'announce' }] })
  t.ok(runs)
})

t.test('a machine that would never rest is a bug, and is stopped', async (t) => {
  const { run, ports } = stage({ perform: async () => aDone() })
  // A store that forgets what has ended.
  const write: DrivePorts['write'] = async (before, status) => {
    const rows = (status.actions ?? []).map((row) =>
      row.phase === 'Running' ? row : { ...row, phase: 'Pending' as const },
    )
    return { ...before, status: { ...status, actions: rows } }
  }
  await t.rejects(drive(run, claim, { ...ports, write }), { message: /did not settle in 1024 steps/ })
})
