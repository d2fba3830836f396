import t from 'tap'
import { createGate } from '../../src/admission/gate.ts'
import type { ControlPorts } from '../../src/control/ports.ts'
import { reconcilePre } from '../../src/control/pre.ts'
import { settled } from '../../src/core/run/machine.ts'
import { aBackup, anAction, aRow, aRun, type VeleroGiven, type VeleroObject } from '../support/build.ts'
import { newYear } from '../support/fake-clock.ts'
import { FakeControl } from '../support/fake-control.ts'
import { aRequest, FakeGate, veleroUser } from '../support/fake-gate.ts'
import { FakeProcess } from '../support/fake-process.ts'

const never = new AbortController().signal
const iso = (ms: number) => new Date(ms).toISOString()
const look = (made: FakeControl, ports: ControlPorts = made.ports(), object: VeleroObject = aBackup()) =>
  reconcilePre(
    { kind: object.kind, namespace: 'velero', name: object.metadata.name, uid: object.metadata.uid },
    ports,
    never,
  )
const backup = (given: VeleroGiven = {}) => aBackup({ creationTimestamp: iso(newYear - 60_000), ...given })
const done = { phase: 'Succeeded', message: '1 succeeded', completionTimestamp: iso(newYear) } as const

t.test(
  'how the pre stage went is told on the object once it is there, and the name is given back',
  async (t) => {
    const made = new FakeControl()
    made.runs.put(aRun({ status: done }))
    await look(made)
    t.equal(made.events.size, 0, 'not before it is there')
    made.store(backup())
    await look(made)
    await look(made)
    t.match(made.annotation(backup(), 'tidewaiter.io/pre'), {
      phase: 'Succeeded',
      run: 'b1-1a2b3c4d-prebackup',
    })
    t.match([...made.events.values()], [{ type: 'Normal', reason: 'PreActionsSucceeded' }])
    t.same(made.released, ['b1'])
  },
)

t.test('an object that has the name by now is not told of the run of another', async (t) => {
  const made = new FakeControl()
  made.runs.put(aRun({ status: done }))
  made.store(backup({ uid: 'another' }))
  await look(made)
  t.equal(made.events.size, 0)
})

t.test(
  'a run that was never claimed is settled after a minute, one that was claimed after its deadline and a margin',
  async (t) => {
    for (const [status, wait, want] of [
      [{}, 60_000, { phase: 'Refused', reason: 'Stopping' }],
      [
        { phase: 'Running', deadline: iso(newYear + 28_500), actions: [aRow({ phase: 'Running' })] },
        33_500,
        { phase: 'Unknown', reason: 'OwnerLost', actions: [{ phase: 'Unknown' }] },
      ],
    ] as const) {
      const made = new FakeControl()
      made.runs.put(aRun({ status }))
      t.same(await look(made), { inMs: wait })
      await made.clock.pass(wait - 1)
      t.same(await look(made), { inMs: 1 })
      await made.clock.pass(1)
      await look(made)
      t.match(made.runs.all(), [{ status: want }])
      t.same(made.counted, [`PreBackup ${want.phase}`])
      t.same(made.performed, [], 'and nothing is performed')
    }
  },
)

t.test('what the cache says is looked at anew before anything is taken from its owner', async (t) => {
  const made = new FakeControl()
  const stale = made.runs.put(aRun({ status: {} }))
  await made.clock.pass(60_000)
  const ports = made.ports()
  const behind = { ...ports, runs: { ...ports.runs, ofObject: () => [stale] } }

  await made.runs.write(stale, {
    phase: 'Running',
    deadline: iso(made.clock.now() + 10_000),
    actions: [aRow({ phase: 'Running' })],
  })
  t.same(await look(made, behind), { inMs: 15_000 })
  const [running] = made.runs.all()
  await made.runs.write(running ?? stale, done)
  t.equal(await look(made, behind), undefined)
  t.match(made.runs.all(), [{ status: done }])
  t.same(
    [made.counted, made.log.lines],
    [[], []],
    'a run that ended by itself is neither counted nor reported',
  )
  made.runs.delete(stale)
  t.equal(await look(made, behind), undefined)
})

