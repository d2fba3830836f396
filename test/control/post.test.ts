import t from 'tap'
import type { ActionGiven, VeleroGiven, VeleroObject } from '../support/build.ts'
import { keyOf, reconcileObject, textOf } from '../../src/control/objects.ts'
import type { ControlPorts } from '../../src/control/ports.ts'
import { reconcilePost } from '../../src/control/post.ts'
import { settled } from '../../src/core/run/machine.ts'
import { aBackup, anAction, aPlannedAction, aRun } from '../support/build.ts'
import { newYear } from '../support/fake-clock.ts'
import { FakeControl } from '../support/fake-control.ts'
import { Died, FakeProcess } from '../support/fake-process.ts'
import { aDone, aFailed, anAborted } from '../support/outcomes.ts'

const iso = (ms: number) => new Date(ms).toISOString()
const actionsOf = (...given: readonly ActionGiven[]) =>
  given.map((one) => anAction({ stage: 'PostBackup', creationTimestamp: iso(newYear - 3_600_000), ...one }))
const never = new AbortController().signal
const keyOfObject = ({ kind, metadata }: VeleroObject) => ({
  kind,
  namespace: 'velero',
  name: metadata.name,
  uid: metadata.uid,
})

/** A Backup that began ten minutes ago. */
const backup = (given: VeleroGiven) =>
  aBackup({
    creationTimestamp: iso(newYear - 600_000),
    ...given,
    status: { startTimestamp: iso(newYear - 600_000), ...given.status },
  })
const completed = (given: VeleroGiven = {}) =>
  backup({ phase: 'Completed', status: { completionTimestamp: iso(newYear - 1_000) }, ...given })

/** Looks at the object until nothing changes any more, letting time pass as asked. */
async function settle(
  world: FakeControl,
  object: VeleroObject,
  ports: ControlPorts = world.ports(),
): Promise<void> {
  let before = ''
  for (let looks = 0; looks < 50; looks++) {
    const again = await reconcileObject(keyOfObject(object), ports, never)
    const now = JSON.stringify([
      world.runs.all(),
      world.object(object.kind, object.metadata.name),
      [...world.events],
    ])
    if (again === undefined && now === before) return
    before = now
    await world.clock.pass(again?.inMs ?? 0)
  }
  throw new Error('never came to rest')
}

async function world(object: VeleroObject, ...actions: readonly ActionGiven[]) {
  const made = new FakeControl()
  made.actions = actionsOf(...actions)
  made.store(object)
  return made
}
const performedBy = (made: FakeControl) => made.performed.map(({ action }) => action)

t.test(
  'a Backup that ended fires its post actions once, in order, and tells run, Event and annotation',
  async (t) => {
    const made = await world(completed(), { name: '9-b' }, { name: '10-a' })
    await settle(made, completed())
    t.same(performedBy(made), ['10-a', '9-b'])
    t.equal(made.performed[0]?.key, `${completed().metadata.uid}/PostBackup/10-a`)
    t.match(made.annotation(completed(), 'tidewaiter.io/post'), {
      phase: 'Succeeded',
      run: 'b1-1a2b3c4d-postbackup',
    })
    t.match(
      [...made.events.values()],
      [{ type: 'Normal', reason: 'PostActionsSucceeded', message: /2 succeeded/ }],
    )
    t.same(made.counted, ['PostBackup Succeeded'])
    await settle(made, completed())
    t.equal(made.performed.length, 2, 'and never again')
  },
)

