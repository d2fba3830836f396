/** What pre actions did is undone once it is due, told where it cannot be, and then their keys are given back. */
import t from 'tap'
import type { ControlPorts } from '../../src/control/ports.ts'
import { reconcilePre } from '../../src/control/pre.ts'
import { notBegun } from '../../src/core/outcome.ts'
import {
  aBackup,
  anHttp,
  aPlannedAction,
  aRow,
  aRun,
  type ActionGiven,
  type RunGiven,
  type VeleroGiven,
} from '../support/build.ts'
import { newYear } from '../support/fake-clock.ts'
import { FakeControl } from '../support/fake-control.ts'
import { FakeProcess } from '../support/fake-process.ts'
import { aDone, aFailed, anAborted } from '../support/outcomes.ts'

const never = new AbortController().signal
const iso = (ms: number) => new Date(ms).toISOString()
const day = 24 * 3_600_000

const look = (made: FakeControl, ports: ControlPorts = made.ports()) => {
  const { name, uid } = aBackup().metadata
  return reconcilePre({ kind: 'Backup', namespace: 'velero', name, uid }, ports, never)
}

/** Looks, and waits as long as it is told, until nothing is left to do or the looks are used up. */
async function looks(made: FakeControl, most = 12, ports = made.ports()) {
  for (let left = most; left > 0; left--) {
    const again = await look(made, ports)
    if (again === undefined) return
    await made.clock.pass(again.inMs)
  }
}

const undo = { http: anHttp() }
const startTimestamp = iso(newYear)
const backup = (given: VeleroGiven = {}) => aBackup({ creationTimestamp: iso(newYear - 1_000), ...given })

/** A world with a pre run that ended like this, of actions that all succeeded unless told. */
function ended(
  phase: 'Succeeded' | 'Refused' | 'Unknown',
  actions: readonly ActionGiven[] = [
    { name: '10-a', undo },
    { name: '20-b', undo },
  ],
  given: RunGiven['status'] = {},
) {
  const made = new FakeControl()
  const rows = actions.map(({ name = '' }) => aRow({ name, phase: 'Succeeded', startTimestamp }))
  const planned = actions.map((one) => aPlannedAction(one))
  const status = { phase, completionTimestamp: iso(newYear), actions: rows, ...given }
  made.runs.put(aRun({ actions: planned, status }))
  return made
}

const undone = (made: FakeControl) => made.performed.map(({ action }) => action)
const run = (made: FakeControl) => made.runs.all()[0]
const conditions = (made: FakeControl) => (run(made)?.status.conditions ?? []).map(({ type }) => type)

t.test(
  'what a refused stage did is undone in reverse order, and its keys given back after that',
  async (t) => {
    const made = ended('Refused')
    made.act = () => {
      t.same(made.freed, [], 'not before')
      return aDone()
    }
    await looks(made)
    t.same(undone(made), ['20-b', '10-a'])
    t.match(run(made)?.status, { phase: 'Undone', undoneFrom: 'Refused' })
    t.same(made.freed, ['b1 10-a', 'b1 20-b'])
  },
)

t.test('an object that has ended before it was seen to begin is undone at the first look', async (t) => {
  const made = ended('Succeeded', [{ name: '10-a', undo, undoAt: 'Always' }])
  made.store(backup({ phase: 'Completed', status: { startTimestamp } }))
  await look(made)
  t.same(undone(made), ['10-a'], 'not left for the next look, for post actions would come before that')
})

t.test('an undo has a key of its own, the same at every attempt', async (t) => {
  const made = ended('Refused', [{ name: '10-a', undo }])
  let left = 2
  made.act = () => (left-- > 0 ? aFailed() : aDone())
  await looks(made)
  const key = `${aBackup().metadata.uid}/PreBackup/10-a/undo`
  t.same(
    made.performed.map((one) => one.key),
    [key, key, key],
  )
})