t.test('a conflict while it is settled: looked at again later', async (t) => {
  const made = new FakeControl()
  made.runs.put(aRun({ status: {} }))
  await made.clock.pass(60_000)
  const ports = made.ports()
  t.same(await look(made, { ...ports, runs: { ...ports.runs, write: async () => 'conflict' } }), {
    inMs: 5_000,
  })
  t.same(made.counted, [])
})

t.test('a run of another cluster is left alone', async (t) => {
  const made = new FakeControl()
  const run = made.runs.put(aRun({ cluster: 'another', status: {} }))
  made.store(backup())
  await made.clock.pass(600_000)
  await look(made)
  t.same(made.runs.all(), [run])
})

t.test('an object that is there although its run never began was admitted without us', async (t) => {
  const made = new FakeControl()
  made.runs.put(aRun({ status: {} }))
  made.store(backup())
  await made.clock.pass(60_000)
  await look(made)
  t.match(made.runs.all(), [{ status: { phase: 'Unknown', reason: 'Unguarded', message: /10-quiesce/ } }])
})

// --- unguarded ---

const unguarded = (given: VeleroGiven = {}) =>
  backup({
    phase: 'InProgress',
    ...given,
    status: { startTimestamp: iso(newYear - 59_000), ...given.status },
  })

t.test(
  'a Backup that began although actions matched, without a run, is reported once as unguarded',
  async (t) => {
    const made = new FakeControl()
    made.actions = [anAction({ name: '10-a' })]
    made.store(unguarded())
    await look(made)
    await look(made)
    t.match(made.runs.all(), [
      { status: { phase: 'Unknown', reason: 'Unguarded', message: /\(10-a\): tidewaiter was not asked/ } },
    ])
    t.same(made.counted, ['PreBackup Unknown'])
    t.match([...made.events.values()], [{ type: 'Warning', reason: 'PreActionsUnknown' }])
    t.match(made.annotation(backup(), 'tidewaiter.io/pre'), { phase: 'Unknown' })
    t.same(made.performed, [])
  },
)

for (const [name, { object, prepare, want }] of Object.entries({
  'it has not begun': { object: unguarded({ phase: 'New' }), prepare: undefined, want: 0 },
  'Velero itself refused it': {
    object: unguarded({ phase: 'FailedValidation' }),
    prepare: undefined,
    want: 0,
  },
  'it was there before the install': {
    object: unguarded({ creationTimestamp: iso(newYear - 7_200_000) }),
    prepare: undefined,
    want: 0,
  },
  'backup sync brought it': {
    object: unguarded({ phase: 'Completed', status: { completionTimestamp: iso(newYear - 3_000_000) } }),
    prepare: undefined,
    want: 0,
  },
  'no action matches': {
    object: unguarded({ spec: { includedNamespaces: ['bank'] } }),
    prepare: undefined,
    want: 0,
  },
  'the actions changed since': {
    object: unguarded(),
    prepare: (made: FakeControl) => void (made.changedAt = newYear),
    want: 0,
  },
  'its run was pruned': {
    object: unguarded({ annotations: { 'tidewaiter.io/pre': '{"run":"b1-1a2b3c4d-prebackup"}' } }),
    prepare: undefined,
    want: 0,
  },
  "a Schedule's copy of the annotation speaks of another": {
    object: unguarded({ annotations: { 'tidewaiter.io/pre': '{"run":"other"}' } }),
    prepare: undefined,
    want: 1,
  },
  "Velero's clock is a little behind": {
    object: unguarded({
      phase: 'Completed',
      status: { startTimestamp: iso(newYear - 63_000), completionTimestamp: iso(newYear) },
    }),
    prepare: undefined,
    want: 1,
  },
} as const)) {
  t.test(`unguarded or not: ${name}`, async (t) => {
    const made = new FakeControl()
    made.actions = [anAction({ name: '10-a', match: { includedNamespaces: ['shop'] } })]
    prepare?.(made)
    made.store(object)
    await look(made)
    t.equal(made.runs.all().length, want)
  })
}