for (const [name, { object, given, want }] of Object.entries({
  'an Action that came to be after the end': {
    object: completed(),
    given: { creationTimestamp: iso(newYear) },
    want: [],
  },
  'an Action that came to be before the end': {
    object: completed(),
    given: { creationTimestamp: iso(newYear - 2_000) },
    want: ['a'],
  },
  'one that ended before the install': {
    object: completed({
      creationTimestamp: iso(newYear - 9_000_000),
      status: { startTimestamp: iso(newYear - 9_000_000), completionTimestamp: iso(newYear - 8_000_000) },
    }),
    given: {},
    want: [],
  },
  'one that backup sync brought': {
    object: completed({
      creationTimestamp: iso(newYear),
      status: { completionTimestamp: iso(newYear - 60_000) },
    }),
    given: {},
    want: [],
  },
  "one whose start looks early because Velero's clock is behind": {
    object: completed({
      creationTimestamp: iso(newYear - 500_000),
      status: { startTimestamp: iso(newYear - 503_000), completionTimestamp: iso(newYear - 1_000) },
    }),
    given: {},
    want: ['a'],
  },
  'FailedValidation, not named': {
    object: backup({ phase: 'FailedValidation', status: { completionTimestamp: iso(newYear - 1) } }),
    given: {},
    want: [],
  },
  'FailedValidation, named': {
    object: backup({ phase: 'FailedValidation', status: { completionTimestamp: iso(newYear - 1) } }),
    given: { when: ['FailedValidation'] },
    want: ['a'],
  },
  'Deleting without a run': { object: backup({ phase: 'Deleting' }), given: { when: ['Deleted'] }, want: [] },
  'another namespace': { object: completed(), given: { match: { includedNamespaces: ['bank'] } }, want: [] },
  'an expression that fails': { object: completed(), given: { match: { expression: 'broken' } }, want: [] },
} as const)) {
  t.test(`first seen when it had ended: ${name}`, async (t) => {
    const made = await world(object, { name: 'a', ...(given as ActionGiven) })
    await settle(made, object)
    t.same(performedBy(made), want)
  })
}

t.test('an end of which nobody knows when is reported once, and not fired', async (t) => {
  const object = backup({ phase: 'Failed' })
  const made = await world(object, { name: 'a' })
  await settle(made, object)
  t.same(performedBy(made), [])
  t.match([...made.events.values()], [{ type: 'Warning', reason: 'PostActionsNotFired' }])
  t.match(made.annotation(object, 'tidewaiter.io/post'), { phase: 'Unknown' })
})

t.test('the time in managedFields counts where there is no completionTimestamp', async (t) => {
  const object = backup({ phase: 'Failed' })
  const managedFields = [
    { time: iso(newYear - 1_000), fieldsV1: { 'f:status': {} } },
    { time: iso(newYear + 9_000), fieldsV1: { 'f:metadata': {} } },
  ]
  const metadata = { ...object.metadata, managedFields }
  const made = await world({ ...object, metadata }, { name: 'a' })
  await settle(made, object)
  t.same(performedBy(made), ['a'])
})

t.test('the annotation outlives a pruned run: nothing fires twice', async (t) => {
  const made = await world(completed(), { name: 'a' })
  await settle(made, completed())
  for (const run of made.runs.all()) made.runs.delete(run)
  await settle(made, completed())
  t.same(performedBy(made), ['a'])
  t.equal(made.runs.all().length, 0)
})

t.test('an annotation that was copied from elsewhere speaks of another run, and stops nothing', async (t) => {
  for (const text of ['{"phase":"Succeeded","run":"other"}', 'not json', '[]', 'null']) {
    const object = completed({ annotations: { 'tidewaiter.io/post': text } })
    const made = await world(object, { name: 'a' })
    await settle(made, object)
    t.same(performedBy(made), ['a'], text)
  }
})

t.test(
  'a run is written when an unfinished object is first seen, and rests without writes until it ends',
  async (t) => {
    const object = backup({ phase: 'InProgress' })
    const made = await world(object, { name: 'a' }, { name: 'b', at: 'ItemsDone' })
    await settle(made, object)
    t.match(made.runs.all(), [{ status: { phase: 'Pending', conditions: [{ type: 'Seen' }] } }])
    made.actions = []
    const finalizing = backup({ phase: 'Finalizing' })
    made.store(finalizing)
    await settle(made, finalizing)
    t.same(performedBy(made), ['b'], 'ItemsDone as soon as it leaves InProgress; the plan is frozen')
    const writes = made.runs.taken.length
    await settle(made, finalizing)
    t.equal(made.runs.taken.length, writes, 'hours of waiting write nothing')
    made.store(completed())
    await settle(made, completed())
    t.same(performedBy(made), ['b', 'a'])
    t.match(made.runs.all(), [{ status: { phase: 'Succeeded', endedAs: 'Completed' } }])
  },
)

t.test('with Ended actions only, a long Finalizing writes nothing either', async (t) => {
  const object = backup({ phase: 'WaitingForPluginOperations' })
  const made = await world(object, { name: 'a' })
  await settle(made, object)
  const writes = made.runs.taken.length
  for (let i = 0; i < 5; i++) await reconcilePost(keyOfObject(object), made.ports(), never)
  t.equal(made.runs.taken.length, writes)
})