t.test('keys are given back once, and nothing is looked up for it again', async (t) => {
  const made = ended('Refused')
  const ports = made.ports()
  await looks(made, 12, ports)
  await looks(made, 3, ports)
  t.equal(made.freed.length, 2)
})

t.test('a key stays taken while the object is at work, and until its post stage has ended', async (t) => {
  const made = ended('Succeeded', [{ name: '10-a', exclusive: 'shop' }])
  const post = aRun({ stage: 'PostBackup', status: { phase: 'Pending' } })
  made.runs.put(post)
  for (const phase of ['New', 'Queued', 'InProgress', 'Completed']) {
    made.store(backup({ phase, status: { startTimestamp } }))
    await looks(made, 4)
    t.same(made.freed, [], phase)
  }
  const [, running = post] = made.runs.all()
  await made.runs.write(running, { phase: 'Succeeded', completionTimestamp: iso(newYear) })
  await looks(made, 4)
  t.same(made.freed, ['b1 shop'])
  t.same(made.performed, [])
})

for (const [name, { object, conditions = [], want }] of Object.entries<{
  readonly object: VeleroGiven | undefined
  readonly conditions?: readonly ('Seen' | 'Started')[]
  readonly want: readonly string[]
}>({
  'failed its validation': { object: { phase: 'FailedValidation' }, want: ['20-b', '10-a'] },
  'was deleted before it started': { object: undefined, conditions: ['Seen'], want: ['20-b', '10-a'] },
  'is being deleted before it started': { object: { phase: 'Deleting' }, want: ['20-b', '10-a'] },
  'has ended': { object: { phase: 'Completed', status: { startTimestamp } }, want: ['10-a'] },
  'has failed': { object: { phase: 'Failed', status: { startTimestamp } }, want: ['10-a'] },
  'was deleted after it had started': { object: undefined, conditions: ['Seen', 'Started'], want: ['10-a'] },
  'is at work': { object: { phase: 'InProgress', status: { startTimestamp } }, want: [] },
  'is still to start': { object: { phase: 'New' }, want: [] },
}))
  t.test(`of an object that ${name}, this is undone: ${want.join(' ') || 'nothing'}`, async (t) => {
    const at = iso(newYear)
    const held = conditions.map((type) => ({
      type,
      status: 'True' as const,
      reason: 'x',
      message: '',
      lastTransitionTime: at,
    }))
    const made = ended(
      'Succeeded',
      [
        { name: '10-a', undo, undoAt: 'Always' },
        { name: '20-b', undo },
      ],
      {
        conditions: held,
      },
    )
    if (object !== undefined) made.store(backup(object))
    await looks(made, 6)
    t.same(undone(made), want)
  })

t.test('that Velero began is written down, for the object may be gone when that counts', async (t) => {
  const made = ended('Succeeded', [
    { name: '10-a', undo, undoAt: 'Always' },
    { name: '20-b', undo },
  ])
  const object = backup({ phase: 'InProgress', status: { startTimestamp } })
  made.store(object)
  await looks(made, 3)
  t.same(conditions(made), ['Started'])
  made.remove(object)
  await looks(made)
  t.same(undone(made), ['10-a'], 'what served its purpose is left alone')
})

t.test('a copy of the run that does not say yet that Velero began undoes nothing for it', async (t) => {
  const made = ended('Succeeded', [{ name: '20-b', undo }])
  const object = backup({ phase: 'InProgress', status: { startTimestamp } })
  made.store(backup())
  await look(made)
  const [stale] = made.runs.all()
  if (stale === undefined) throw new Error('there is no run')
  made.store(object)
  await look(made)
  made.remove(object)
  const ports = made.ports()
  await looks(made, 3, { ...ports, runs: { ...ports.runs, ofObject: () => [stale] } })
  t.same(made.performed, [])
})