t.test('a run that is there and not seen yet is not taken for missing', async (t) => {
  const made = new FakeControl()
  made.actions = [anAction({ name: '10-a' })]
  const run = made.runs.put(aRun({ status: { phase: 'Running' } }))
  made.store(unguarded())
  const ports = made.ports()
  await look(made, { ...ports, runs: { ...ports.runs, ofObject: () => [] } })
  t.same(made.runs.all(), [run])
  t.same(made.counted, [])
})

// --- a replica dies at every call ---

t.test(
  'a replica that dies in the middle: nothing is performed twice, and its run is settled by the leader',
  async (t) => {
    const replica = async (life: FakeProcess) => {
      const made = new FakeControl()
      const gate = new FakeGate(made.clock, made.runs)
      gate.actions = [
        anAction({ name: '10-a' }),
        anAction({ name: '20-b' }),
        anAction({ name: 'p', stage: 'PostBackup' }),
      ]
      const verdict = await createGate(
        'Backup',
        gate.ports('one', life),
      )(aRequest(aBackup(), made.clock)).catch(() => undefined)
      return { made, gate, verdict }
    }
    const whole = new FakeProcess()
    t.match((await replica(whole)).verdict, { allowed: true })
    for (const when of ['before', 'after'] as const)
      for (let n = 1; n <= whole.calls.length; n++) {
        const { made, gate } = await replica(new FakeProcess(n, when))
        await made.clock.pass(120_000)
        await look(made)
        const pre = made.runs.all().find(({ spec }) => spec.stage === 'PreBackup')
        const twice = gate.performed.length !== new Set(gate.performed).size
        const ended = pre === undefined || settled.has(pre.status.phase ?? '')
        const known =
          pre === undefined || (pre.status.actions ?? []).every(({ phase }) => phase !== 'Running')
        const recorded = gate.performed.every((name) =>
          pre?.status.actions?.some((row) => row.name === name && row.phase !== 'Skipped'),
        )
        t.same(
          { twice, ended, known, recorded },
          { twice: false, ended: true, known: true, recorded: true },
          `${when} call ${n}`,
        )
      }
  },
)

const refused = () =>
  aRun({
    status: { phase: 'Refused', reason: 'ActionFailed', message: 'no', completionTimestamp: iso(newYear) },
  })
const beganYetRefused = (made: FakeControl) =>
  made.log.entries.filter(({ level }) => level === 'error').length

t.test('an object that began although its pre stage said no is counted as unguarded, once', async (t) => {
  for (const toldBefore of [false, true]) {
    const made = new FakeControl()
    made.runs.put(refused())
    if (toldBefore) {
      made.store(backup({ phase: 'New' }))
      await look(made)
      t.match(made.annotation(backup(), 'tidewaiter.io/pre'), { phase: 'Refused', unguarded: undefined })
      t.same(made.unguarded, [], 'what has not begun is not unguarded')
    }
    const annotations = made.object('Backup', 'b1')?.metadata.annotations ?? {}
    made.store(backup({ phase: 'InProgress', annotations }))
    await look(made)
    await look(made)
    t.same([made.unguarded, beganYetRefused(made)], [['b1'], 1], `told before: ${toldBefore}`)
    t.match([...made.events.values()].at(-1), {
      type: 'Warning',
      reason: 'PreActionsUnguarded',
      message: 'PreBackup actions: Refused, yet the Backup began, no (run b1-1a2b3c4d-prebackup)',
    })
    t.match(made.annotation(backup(), 'tidewaiter.io/pre'), { phase: 'Refused', unguarded: true })
    t.match(made.runs.all(), [
      { status: { phase: 'Refused', conditions: [{ type: 'Unguarded', status: 'True', reason: 'Began' }] } },
    ])
    await look(made, made.ports('the next leader'))
    t.equal(made.unguarded.length, 1, 'and not again by the next leader')
  }
})

t.test(
  'a hold that was lifted before its actions had ended is counted as unguarded once it began',
  async (t) => {
    const made = new FakeControl()
    const status = { phase: 'Skipped', reason: 'Released', completionTimestamp: iso(newYear) } as const
    made.runs.put(aRun({ held: true, status }))
    made.store(backup({ phase: 'New' }))
    await look(made)
    t.same(made.unguarded, [], 'what has not begun is not unguarded')
    made.store(
      backup({ phase: 'InProgress', annotations: made.object('Backup', 'b1')?.metadata.annotations ?? {} }),
    )
    await look(made)
    await look(made)
    t.same(made.unguarded, ['b1'])
    t.match([...made.events.values()].at(-1), { type: 'Warning', reason: 'PreActionsUnguarded' })
    t.match(made.annotation(backup(), 'tidewaiter.io/pre'), { phase: 'Skipped', unguarded: true })
  },
)