t.test('a Failed that Velero may take back is waited for', async (t) => {
  const failureReason =
    'found a backup with status "InProgress" during the server starting, mark it as "Failed"'
  const object = backup({ phase: 'Failed', status: { failureReason, completionTimestamp: iso(newYear) } })
  const made = await world(object, { name: 'a', when: ['Failed'] })
  const ports = made.ports()
  const look = () => reconcilePost(keyOfObject(object), ports, never)
  await look()
  await look()
  t.same(await look(), { inMs: 60_000 })
  t.same(performedBy(made), [])
  await made.clock.pass(60_000)
  await look()
  t.same(performedBy(made), ['a'])
})

t.test('an object that was seen and is gone was Deleted; one that never appeared is Skipped', async (t) => {
  const object = backup({ phase: 'InProgress' })
  const made = await world(object, { name: 'a', when: ['Deleted'] })
  await settle(made, object)
  made.remove(object)
  await settle(made, object)
  t.same(performedBy(made), ['a'])

  const other = new FakeControl()
  const stage = 'PostBackup'
  other.runs.put(
    aRun({ stage, actions: [aPlannedAction({ name: 'a', stage, when: ['Deleted'] })], status: {} }),
  )
  const look = () => reconcilePost(keyOfObject(aBackup()), other.ports(), never)
  t.same(await look(), { inMs: 60_000 }, 'the API server has a minute to store it')
  await other.clock.pass(60_000)
  t.equal(await look(), undefined)
  t.match(other.runs.all(), [{ status: { phase: 'Skipped', reason: 'Pointless' } }])
  t.same(performedBy(other), [])
})

t.test('an object that lives although the cache does not show it is not given up', async (t) => {
  const object = backup({ phase: 'InProgress' })
  const made = await world(object, { name: 'a' })
  await settle(made, object)
  const ports = made.ports()
  const blind = { ...ports, objects: { ...ports.objects, seen: () => undefined } }
  t.same(await reconcilePost(keyOfObject(object), blind, never), { inMs: 5_000 })
})

t.test('a failed action is told as a Warning; what comes after it is skipped', async (t) => {
  const made = await world(completed(), { name: 'a' }, { name: 'b' })
  made.act = () => aFailed()
  await settle(made, completed())
  t.same(performedBy(made), ['a'])
  const message = /^PostBackup actions: Failed \(a\), .*503/
  t.match([...made.events.values()], [{ type: 'Warning', reason: 'PostActionsFailed', message }])
})

t.test('a run of another cluster is never acted on', async (t) => {
  const made = await world(completed(), { name: 'a' })
  const run = made.runs.put(aRun({ stage: 'PostBackup', cluster: 'another', status: {} }))
  await settle(made, completed())
  t.same(performedBy(made), [])
  t.same(made.runs.all(), [run])
})

t.test('a run that another owner works on is left to it until its deadline and a margin', async (t) => {
  const made = await world(completed(), { name: 'a', timeoutSeconds: 30 })
  const { promise, resolve } = Promise.withResolvers<void>()
  made.act = async () => {
    if (made.performed.length === 1) await promise
    return aDone()
  }
  const one = made.ports('one')
  const look = (ports: ControlPorts) => reconcilePost(keyOfObject(completed()), ports, never)
  await look(one)
  await look(one)
  const working = look(one)
  await made.clock.pass(0)
  const two = made.ports('two')
  t.same(await look(two), { inMs: 40_000 }, 'timeout 30 s, 5 s to write, 5 s between clocks')

  t.test('also if this process knew an older state', async (t) => {
    const stale = {
      ...two,
      runs: {
        ...two.runs,
        ofObject: () =>
          made.runs.all().map((run) => ({ ...run, status: { ...run.status, phase: 'Pending' as const } })),
      },
    }
    t.same(await look(stale), { inMs: 40_000 })
    t.equal(made.performed.length, 1)
  })
  await made.clock.pass(40_000)
  await look(two)
  t.same(
    made.performed.map(({ owner }) => owner),
    ['one', 'two'],
    'then it is done again, with the same key',
  )
  t.equal(made.performed[0]?.key, made.performed[1]?.key)
  resolve()
  t.same(await working, { inMs: 5_000 }, 'who lost it stops there')
  t.match(made.runs.all(), [{ status: { phase: 'Succeeded', owner: 'two' } }])
})

