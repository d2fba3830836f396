/** A failed post action that counts against the result: seen in the object's own phase, once, whatever happens in between. */
import t from 'tap'
import { reconcileObject } from '../../src/control/objects.ts'
import type { ControlPorts } from '../../src/control/ports.ts'
import { aBackup, anAction, type ActionGiven, type VeleroGiven } from '../support/build.ts'
import { newYear } from '../support/fake-clock.ts'
import { FakeControl } from '../support/fake-control.ts'
import { Died, FakeProcess } from '../support/fake-process.ts'
import { aDone, aFailed } from '../support/outcomes.ts'

const iso = (ms: number) => new Date(ms).toISOString()
const never = new AbortController().signal

/** A Backup that began ten minutes ago. */
const backup = (given: VeleroGiven) =>
  aBackup({
    creationTimestamp: iso(newYear - 600_000),
    ...given,
    status: {
      startTimestamp: iso(newYear - 600_000),
      completionTimestamp: iso(newYear - 1_000),
      ...given.status,
    },
  })
const completed = backup({ phase: 'Completed' })
const key = { kind: 'Backup', namespace: 'velero', name: 'b1', uid: completed.metadata.uid } as const

/** A world with this Backup, and an action that fails. */
function world(object = completed, ...more: readonly ActionGiven[]): FakeControl {
  const made = new FakeControl()
  const common: ActionGiven = { stage: 'PostBackup', creationTimestamp: iso(newYear - 3_600_000) }
  made.actions = [{ name: '10-verify', countsAgainstResult: true }, ...more].map((one) =>
    anAction({ ...common, ...one }),
  )
  made.store(object)
  made.act = ({ action }) => (action.name.startsWith('10') ? aFailed() : aDone())
  return made
}

/** Looks until nothing is left to be looked at. */
async function settle(made: FakeControl, ports: ControlPorts = made.ports()): Promise<void> {
  for (let looks = 0; looks < 30; looks++) {
    const again = await reconcileObject(key, ports, never)
    if (again === undefined) return
    await made.clock.pass(again.inMs)
  }
}
const result = (made: FakeControl) => made.object('Backup', 'b1')?.status

t.test('a completed Backup becomes PartiallyFailed with one error, and its annotation says so', async (t) => {
  const made = world(completed, { name: '20-notify' })
  await settle(made)
  t.match(result(made), { phase: 'PartiallyFailed', errors: 1 })
  t.match(made.annotation(completed, 'tidewaiter.io/post'), { phase: 'Failed', counted: 1 })
  t.match(
    [...made.events.values()],
    [{ message: /answered 503.*; 1 failure counts against the Backup \(run / }],
  )
})

t.test('what does not count leaves the phase alone', async (t) => {
  const made = world(completed)
  made.act = () => aDone()
  await settle(made)
  t.match(result(made), { phase: 'Completed', errors: undefined })
  t.notMatch(made.annotation(completed, 'tidewaiter.io/post'), { counted: 1 })
})

t.test('a Failed Backup stays Failed, and is told', async (t) => {
  const made = world(backup({ phase: 'Failed' }))
  await settle(made)
  t.match(result(made), { phase: 'Failed', errors: undefined })
  t.match(made.annotation(completed, 'tidewaiter.io/post'), { phase: 'Failed', counted: undefined })
})

t.test('an action that fails before the end is told at once, and counted when Velero is done', async (t) => {
  const working = backup({ phase: 'Finalizing', status: { completionTimestamp: undefined } })
  const made = world(working)
  made.actions = [
    anAction({ name: '10-verify', stage: 'PostBackup', at: 'ItemsDone', countsAgainstResult: true }),
  ]
  const ports = made.ports()
  for (let look = 0; look < 6; look++) await reconcileObject(key, ports, never)
  t.equal(made.runs.all()[0]?.status.phase, 'Failed')
  t.match([...made.events.values()], [{ reason: 'PostActionsFailed' }])
  t.same(result(made)?.['phase'], 'Finalizing', 'what Velero writes last would write over it')
  t.same(made.annotation(completed, 'tidewaiter.io/post'), {})
  made.store(completed)
  await settle(made, ports)
  t.match(result(made), { phase: 'PartiallyFailed', errors: 1 })
  t.equal(made.events.size, 1)
})

t.test('what somebody writes in between is not written over: it is looked at again', async (t) => {
  for (const [phase, want] of [
    ['Deleting', 'Deleting'],
    ['Failed', 'Failed'],
    ['Completed', 'PartiallyFailed'],
  ] as const) {
    const made = world()
    const ports = made.ports()
    let writes = 0
    const count: ControlPorts['objects']['count'] = async (...at) => {
      writes += 1
      if (writes === 1) made.store(backup({ phase, resourceVersion: '2' }))
      return ports.objects.count(...at)
    }
    await settle(made, { ...ports, objects: { ...ports.objects, count } })
    t.equal(result(made)?.['phase'], want)
    t.match(made.annotation(completed, 'tidewaiter.io/post'), { phase: 'Failed' })
  }
})

t.test('a Backup that is gone before it was counted is left alone', async (t) => {
  const made = world()
  const ports = made.ports()
  const count: ControlPorts['objects']['count'] = async (...at) => {
    made.remove(completed)
    return ports.objects.count(...at)
  }
  await settle(made, { ...ports, objects: { ...ports.objects, count } })
  t.equal(made.object('Backup', 'b1'), undefined)
})

t.test('a copy that is behind counts nothing twice', async (t) => {
  const made = world()
  const ports = made.ports()
  const seen = ports.objects.seen('Backup', 'velero', 'b1')
  await settle(made, { ...ports, objects: { ...ports.objects, seen: () => seen } })
  await settle(made, { ...made.ports('two'), objects: { ...ports.objects, seen: () => seen } })
  t.match(result(made), { phase: 'PartiallyFailed', errors: 1 })
  t.match(made.annotation(completed, 'tidewaiter.io/post'), { counted: 1 })
})

for (const when of ['before', 'after'] as const) {
  t.test(`a crash ${when} any call counts it once`, async (t) => {
    const whole = new FakeProcess()
    const first = world()
    await settle(first, first.ports('one', whole))
    t.ok(whole.calls.includes('objects.count'))
    for (let n = 1; n <= whole.calls.length; n++) {
      const made = world()
      const life = new FakeProcess(n, when)
      await settle(made, made.ports('one', life)).catch((error: unknown) => {
        if (!(error instanceof Died)) throw error
      })
      await made.clock.pass(120_000)
      await settle(made, made.ports('two'))
      t.match(result(made), { phase: 'PartiallyFailed', errors: 1 }, `call ${n} (${life.calls.at(-1)})`)
      t.equal(made.events.size, 1, `call ${n}`)
    }
  })
}