t.test(
  'a copy that is behind does not make it count twice, and the next leader tells what was not told',
  async (t) => {
    const made = new FakeControl()
    const stale = made.runs.put(refused())
    made.store(backup({ phase: 'InProgress' }))
    const ports = made.ports()
    const dumb = {
      ...ports,
      runs: { ...ports.runs, ofObject: () => [stale] },
      objects: { ...ports.objects, annotate: async () => Promise.reject(new Error('not now')) },
    }
    await t.rejects(look(made, dumb))
    t.same(await look(made, dumb), { inMs: 5_000 })
    t.same(made.unguarded, ['b1'])
    await look(made, made.ports('the next leader'))
    t.match(made.annotation(backup(), 'tidewaiter.io/pre'), { unguarded: true })
    t.same(made.unguarded, ['b1'])
  },
)

t.test('a label that makes a finished Backup match later does not make it unguarded', async (t) => {
  const made = new FakeControl()
  made.actions = [anAction({ match: { selector: { matchLabels: { tour: 'yes' } } } })]
  const ports = made.ports()
  made.store(backup({ phase: 'InProgress' }))
  await look(made, ports)
  made.store(backup({ phase: 'Completed', labels: { tour: 'yes' } }))
  await look(made, ports)
  t.same([made.unguarded, made.runs.all()], [[], []])
})

t.test('what began while a leader could not look is still reported as unguarded', async (t) => {
  for (const [lookedUntil, want] of [
    [newYear - 30_000, 0],
    [newYear - 60_000, 1],
  ] as const) {
    const made = new FakeControl()
    made.actions = [anAction({ name: '10-a' })]
    made.unwatchedSince = newYear
    made.lookedUntil = lookedUntil
    made.store(unguarded())
    await look(made)
    t.equal(made.unguarded.length, want)
  }
})

// --- the Schedule of a refused Backup ---

const refusedNightly = (name = 'nightly-1', requestedBy = veleroUser) =>
  aRun({
    name: `${name}-prebackup`,
    uid: `uid-of-${name}`,
    scheduleName: 'nightly',
    requestedBy,
    status: {
      phase: 'Refused',
      reason: 'ActionFailed',
      completionTimestamp: iso(newYear),
      actions: [aRow({ name: '10-a', phase: 'Failed', message: 'answered 503' })],
    },
  })

t.test(
  'a Schedule is told once that its Backup was refused, when that is sure not to be there',
  async (t) => {
    const made = new FakeControl()
    made.schedules = { nightly: {} }
    made.runs.put(refusedNightly())
    const life = new FakeProcess()
    const ports = made.ports('one', life)
    t.same(await look(made, ports), { inMs: 3_000 })
    t.equal(made.events.size, 0)
    await made.clock.pass(3_000)
    await look(made, ports)
    await look(made, ports)
    t.same(life.calls, ['tell'], 'not again by the same leader')
    await look(made)
    t.match(
      [...made.events.values()],
      [
        {
          regarding: { kind: 'Schedule', namespace: 'velero', name: 'nightly', uid: 'uid-of-nightly' },
          type: 'Warning',
          reason: 'BackupRefused',
          message: /action "10-a" failed: answered 503/,
          series: { cause: 'ActionFailed/10-a', count: 1 },
        },
      ],
    )
  },
)