t.test('an action has no more time than its owner has left', async (t) => {
  const made = await world(completed(), { name: 'a', timeoutSeconds: 30 })
  const ends: number[] = []
  made.act = ({ endsAt }) => {
    ends.push(endsAt)
    return aDone()
  }
  const ports = made.ports()
  const slow: ControlPorts = {
    ...ports,
    objects: {
      ...ports.objects,
      read: async (...at) => {
        await made.clock.pass(20_000)
        return ports.objects.read(...at)
      },
    },
  }
  await settle(made, completed(), slow)
  const [run] = made.runs.all()
  t.same(ends, [Date.parse(run?.status.deadline ?? '')], 'a slow read is taken from its time')
})

t.test(
  'a leader that stops hands the action back, and the next leader does it: nothing is lost',
  async (t) => {
    const made = await world(completed(), { name: 'a' }, { name: 'b' })
    const stopping = new AbortController()
    made.act = () => {
      if (made.performed.length > 1) return aDone()
      stopping.abort()
      return anAborted()
    }
    const one = made.ports('one')
    for (let i = 0; i < 3; i++) await reconcilePost(keyOfObject(completed()), one, stopping.signal)
    t.match(made.runs.all(), [
      {
        status: {
          phase: 'Pending',
          actions: [{ name: 'a', phase: 'Pending', attempts: 1 }, { phase: 'Pending' }],
        },
      },
    ])
    await settle(made, completed(), made.ports('two'))
    t.same(performedBy(made), ['a', 'a', 'b'])
    t.match(made.annotation(completed(), 'tidewaiter.io/post'), { phase: 'Succeeded' })
  },
)

t.test('a conflict leads to no effect', async (t) => {
  const made = await world(completed(), { name: 'a' })
  const ports = made.ports()
  await reconcilePost(keyOfObject(completed()), ports, never)
  await reconcilePost(keyOfObject(completed()), ports, never)
  const conflicting: ControlPorts = { ...ports, runs: { ...ports.runs, write: async () => 'conflict' } }
  t.same(await reconcilePost(keyOfObject(completed()), conflicting, never), { inMs: 5_000 })
  t.same([performedBy(made), made.counted], [[], []])
})

t.test('what the pre stage cannot tell just now does not keep the post actions from running', async (t) => {
  const made = await world(completed(), { name: 'a' })
  made.runs.put(aRun({ status: { phase: 'Succeeded', completionTimestamp: iso(newYear) } }))
  const ports = made.ports()
  const broken = { ...ports, releaseName: () => Promise.reject(new Error('forbidden')) }
  for (let i = 0; i < 5; i++)
    await t.rejects(reconcileObject(keyOfObject(completed()), broken, never), { message: 'forbidden' })
  t.same(performedBy(made), ['a'])
})

t.test('a key is the same after its way through the queue', async (t) => {
  const key = keyOfObject(completed())
  t.same(keyOf(textOf(key)), key)
})

t.test(
  "a person's skip counts, which the guard judged; a Schedule's if the Schedule carries it still",
  async (t) => {
    const annotations = { 'a/postbackup': 'skip' }
    const byHand = completed({ annotations })
    const made = await world(byHand, { name: 'a' })
    await settle(made, byHand)
    t.same(performedBy(made), [])

    const scheduled = completed({ annotations, schedule: 'nightly' })
    const copied = await world(scheduled, { name: 'a' })
    await settle(copied, scheduled)
    t.same(performedBy(copied), ['a'])
    const other = await world(scheduled, { name: 'a' })
    other.schedules = { nightly: annotations }
    await settle(other, scheduled)
    t.same(performedBy(other), [])
    t.match(other.runs.all(), [
      { status: { phase: 'Skipped', actions: [{ message: /a\/postbackup=skip/ }] } },
    ])
  },
)

// --- a crash at every call to the outside ---

/** Runs a process that dies at its n-th call, then others that do not; gives the calls the first one made. */
async function crash(made: FakeControl, object: VeleroObject, life: FakeProcess): Promise<void> {
  const first = made.ports('one', life)
  try {
    await settle(made, object, first)
  } catch (error) {
    if (!(error instanceof Died)) throw error
  }
  await made.clock.pass(200_000)
  await settle(made, object, made.ports('two'))
}

