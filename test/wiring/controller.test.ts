/** What the leader does with a key, and what it says of what it has looked at. */
import t from 'tap'
import type { Looked } from '../../src/control/looked.ts'
import { createController } from '../../src/wiring/controller.ts'
import { aBackup, anAction, aRow, aRun, backupUid } from '../support/build.ts'
import { newYear } from '../support/fake-clock.ts'
import { FakeControl } from '../support/fake-control.ts'
import { FakeWorld } from '../support/fake-world.ts'

const iso = (ms: number) => new Date(ms).toISOString()
const key = { kind: 'Backup', namespace: 'velero', name: 'b1', uid: backupUid } as const
const ended = aBackup({
  creationTimestamp: iso(newYear - 600_000),
  phase: 'Completed',
  status: { startTimestamp: iso(newYear - 600_000), completionTimestamp: iso(newYear - 1_000) },
})
const longAgo = { creationTimestamp: iso(newYear - 3_600_000) }
const post = anAction({ name: 'a', stage: 'PostBackup', ...longAgo })

/** A leader, and in order what it told of its looks. */
function leading(control = new FakeControl(), ports = control.ports()) {
  const made = new FakeWorld(control.clock)
  const calls: string[] = []
  const looked: Looked = {
    offer: (key, add) => {
      calls.push('note')
      add(key)
    },
    offerAll: async (keys, add) => keys.forEach((key) => void add(key)),
    begin: () => calls.push('begin'),
    end: () => void calls.push('end'),
    failed: () => void calls.push('failed'),
    until: () => 0,
  }
  const controller = createController(() => made.world())
  const stop = new AbortController()
  const done = controller.lead(ports, looked, { signal: stop.signal, lost: new AbortController().signal })
  const end = async () => {
    stop.abort()
    await control.clock.pass(60_000)
    await done
  }
  return { control, made, calls, controller, end }
}

t.test('an object that changed waits for a look from when it was told, until it was looked at', async (t) => {
  const { control, calls, controller, end } = leading()
  controller.onObject(key)
  await control.clock.pass(0)
  t.same(calls, ['note', 'begin', 'end'])
  await end()
  controller.onObject(key)
  t.equal(calls.length, 3, 'who does not lead drops it')
})

t.test('an object is looked at once it is decided what to do, however long that lasts', async (t) => {
  const control = new FakeControl()
  control.actions = [post]
  control.store(ended)
  const performing = Promise.withResolvers<never>()
  const { calls, controller, end } = leading(control)
  control.act = () => {
    calls.push('perform')
    return performing.promise
  }
  controller.onObject(key)
  await control.clock.pass(60_000)
  t.equal(calls.at(-1), 'perform')
  t.equal(calls.at(-2), 'end')
  performing.reject(new Error('the test is over'))
  await end()
})

t.test('a look that failed is told as that, and comes again', async (t) => {
  const control = new FakeControl()
  control.store(ended)
  const ports = control.ports()
  let fails = true
  const runs: typeof ports.runs = {
    ...ports.runs,
    ofObject: (uid) => {
      if (fails) throw new Error('no answer')
      return ports.runs.ofObject(uid)
    },
  }
  const { calls, controller, end } = leading(control, { ...ports, runs })
  controller.onObject(key)
  await control.clock.pass(0)
  t.same(calls.slice(0, 3), ['note', 'begin', 'failed'])
  fails = false
  await control.clock.pass(60_000)
  t.equal(calls.at(-1), 'end')
  await end()
})

for (const [name, { last, want }] of Object.entries({
  'that has none': { last: undefined, want: true },
  'whose last one is older': { last: newYear - 120_000, want: true },
  'that has this one': { last: newYear - 60_000, want: false },
  'whose last one is newer': { last: newYear - 30_000, want: false },
}))
  t.test(`the result of a run is noted in an Action ${name}: ${want ? 'yes' : 'no'}`, async (t) => {
    const { control, made, controller, end } = leading()
    const status = last === undefined ? {} : { status: { lastRunTimestamp: iso(last) } }
    const action = anAction({ name: 'a', ...status })
    made.actions.put(action.metadata, { name: 'a', action, stamp: undefined, changedAt: 0 })
    const at = iso(newYear - 60_000)
    const row = aRow({ name: 'a', phase: 'Failed', completionTimestamp: at })
    control.runs.put(aRun({ status: { phase: 'Refused', completionTimestamp: at, actions: [row] } }))
    controller.onObject(key)
    await control.clock.pass(2_000)
    const noted = made.patched.filter(({ patch }) => JSON.stringify(patch).includes('lastResult'))
    const patch = { status: { lastRunTimestamp: at, lastResult: 'Failed' } }
    t.equal(noted.length, want ? 1 : 0)
    t.match(noted, want ? [{ name: 'a', patch }] : [])
    await end()
  })

t.test('of many runs that end within two seconds an Action is told the newest, in one write', async (t) => {
  const { control, made, controller, end } = leading()
  const action = anAction({ name: 'a' })
  made.actions.put(action.metadata, { name: 'a', action, stamp: undefined, changedAt: 0 })
  const keys = [3, 9, 6].map((second) => {
    const at = iso(newYear - 60_000 + second * 1000)
    const uid = `0000000${second}-0000-4000-8000-000000000000`
    const row = aRow({ name: 'a', phase: second === 9 ? 'Failed' : 'Succeeded', completionTimestamp: at })
    const objectRef = { kind: 'Backup', name: `b${second}`, uid } as const
    const status = { phase: 'Refused', completionTimestamp: at, actions: [row] } as const
    control.runs.put(aRun({ name: `run-${second}`, uid: `run-${second}`, objectRef, status }))
    return { kind: 'Backup', namespace: 'velero', name: `b${second}`, uid } as const
  })
  for (const one of keys) {
    controller.onObject(one)
    await control.clock.pass(500)
  }
  await control.clock.pass(1_000)
  const noted = made.patched.filter(({ patch }) => JSON.stringify(patch).includes('lastResult'))
  t.match(noted, [{ patch: { status: { lastRunTimestamp: iso(newYear - 51_000), lastResult: 'Failed' } } }])
  t.equal(noted.length, 1)
  await end()
})
