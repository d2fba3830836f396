import t from 'tap'
import type { ActionRun } from '../../../src/api/action-run.ts'
import { beforeOf, largestBefore, type Remember } from '../../../src/core/run/before.ts'
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

const found = { objects: [{ name: 'web', changes: [1] }] }

t.test('what an action found is written before it goes on, and stays in its row', async (t) => {
  const { run, order, ports } = stage({
    perform: async (_run, { action }, remember) => {
      order.push(`look ${action}`)
      t.same(await remember(found), { ok: true })
      order.push(`change ${action}`)
      return aDone()
    },
  })
  const driven = await drive(run, claim, ports)
  t.same(order.slice(0, 4), ['write Running Pending', 'look 10-a', 'write Running Pending', 'change 10-a'])
  t.match(driven.run.status, { phase: 'Succeeded', actions: [{ before: found }, { before: found }] })
})

t.test(
  'where another wrote the run meanwhile, the action is told not to go on, and nothing more is written',
  async (t) => {
    const { run, runs, order, ports } = stage({
      perform: async (current, _work, remember) => {
        await runs.write(current, { ...current.status, owner: 'another' })
        t.match(await remember(found), { refused: /written by another/ })
        t.match(await remember(found), { refused: /goes on without it/ })
        return aFailed()
      },
    })
    const driven = await drive(run, claim, ports)
    t.same(order, ['write Running Pending', 'write conflict'])
    t.match(driven, { lost: 'conflict', effects: [] })
  },
)

t.test(
  'an action whose write of what it found failed is begun again; if the write was made, the run is read anew',
  async (t) => {
    for (const landed of [false, true]) {
      const made = stage()
      const run = made.runs.put(
        aRun({ held: true, name: `held-${landed}`, actions: [aPlannedAction({ name: '10-a' })] }),
      )
      const write: DrivePorts['write'] = async (before, status) => {
        if (status.actions?.every((row) => row.before === undefined) === true)
          return made.ports.write(before, status)
        if (landed) await made.ports.write(before, status)
        throw new Error('no answer')
      }
      const perform: DrivePorts['perform'] = async (_run, _work, remember) => {
        await t.rejects(remember(found), { message: 'no answer' })
        return aFailed({ cause: 'internal', mayHaveHadEffect: false, attempts: 1 })
      }
      const driven = await drive(run, claim, { ...made.ports, write, perform })
      if (landed) t.match(driven, { lost: 'conflict', effects: [] })
      else
        t.match(driven, {
          lost: undefined,
          run: { status: { phase: 'Pending', actions: [{ phase: 'Pending', cutShort: undefined }] } },
        })
    }
  },
)

t.test('what cannot be kept is refused before anything is written', async (t) => {
  const { run, order, ports } = stage({
    perform: async (_run, _work, remember) => {
      t.match(await remember({ all: 'x'.repeat(largestBefore) }), {
        refused: /at most 65536 bytes of JSON, got 65\d{3}; nothing was changed/,
      })
      return aFailed()
    },
  })
  await drive(run, claim, ports)
  t.same(order, ['write Running Pending', 'write Failed Skipped'])
})

t.test('what does not fit beside the rest of the record is refused too', async (t) => {
  const names = Array.from({ length: 9 }, (_, i) => `${10 + i}-a`)
  const { runs, ports } = stage({
    perform: async (_run, { action }, remember) => {
      const kept = await remember({ all: 'x'.repeat(largestBefore - 100) })
      t.equal('ok' in kept, action < '17-a', action)
      return aDone()
    },
  })
  const actions = names.map((name) => aPlannedAction({ name }))
  const { run } = await drive(runs.put(aRun({ actions, name: 'full' })), claim, ports)
  t.equal(run.status.actions?.filter(({ before }) => before !== undefined).length, 7)
})

t.test(
  'an action that nobody waits for any more keeps nothing, and its last write is waited for',
  async (t) => {
    const release = Promise.withResolvers<void>()
    let late: Promise<unknown> | undefined
    const made = stage()
    let slow = true
    const write: DrivePorts['write'] = async (before, status) => {
      if (status.actions?.some((row) => row.before !== undefined) === true && slow) {
        slow = false
        await release.promise
      }
      return made.ports.write(before, status)
    }
    let after: Remember | undefined
    const perform: DrivePorts['perform'] = async (_run, { action }, remember) => {
      if (action === '10-a') {
        void remember(found)
        after = remember
        // Cut off while it writes; the write is done a moment later.
        setImmediate(release.resolve)
      } else late = after?.(found)
      return aDone()
    }
    const driven = await drive(made.run, claim, { ...made.ports, write, perform })
    t.match(driven, { lost: undefined, run: { status: { phase: 'Succeeded' } } })
    t.match(await late, { refused: /goes on without it/ })
    t.equal(driven.run.status.actions?.[1]?.before, undefined)
  },
)

t.test('the next owner of an action finds what was kept of it, and of no other', async (t) => {
  const { run, runs, ports } = stage()
  const kept = { name: '10-a', phase: 'Running', attempts: 0, before: found } as const
  const running = runs.put({ ...run, status: { phase: 'Running', owner: 'one', actions: [kept] } })
  const seen: unknown[] = []
  const perform: DrivePorts['perform'] = async (current, { action }) => {
    seen.push([action, beforeOf(current, action)])
    return aDone()
  }
  const held = { ...running, spec: { ...running.spec, held: true } }
  await drive(
    held,
    { see: 'overdue', owner: 'two', until: claim.until },
    { ...ports, write: keep(held), perform },
  )
  t.same(seen, [
    ['10-a', found],
    ['20-b', undefined],
  ])
})

/** A store that knows only the last version. */
const keep =
  (first: ActionRun): DrivePorts['write'] =>
  async (_before, status) => ({ ...first, status })