for (const when of ['before', 'after'] as const) {
  for (const idempotent of [true, false]) {
    t.test(`a crash ${when} any call, actions ${idempotent ? '' : 'not '}idempotent`, async (t) => {
      const whole = new FakeProcess()
      await crash(
        await world(
          completed(),
          { name: '10-a', idempotent, onError: 'Continue' },
          { name: '20-b', idempotent, onError: 'Continue' },
        ),
        completed(),
        whole,
      )
      t.ok(whole.calls.length > 10, `${whole.calls.length} calls`)
      for (let n = 1; n <= whole.calls.length; n++) {
        const made = await world(
          completed(),
          { name: '10-a', idempotent, onError: 'Continue' },
          { name: '20-b', idempotent, onError: 'Continue' },
        )
        const life = new FakeProcess(n, when)
        await crash(made, completed(), life)
        verify(t, made, { idempotent, at: `${when} call ${n} (${life.calls.at(-1)})` })
      }
    })
  }
}

function verify(
  t: { readonly same: (got: unknown, want: unknown, at: string) => unknown },
  made: FakeControl,
  { idempotent, at }: { readonly idempotent: boolean; readonly at: string },
): void {
  const [run] = made.runs.all()
  const rows = run?.status.actions ?? []
  const wrong: string[] = []
  if (made.runs.all().length !== 1 || !settled.has(run?.status.phase ?? ''))
    wrong.push('the run is not settled')
  for (const name of ['10-a', '20-b']) {
    const times = made.performed.filter(({ action }) => action === name)
    const row = rows.find((one) => one.name === name)
    if (idempotent && times.length < 1) wrong.push(`${name} was lost`)
    if (idempotent && row?.phase !== 'Succeeded') wrong.push(`${name} is ${row?.phase}`)
    if (!idempotent && times.length > 1) wrong.push(`${name} was done ${times.length} times`)
    if (!idempotent && times.length === 0 && row?.phase !== 'Unknown')
      wrong.push(`${name} was lost and is ${row?.phase}`)
    if (new Set(times.map(({ key }) => key)).size > 1) wrong.push(`${name} had two keys`)
  }
  if (made.annotation(completed(), 'tidewaiter.io/post').phase !== run?.status.phase)
    wrong.push('the annotation is missing')
  if (made.events.size !== 1) wrong.push(`${made.events.size} Events`)
  t.same(wrong, [], at)
}

t.test(
  'a Backup that ended while a former leader looked is history, also if an Action matches it now',
  async (t) => {
    const object = completed({ status: { completionTimestamp: iso(newYear - 120_000) } })
    const made = await world(object, { name: 'a' })
    made.unwatchedSince = newYear - 60_000
    await settle(made, object)
    t.same(performedBy(made), [])
  },
)

t.test(
  'a Backup that matched nothing when it ended never fires, whatever is written on it later',
  async (t) => {
    const action = { name: 'a', match: { selector: { matchLabels: { tour: 'yes' } } } }
    const made = await world(completed(), action)
    const ports = made.ports()
    await settle(made, completed(), ports)
    made.store(completed({ labels: { tour: 'yes' } }))
    await settle(made, completed(), ports)
    t.same(performedBy(made), [])
    const fresh = await world(completed({ labels: { tour: 'yes' } }), action)
    await settle(fresh, completed())
    t.same(performedBy(fresh), ['a'], 'it would have matched at its end')
  },
)

t.test('while the Actions are not known well enough nothing is frozen, and it is tried again', async (t) => {
  const made = await world(completed(), { name: 'a' })
  made.unsure = 'the Action b cannot be understood'
  const ports = made.ports()
  await t.rejects(
    reconcileObject(keyOfObject(completed()), ports, never),
    /cannot be planned yet.*understood/,
  )
  made.unsure = undefined
  await settle(made, completed(), ports)
  t.same(performedBy(made), ['a'])
})

t.test('a replica that leads no more begins no action; the next leader does', async (t) => {
  const made = await world(completed(), { name: 'a' })
  const lost = AbortSignal.abort()
  for (let looks = 0; looks < 5; looks++)
    await reconcileObject(keyOfObject(completed()), { ...made.ports(), leading: lost }, never)
  t.same(performedBy(made), [])
  await settle(made, completed(), made.ports('two'))
  t.same(performedBy(made), ['a'])
})