t.test(
  'a Schedule is not told of a Backup that came to be, nor one that is gone, nor of history',
  async (t) => {
    const admitted = new FakeControl()
    admitted.schedules = { nightly: {} }
    admitted.runs.put(refusedNightly())
    admitted.store(backup({ phase: 'New' }))
    await admitted.clock.pass(3_000)
    await look(admitted)
    t.same(
      [...admitted.events.values()].map(({ regarding }) => regarding.kind),
      ['Backup'],
    )

    const gone = new FakeControl()
    gone.runs.put(refusedNightly())
    await gone.clock.pass(3_000)
    t.equal(await look(gone), undefined)
    t.equal(gone.events.size, 0)

    const byHand = new FakeControl()
    byHand.schedules = { nightly: {} }
    byHand.runs.put(refusedNightly('mine', 'mallory'))
    await byHand.clock.pass(3_000)
    t.equal(await look(byHand), undefined, 'whoever made it with the label of the Schedule was told already')
    t.equal(byHand.events.size, 0)

    const late = new FakeControl()
    late.schedules = { nightly: {} }
    late.runs.put(refusedNightly())
    await late.clock.pass(60 * 60_000)
    await look(late)
    t.equal(late.events.size, 0)
  },
)

t.test('a Schedule is told too of what failed while it was held, although the Backup is there', async (t) => {
  const made = new FakeControl()
  made.schedules = { nightly: {} }
  const run = refusedNightly()
  made.runs.put({ ...run, spec: { ...run.spec, held: true } })
  made.store(backup({ phase: 'FailedValidation', schedule: 'nightly' }))
  const ports = made.ports()
  await look(made, ports)
  await made.clock.pass(3_000)
  await look(made, ports)
  t.same(
    [...made.events.values()].map(({ reason, regarding }) => [regarding.kind, reason]),
    [
      ['Backup', 'PreActionsRefused'],
      ['Schedule', 'BackupRefused'],
    ],
  )
  t.same(made.unguarded, [])
})

for (const phase of ['Queued', 'ReadyToStart'])
  t.test(`what is ${phase} has not begun: Velero may still find it not valid`, async (t) => {
    const made = new FakeControl()
    made.runs.put(refused())
    made.store(backup({ phase }))
    await look(made)
    t.same(made.unguarded, [])
  })

t.test('a new leader tells a Schedule once, however many of its Backups were refused', async (t) => {
  const made = new FakeControl()
  made.schedules = { nightly: {} }
  const runs = Array.from({ length: 20 }, (_, i) => {
    const run = refusedNightly(`nightly-${i}`)
    const uid = `uid-of-nightly-${i}`
    const objectRef = { kind: 'Backup', name: `nightly-${i}`, uid } as const
    const status = { ...run.status, completionTimestamp: iso(newYear - i * 600_000) }
    return made.runs.put({ ...run, spec: { ...run.spec, objectRef }, status })
  })
  await made.clock.pass(3_000)
  const life = new FakeProcess()
  const asked: string[] = []
  const ports = made.ports('two', life)
  const counted: ControlPorts = {
    ...ports,
    uidOfSchedule: (namespace, name) => {
      asked.push(name)
      return ports.uidOfSchedule(namespace, name)
    },
  }
  for (const run of runs) await reconcilePre({ ...run.spec.objectRef, namespace: 'velero' }, counted, never)
  t.same([life.calls, asked], [['tell'], ['nightly']])
  t.match([...made.events.values()], [{ series: { count: 20 } }])
})

t.test('what a leader remembers of a Schedule does not grow with its refusals', async (t) => {
  const made = new FakeControl()
  made.schedules = { nightly: {} }
  const ports = made.ports()
  for (const n of [1, 2, 3]) {
    const run = refusedNightly(`nightly-${n}`)
    const objectRef = { kind: 'Backup', name: `nightly-${n}`, uid: `uid-${n}` } as const
    const status = { ...run.status, completionTimestamp: iso(made.clock.now()) }
    made.runs.put({ ...run, spec: { ...run.spec, objectRef }, status })
    await made.clock.pass(600_000)
    await reconcilePre({ ...objectRef, namespace: 'velero' }, ports, never)
    t.equal([...ports.decided].filter((key) => key.startsWith('schedule/')).length, 1)
  }
})

t.test('a leader that dies before the Schedule was told leaves it to the next', async (t) => {
  const made = new FakeControl()
  made.schedules = { nightly: {} }
  made.runs.put(refusedNightly())
  await made.clock.pass(3_000)
  await t.rejects(look(made, made.ports('one', new FakeProcess(1))))
  t.equal(made.events.size, 0)
  await look(made, made.ports('two'))
  t.equal(made.events.size, 1)
})