t.test('a sign of life of what was stuck adds nothing to what is being undone', async (t) => {
  const made = ended('Succeeded', [
    { name: '10-a', undo, undoAt: 'Always' },
    { name: '20-b', undo },
  ])
  const atWork = (managedFields: readonly object[]) => {
    const object = backup({ phase: 'InProgress', status: { startTimestamp } })
    made.store({ ...object, metadata: { ...object.metadata, managedFields } as typeof object.metadata })
  }
  atWork([])
  await looks(made, 2)
  await made.clock.pass(2 * day)
  made.act = () => aFailed()
  await look(made)
  t.match(run(made)?.status, { phase: 'Undoing' })
  atWork([{ fieldsV1: { 'f:status': {} }, time: iso(made.clock.now()) }])
  made.act = () => aDone()
  await made.clock.pass(5_000)
  await looks(made, 4)
  t.same(undone(made), ['10-a', '10-a'])
  t.equal(run(made)?.status.phase, 'Undone')
})

// --- it never came to be ---

t.test(
  'what was admitted and never came to be is looked for after a minute, told once, and undone',
  async (t) => {
    const made = ended('Succeeded')
    t.match(await look(made), { inMs: 60_000 })
    await made.clock.pass(60_000)
    await looks(made)
    t.same(made.orphaned, ['b1-1a2b3c4d-prebackup'])
    t.ok(conditions(made).includes('Orphaned'))
    t.same(undone(made), ['20-b', '10-a'])
    t.match(made.log.lines, [/never came to be: it was refused after tidewaiter had admitted it/])
  },
)

t.test(
  'its minute is given to it also where the clock of the replica that admitted it is behind',
  async (t) => {
    const made = ended('Succeeded')
    await made.clock.pass(3_600_000)
    t.match(await look(made), { inMs: 60_000 })
    await made.clock.pass(59_000)
    t.match(await look(made), { inMs: 1_000 })
    t.same([undone(made), made.orphaned], [[], []])
    await made.clock.pass(1_000)
    await looks(made)
    t.equal(made.orphaned.length, 1)
  },
)

t.test('and no more than its minute where the clock of that replica is ahead', async (t) => {
  const made = ended('Succeeded')
  made.aheadMs = 3_600_000
  t.match(await look(made), { inMs: 60_000 })
  await made.clock.pass(60_000)
  await looks(made)
  t.equal(made.orphaned.length, 1)
})

t.test('one without an undo is told of too', async (t) => {
  const made = ended('Succeeded', [{ name: '10-a' }])
  await look(made)
  await made.clock.pass(60_000)
  await looks(made)
  t.same(made.orphaned, ['b1-1a2b3c4d-prebackup'])
  t.same(made.performed, [])
})

t.test('it is not told twice because another wrote the run in between', async (t) => {
  const made = ended('Succeeded')
  await look(made)
  await made.clock.pass(60_000)
  const ports = made.ports()
  const late = { ...ports, runs: { ...ports.runs, write: async () => 'conflict' as const } }
  t.same(await look(made, late), { inMs: 2_000 })
  t.same(made.orphaned, [])
  await looks(made)
  t.equal(made.orphaned.length, 1)
})

t.test('an object that the copy does not show is asked for before anything is undone', async (t) => {
  const made = ended('Succeeded')
  made.store(backup())
  const ports = made.ports()
  const blind = { ...ports, objects: { ...ports.objects, seen: () => undefined } }
  await look(made, blind)
  await made.clock.pass(120_000)
  t.same(await look(made, blind), { inMs: 2_000 })
  t.same([made.performed, made.orphaned], [[], []])
})

// --- an undo that fails ---