t.test('of actions that could not be planned every one is told, within the size of an Event', async (t) => {
  const broken = (name: string) => ({ name, match: { expression: 'broken' } })
  const told = async (...names: readonly string[]) => {
    const made = await world(completed(), ...names.map(broken))
    await settle(made, completed())
    const [note] = [...made.events.values()]
    t.match(note, { type: 'Warning', reason: 'PostActionsNotFired' })
    t.ok(Buffer.byteLength(note?.message ?? '') <= 1024)
    return note?.message ?? ''
  }
  t.match(await told('10-a', '20-b'), /"10-a" failed: no such key; .*"20-b" failed: no such key$/)
  const long = ['x', 'y', 'z'].map((letter) => `10-${letter.repeat(200)}`)
  for (const name of long) t.match(await told(...long, 'q'.repeat(250)), name.slice(0, 100))
  t.match(await told(...Array.from({ length: 40 }, (_, i) => `a${i}`)), /; and \d+ more, see the log$/)
})

t.test('a run that succeeded although an action was passed over is told as a Warning', async (t) => {
  const made = await world(completed(), { name: '10-a', dryRun: true }, { name: '20-b' })
  made.act = ({ action }) => (action.name === '10-a' ? aFailed({ cause: 'template' }) : aDone())
  await settle(made, completed())
  t.match(
    [...made.events.values()],
    [{ type: 'Warning', reason: 'PostActionsSucceeded', message: /1 succeeded, 1 failed/ }],
  )
})

t.test(
  'a Backup that ended while a leader could not look is reported if an action of that time matches, and never fired',
  async (t) => {
    const object = completed({ status: { completionTimestamp: iso(newYear - 120_000) } })
    const missed = async (...actions: readonly ActionGiven[]) => {
      const made = await world(object, ...actions)
      made.unwatchedSince = newYear - 60_000
      made.lookedUntil = newYear - 3_600_000
      const ports = made.ports()
      const reads: string[] = []
      const counting: ControlPorts = {
        ...ports,
        objects: {
          ...ports.objects,
          read: (...at) => {
            reads.push(at[2])
            return ports.objects.read(...at)
          },
        },
      }
      await settle(made, object, counting)
      t.same([performedBy(made), made.runs.all()], [[], []])
      return { made, reads }
    }
    const { made } = await missed({ name: 'a' }, { name: 'b' })
    t.match(
      [...made.events.values()],
      [
        {
          type: 'Warning',
          reason: 'PostActionsNotFired',
          message: /could not look at it .* wanted of a, b$/,
        },
      ],
    )
    t.match(made.annotation(object, 'tidewaiter.io/post'), { phase: 'Unknown' })
    await settle(made, object, made.ports('the next leader'))
    t.equal(made.events.size, 1, 'and once for all leaders')

    for (const [name, action, read] of [
      ['it matches nothing', { match: { includedNamespaces: ['bank'] } }, 1],
      ['the Action came later', { creationTimestamp: iso(newYear - 60_000) }, 0],
      ['the Action is for another stage', { stage: 'PostRestore' }, 0],
    ] as const) {
      const { made: silent, reads } = await missed({ name: 'a', ...action })
      t.same([silent.events.size, reads.length], [0, read], name)
      t.same(silent.annotation(object, 'tidewaiter.io/post'), {}, name)
    }
    const { made: broken } = await missed({ name: 'a', match: { expression: 'broken' } })
    t.match([...broken.events.values()], [{ message: /"a" failed: no such key/ }])
  },
)

t.test('what a leader could not look at waits until the Actions are known', async (t) => {
  const object = completed({ status: { completionTimestamp: iso(newYear - 120_000) } })
  const made = await world(object, { name: 'a' })
  made.unwatchedSince = newYear - 60_000
  made.lookedUntil = newYear - 3_600_000
  made.unsure = 'the Action x cannot be understood: mend or delete it'
  const ports = made.ports()
  await t.rejects(reconcilePost(keyOfObject(object), ports, never), { message: /the Action x cannot be/ })
  t.equal(made.events.size, 0)
  made.unsure = undefined
  await settle(made, object, ports)
  t.match([...made.events.values()], [{ reason: 'PostActionsNotFired' }])
})

t.test(
  'an action that is not idempotent and was not begun, as its object could not be read, is done later',
  async (t) => {
    const made = await world(completed(), { name: 'a', idempotent: false })
    const ports = made.ports()
    let reads = 0
    const read: ControlPorts['objects']['read'] = async (...at) => {
      reads += 1
      // The first is for the plan, the second for the action that is claimed.
      if (reads === 2) throw new Error('504 the API server did not answer')
      return ports.objects.read(...at)
    }
    await settle(made, completed(), { ...ports, objects: { ...ports.objects, read } })
    t.same(performedBy(made), ['a'])
    t.match(made.annotation(completed(), 'tidewaiter.io/post'), { phase: 'Succeeded' })
    t.match(made.log.lines, [/^warn an action was not begun/])
  },
)

t.test('a run of another version is told of once, and left for that version to go on with', async (t) => {
  const made = await world(completed(), { name: 'a' })
  made.unread = { 'b1-1a2b3c4d-postbackup': 'spec.stage must be given' }
  const ports = made.ports()
  await settle(made, completed(), ports)
  const [note, ...more] = [...made.events.values()]
  t.match(note, {
    type: 'Warning',
    reason: 'PostActionsNotFired',
    message: /cannot understand its ActionRun b1-1a2b3c4d-postbackup.*delete it.*spec.stage must be given/,
  })
  t.same([more, performedBy(made), made.runs.all()], [[], [], []])
  t.same(made.annotation(completed(), 'tidewaiter.io/post'), {}, 'its result is still to be told')
  made.unread = {}
  await settle(made, completed(), made.ports('two'))
  t.same(performedBy(made), ['a'])
})

t.test('a run of another version is not told of before its object ended', async (t) => {
  const made = await world(backup({ phase: 'InProgress' }), { name: 'a' })
  made.unread = { 'b1-1a2b3c4d-postbackup': 'p' }
  await settle(made, backup({ phase: 'InProgress' }))
  t.same([made.events.size, made.runs.all()], [0, []])
})

t.test(
  'an object whose run the copy does not show yet is looked at again, never taken for done',
  async (t) => {
    const made = await world(completed(), { name: 'a' })
    const ports = made.ports()
    const runs: ControlPorts['runs'] = { ...ports.runs, ofObject: () => [], create: async () => 'exists' }
    const behind = { ...ports, runs }
    for (const look of [1, 2])
      t.same(await reconcilePost(keyOfObject(completed()), behind, never), { inMs: 60_000 }, `look ${look}`)
    await settle(made, completed(), ports)
    t.same(performedBy(made), ['a'], 'the copy has caught up')
  },
)

t.test(
  'an Action that was changed after the end does not run for it; the others do, and it is told',
  async (t) => {
    const made = await world(completed(), { name: 'a' }, { name: 'b' })
    const ports = made.ports()
    const actions: ControlPorts['actions'] = (namespace) =>
      ports.actions(namespace).map((known) => {
        const isLate = known.action.metadata.name === 'a'
        return { ...known, changedAt: isLate ? newYear - 10 : newYear - 1_000 }
      })
    await settle(made, completed(), { ...ports, actions })
    t.same(performedBy(made), ['b'])
    t.match(
      [...made.events.values()],
      [
        { reason: 'PostActionsNotFired', message: /: Action "a" was changed after the end.*Do by hand/ },
        { reason: 'PostActionsSucceeded' },
      ],
    )
    t.match(made.annotation(completed(), 'tidewaiter.io/post'), { phase: 'Succeeded' })
  },
)

t.test('where every Action was changed after the end, nothing runs and the object says so', async (t) => {
  const made = await world(completed(), { name: 'a' })
  made.changedAt = newYear - 10
  await settle(made, completed())
  t.same([performedBy(made), made.runs.all()], [[], []])
  t.match([...made.events.values()], [{ reason: 'PostActionsNotFired', message: /Action "a" was changed/ }])
  t.match(made.annotation(completed(), 'tidewaiter.io/post'), { phase: 'Unknown' })
})

t.test('what a run froze before the end is done, whatever the Action says after it', async (t) => {
  const made = await world(backup({ phase: 'InProgress' }), { name: 'a' })
  await settle(made, backup({ phase: 'InProgress' }))
  made.changedAt = newYear - 10
  made.store(completed())
  await settle(made, completed())
  t.same(performedBy(made), ['a'])
})

t.test(
  'an Action that was changed after the end and is skipped is skipped, and nothing is told of it',
  async (t) => {
    const skipped = completed({ annotations: { 'a/postbackup': 'skip' } })
    const made = await world(skipped, { name: 'a' })
    made.changedAt = newYear - 10
    await settle(made, skipped)
    t.same(performedBy(made), [])
    t.notMatch([...made.events.values()], [{ reason: 'PostActionsNotFired' }])
  },
)