t.test(
  'an undo that fails is tried again, stuck after eight times, told once, and done in the end',
  async (t) => {
    const made = ended('Refused', [
      { name: '10-a', undo },
      { name: '20-b', undo },
    ])
    made.store(backup({ phase: 'FailedValidation' }))
    made.act = ({ action }) => (action.name === '20-b' ? aFailed() : aDone())
    await looks(made, 24)
    t.equal(undone(made).filter((name) => name === '20-b').length >= 8, true)
    t.ok(undone(made).includes('10-a'), 'it is in the way of no other')
    t.ok(conditions(made).includes('UndoStuck'))
    const told = [...made.events.values()].filter(({ reason }) => reason === 'UndoStuck')
    t.match(told, [
      { type: 'Warning', message: /could not be undone \(20-b\): POST.*503.*every ten minutes/ },
    ])
    t.same(made.freed, [], 'its key stays taken: the application may still be quiet')
    made.act = () => aDone()
    await made.clock.pass(600_000)
    await looks(made)
    t.equal(run(made)?.status.phase, 'Undone')
    t.notOk(conditions(made).includes('UndoStuck'))
    t.same(made.freed, ['b1 10-a', 'b1 20-b'])
  },
)

t.test(
  'an undo whose key another object has is told as stuck when it waits for long, and done once it is free',
  async (t) => {
    const made = ended('Unknown', [{ name: '10-a', undo }])
    made.act = () => notBegun('exclusive', 'the exclusive key "10-a" is taken')
    await looks(made, 4)
    t.match(run(made)?.status, { phase: 'Undoing', actions: [{ undo: { phase: 'Undoing' } }] })
    await looks(made, 40)
    t.match(run(made)?.status, { phase: 'Undoing', actions: [{ undo: { phase: 'Stuck' } }] })
    made.act = () => aDone()
    await looks(made)
    t.equal(run(made)?.status.phase, 'Undone')
  },
)

t.test(
  'a leader that stops in the middle of an undo begins no other, and the next one need not wait',
  async (t) => {
    const made = ended('Refused')
    const life = new AbortController()
    made.act = () => {
      life.abort()
      return anAborted()
    }
    await looks(made, 1, { ...made.ports(), leading: life.signal })
    t.same(undone(made), ['20-b'])
    const writes = made.runs.taken.length
    t.ok(writes < 5, `${writes} writes`)
    made.act = () => aDone()
    await looks(made, 6, made.ports('two'))
    t.same(undone(made), ['20-b', '20-b', '10-a'])
    t.ok(made.clock.now() - newYear < 20_000, 'not until the deadline of the first')
  },
)

t.test(
  'a leader that dies at whatever call, before or after it: everything is undone all the same',
  async (t) => {
    const start = () => {
      const made = ended('Refused')
      made.store(backup({ phase: 'FailedValidation' }))
      return made
    }
    const life = new FakeProcess()
    const whole = start()
    await looks(whole, 20, whole.ports('one', life))
    t.ok(life.calls.length > 10, `${life.calls.length} calls`)
    for (let n = 1; n <= life.calls.length; n++)
      for (const when of ['before', 'after'] as const) {
        const made = start()
        await looks(made, 20, made.ports('one', new FakeProcess(n, when))).catch(() => undefined)
        await looks(made, 40, made.ports('two'))
        const at = `dies ${when} call ${n} (${life.calls[n - 1]})`
        t.equal(run(made)?.status.phase, 'Undone', at)
        t.same([...new Set(undone(made))], ['20-b', '10-a'], at)
        t.same([...new Set(made.freed)], ['b1 10-a', 'b1 20-b'], at)
      }
  },
)

t.test('a key stays taken until the post stage is planned, where there is no record of it yet', async (t) => {
  const made = ended('Succeeded', [{ name: '10-a', exclusive: 'shop' }])
  made.installedAt = 0
  const completionTimestamp = iso(newYear)
  made.store(backup({ phase: 'Completed', status: { startTimestamp, completionTimestamp } }))
  const ports = made.ports()
  for (let n = 0; n < 3; n++) await look(made, ports)
  t.same(made.freed, [])
  ports.decided.add(`post/${aBackup().metadata.uid}`)
  await look(made, ports)
  t.same(made.freed, ['b1 shop'], 'there is nothing to plan')
})
