/** Held objects: in their turn, let go, failed, aborted, and gone on with by the next leader. */
import t from 'tap'
import { reconcilePre } from '../../src/control/pre.ts'
import type { ControlPorts } from '../../src/control/ports.ts'
import { notBegun } from '../../src/core/outcome.ts'
import type { Performing } from '../../src/core/run/performing.ts'
import {
  aBackup,
  anAction,
  anHttp,
  aPlannedAction,
  aRestore,
  aRow,
  aRun,
  type ActionGiven,
  type RunGiven,
  type VeleroGiven,
  type VeleroObject,
} from '../support/build.ts'
import { newYear } from '../support/fake-clock.ts'
import { FakeControl } from '../support/fake-control.ts'
import { FakeProcess } from '../support/fake-process.ts'
import { aDone, aFailed, anAborted } from '../support/outcomes.ts'

const never = new AbortController().signal
const iso = (ms: number) => new Date(ms).toISOString()
const hour = 3_600_000
const hold = { 'tidewaiter.io/hold': 'pre-actions' }

/** A Backup that is held, made so many seconds after the new year. */
const held = (given: VeleroGiven = {}, second = 0): VeleroObject =>
  aBackup({ annotations: hold, phase: 'New', creationTimestamp: iso(newYear + second * 1000), ...given })
const free = (object: VeleroObject): VeleroObject => ({
  ...object,
  metadata: { ...object.metadata, annotations: {} },
})
/** The run of a held Backup. */
const heldRun = (given: RunGiven = {}) => aRun({ held: true, status: {}, ...given })
const runFor = ({ metadata: { name, uid } }: VeleroObject, ...actions: readonly ActionGiven[]) =>
  heldRun({
    name: `${name}-${uid.slice(0, 8)}-prebackup`,
    uid: `run-of-${name}`,
    objectRef: { kind: 'Backup', name, uid },
    ...(actions.length === 0 ? {} : { actions: actions.map((one) => aPlannedAction(one)) }),
  })

const look = (made: FakeControl, object: VeleroObject, ports: ControlPorts = made.ports()) =>
  reconcilePre(
    { kind: object.kind, namespace: 'velero', name: object.metadata.name, uid: object.metadata.uid },
    ports,
    never,
  )

/** Looks, and waits as long as it is told, until nothing is left to do or the looks are used up. */
async function looks(made: FakeControl, object: VeleroObject, most = 12, ports = made.ports()) {
  for (let left = most; left > 0; left--) {
    const again = await look(made, object, ports)
    if (again === undefined) return
    await made.clock.pass(again.inMs)
  }
}

/** A world with one held Backup and its run. */
function holding(...actions: readonly ActionGiven[]) {
  const made = new FakeControl()
  const backup = held()
  made.store(backup)
  made.runs.put(runFor(backup, ...actions))
  return { made, backup }
}

const reasons = (made: FakeControl) => [...made.events.values()].map(({ reason }) => reason)
const phaseOf = (made: FakeControl) => made.object('Backup', 'b1')?.status?.['phase']
const isHeld = (made: FakeControl, name = 'b1') =>
  'tidewaiter.io/hold' in (made.object('Backup', name)?.metadata.annotations ?? {})

t.test('its actions run, then it is let go with the result on it', async (t) => {
  const { made, backup } = holding({ name: '10-a' }, { name: '20-b' })
  await looks(made, backup)
  t.same(
    made.performed.map(({ action, key }) => [action, key]),
    [
      ['10-a', `${backup.metadata.uid}/PreBackup/10-a`],
      ['20-b', `${backup.metadata.uid}/PreBackup/20-b`],
    ],
  )
  t.equal(isHeld(made), false)
  t.equal(phaseOf(made), 'New', 'its phase is left to Velero')
  t.match(made.annotation(backup, 'tidewaiter.io/pre'), { phase: 'Succeeded' })
  t.same(reasons(made), ['Held', 'PreActionsSucceeded'])
  t.same(made.counted, ['PreBackup Succeeded'])
})

const exporter = {
  name: '10-a',
  outputs: [{ name: 'lsn', expression: 'response.body.lsn', export: true }],
} satisfies ActionGiven

t.test('what its actions export goes on it in the write that lets it go', async (t) => {
  const { made, backup } = holding(exporter, { name: '20-b' })
  made.act = ({ action }) => aDone({ outputs: action.name === '10-a' ? { lsn: '0/16B' } : { other: 1 } })
  await looks(made, backup)
  const { name, uid } = backup.metadata
  t.equal(made.patches.length, 1)
  t.match(made.annotation(backup, 'tidewaiter.io/outputs'), {
    v: 1,
    backup: name,
    uid,
    run: made.runs.all()[0]?.metadata.name,
  })
  t.same((made.annotation(backup, 'tidewaiter.io/outputs') as { readonly outputs?: object }).outputs, {
    '10-a': { lsn: '0/16B' },
  })
})

t.test('it is not let go without what it exports: while that cannot be signed, it stays held', async (t) => {
  const { made, backup } = holding(exporter)
  made.act = () => aDone({ outputs: { lsn: '0/16B' } })
  const signOutputs = async () => Promise.reject(new Error('no key yet'))
  await t.rejects(looks(made, backup, 12, { ...made.ports(), signOutputs }), /no key yet/)
  t.equal(isHeld(made), true)
  t.same(made.patches, [])
  await looks(made, backup)
  t.equal(isHeld(made), false)
  t.equal(made.performed.length, 1, 'and nothing is done twice')
})

t.test(
  'a hold whose outputs cannot be signed ends when it lasts too long: it fails, and is undone',
  async (t) => {
    const { made, backup } = holding({ ...exporter, undo: { http: anHttp() } })
    made.act = () => aDone({ outputs: { lsn: '0/16B' } })
    const problem = 'outputs cannot be signed: there is no key for it yet'
    const ports = { ...made.ports(), signOutputs: async () => Promise.reject(new Error(problem)) }
    await t.rejects(looks(made, backup, 12, ports), { message: problem })
    await made.clock.pass(hour - 60_000)
    await t.rejects(look(made, backup, ports), { message: problem })
    t.equal(phaseOf(made), 'New')
    await made.clock.pass(60_000)
    await looks(made, backup, 12, ports)
    t.match(made.object('Backup', 'b1')?.status, {
      phase: 'FailedValidation',
      validationErrors: [
        /^tidewaiter refused Backup velero\/b1: it was held for longer than .* \(--hold-max-seconds\), and outputs cannot be signed: there is no key for it yet\. The Backup was not started\. Run: /,
      ],
    })
    t.equal(isHeld(made), false)
    t.equal(made.object('Backup', 'b1')?.metadata.annotations?.['tidewaiter.io/outputs'], undefined)
    t.match(made.performed, [{ action: '10-a' }, { action: '10-a', key: /undo/ }])
  },
)

t.test('one whose hold was lifted by hand after its actions is told to export nothing', async (t) => {
  const { made, backup } = holding(exporter)
  made.act = () => aDone({ outputs: { lsn: '0/16B' } })
  await look(made, backup)
  made.store(free(backup))
  await looks(made, backup)
  t.equal(made.annotation(backup, 'tidewaiter.io/outputs').phase, undefined)
  const said = [...made.events.values()].find(({ reason }) => reason === 'PreActionsSucceeded')
  t.match(said, {
    type: 'Warning',
    message: /its outputs were not exported, because its hold was lifted by hand$/,
  })
})

t.test('what ends a hold is written to this very object as it was read', async (t) => {
  const { made, backup } = holding()
  await looks(made, backup)
  const { uid, resourceVersion } = backup.metadata
  t.match(made.patches, [{ metadata: { uid, resourceVersion } }])
})

t.test('another writes the object in between: it is read anew, and let go then', async (t) => {
  const { made, backup } = holding()
  made.beforePatch = () => {
    made.beforePatch = () => {}
    made.store({ ...backup, metadata: { ...backup.metadata, resourceVersion: '2' } })
  }
  await look(made, backup)
  t.same(await look(made, backup), { inMs: 2_000 })
  t.equal(isHeld(made), true)
  await looks(made, backup)
  t.equal(isHeld(made), false)
  t.equal(made.performed.length, 1)
})

t.test('another object has the name by now: nothing of it is written', async (t) => {
  const { made, backup } = holding()
  await look(made, backup)
  made.beforePatch = () => made.store(held({ uid: 'another' }))
  await look(made, backup)
  t.same(made.patches, [])
  t.equal(isHeld(made), true)
})

t.test(
  'one that fails is failed as Velero fails what is not valid, in the words of the action',
  async (t) => {
    const { made, backup } = holding({ name: '10-a' }, { name: '20-b' })
    made.act = () => aFailed()
    await looks(made, backup)
    t.match(made.object('Backup', 'b1'), {
      spec: { storageLocation: 'default' },
      status: {
        phase: 'FailedValidation',
        validationErrors: [/"10-a" failed.*503 "replica lag 40 s"/],
        expiration: /^2026-01-31T/,
      },
    })
    t.equal(isHeld(made), false)
    t.match(made.annotation(backup, 'tidewaiter.io/pre'), { phase: 'Refused' })
    t.same(
      made.performed.map(({ action }) => action),
      ['10-a'],
    )
    t.ok(reasons(made).includes('PreActionsRefused'))
  },
)

t.test('a Restore is held and let go as a Backup is', async (t) => {
  const made = new FakeControl()
  const restore = aRestore({ annotations: hold, phase: 'New', creationTimestamp: iso(newYear) })
  made.store(restore)
  made.runs.put(aRun({ stage: 'PreRestore', held: true, status: {} }))
  await looks(made, restore)
  t.same(made.object('Restore', 'r1')?.metadata.annotations?.['tidewaiter.io/hold'], undefined)
  t.equal(made.performed.length, 1)
})

// --- its admission was not finished ---

t.test('a held object without a run gets one, and then its turn', async (t) => {
  const made = new FakeControl()
  made.actions = [anAction({ name: '10-a' }), anAction({ name: '90-p', stage: 'PostBackup' })]
  made.store(held())
  t.same(await look(made, held()), { inMs: 0 })
  t.match(made.runs.all(), [{ spec: { held: true, stage: 'PreBackup', actions: [{ name: '10-a' }] } }])
  await looks(made, held())
  t.equal(isHeld(made), false)
  t.equal(made.performed.length, 1)
})

t.test('if no action matches any more, it is let go', async (t) => {
  const made = new FakeControl()
  made.store(held())
  await look(made, held())
  t.equal(isHeld(made), false)
  t.same(made.runs.all(), [])
})

t.test('if what matches cannot be told, it is failed with the reason', async (t) => {
  const made = new FakeControl()
  made.actions = [anAction({ name: '10-a', match: { expression: 'broken' } })]
  made.store(held())
  await look(made, held())
  t.match(made.object('Backup', 'b1')?.status, {
    phase: 'FailedValidation',
    validationErrors: [/10-a.*no such key/],
  })
})

t.test('while the Actions are not known well enough nothing is decided', async (t) => {
  const made = new FakeControl()
  made.unsure = 'the copy of the Actions is behind'
  made.store(held())
  await t.rejects(look(made, held()), /not known yet: the copy of the Actions is behind/)
  t.equal(isHeld(made), true)
})

t.test('a run that another wrote meanwhile is waited for', async (t) => {
  const made = new FakeControl()
  made.actions = [anAction()]
  made.store(held())
  const ports = made.ports()
  const blind = { ...ports, runs: { ...ports.runs, ofObject: () => [] } }
  await look(made, held(), blind)
  t.same(await look(made, held(), blind), { inMs: 2_000 })
  t.equal(made.runs.all().length, 1)
})

// --- turns ---

t.test('the second waits until the first was done by Velero, then begins', async (t) => {
  const made = new FakeControl()
  const [first, second] = [held(), held({ name: 'b2', uid: '2b2b2b2b-2' }, 1)]
  for (const one of [first, second]) {
    made.store(one)
    made.runs.put(runFor(one, { name: `act-${one.metadata.name}` }))
  }
  const acts = () => made.performed.map(({ action }) => action)
  t.match(await look(made, second), { inMs: 30_000 })
  await looks(made, first)
  t.same(acts(), ['act-b1'])
  await looks(made, second, 2)
  t.same(acts(), ['act-b1'], 'the first was let go, and is about to start')
  made.store(free({ ...first, status: { phase: 'InProgress', startTimestamp: iso(made.clock.now()) } }))
  await looks(made, second, 2)
  t.same(acts(), ['act-b1'])
  made.store(free({ ...first, status: { phase: 'Completed' } }))
  await looks(made, second, 3)
  t.same(acts(), ['act-b1', 'act-b2'])
})

t.test('where Velero works on two at once, two are let go', async (t) => {
  const made = new FakeControl()
  made.slots = 2
  const both = [held(), held({ name: 'b2', uid: '2b2b2b2b-2' }, 1)]
  for (const one of both) {
    made.store(one)
    made.runs.put(runFor(one))
  }
  for (const one of both) await looks(made, one)
  t.same([isHeld(made), isHeld(made, 'b2')], [false, false])
})

t.test(
  'what waits for an exclusive key is told so, holds up nobody, and goes on when it is free',
  async (t) => {
    const made = new FakeControl()
    const [first, second] = [held(), held({ name: 'b2', uid: '2b2b2b2b-2' }, 1)]
    for (const one of [first, second]) {
      made.store(one)
      made.runs.put(runFor(one, { name: 'act', exclusive: one === first ? 'shop' : 'other' }))
    }
    let taken = true
    made.act = ({ run }) =>
      taken && run.spec.objectRef.name === 'b1' ? notBegun('exclusive', 'the key "shop" is taken') : aDone()
    await look(made, first)
    t.match(made.runs.ofObject(first.metadata.uid), [
      {
        status: {
          phase: 'Pending',
          actions: [{ phase: 'Pending', message: /waits: the key "shop" is taken/ }],
        },
      },
    ])
    t.match(await look(made, first), { inMs: 5_000 }, 'it is not asked for again at once')
    await looks(made, second)
    t.equal(isHeld(made, 'b2'), false, 'the next has its turn meanwhile')
    taken = false
    await made.clock.pass(5_000)
    await looks(made, first)
    t.equal(isHeld(made), false)
  },
)

// --- a hold ends ---

t.test('a hold that lasts too long fails, also while it waits for its turn', async (t) => {
  const { made, backup } = holding()
  made.slots = 0
  t.match(await look(made, backup), { inMs: 30_000 })
  await made.clock.pass(hour)
  await looks(made, backup)
  t.same(made.performed, [])
  t.match(made.object('Backup', 'b1')?.status, {
    phase: 'FailedValidation',
    validationErrors: [/held for longer than a hold may last \(--hold-max-seconds\)/],
  })
})

t.test('a clock that is ahead of the API server ends no hold', async (t) => {
  const { made, backup } = holding()
  made.slots = 0
  made.aheadMs = 2 * hour
  await made.clock.pass(2 * hour)
  t.match(await look(made, backup), { inMs: 30_000 })
  made.slots = 1
  await looks(made, backup)
  t.equal(made.performed.length > 0, true, 'and its actions have their time')
  t.equal(made.object('Backup', 'b1')?.status?.['phase'], 'New')
})

t.test('a clock that is set forth while actions are at work cuts none of them short', async (t) => {
  const { made, backup } = holding({ name: '10-a' }, { name: '20-b' })
  made.act = async ({ signal, endsAt }) => {
    if (endsAt <= made.clock.now()) return aFailed()
    made.clock.step(2 * hour)
    await made.clock.pass(3_000)
    return signal.aborted ? anAborted() : aDone()
  }
  await looks(made, backup)
  t.match(made.runs.all(), [{ status: { phase: 'Succeeded' } }])
  t.equal(made.object('Backup', 'b1')?.status?.['phase'], 'New')
})

/** An action that is at work when `change` happens, and stops when it is told to. */
const cutBy = (made: FakeControl, change: () => void | Promise<void>) => async (performing: Performing) => {
  await change()
  await made.clock.pass(1_000)
  return performing.signal.aborted ? anAborted() : aDone()
}

for (const [name, { change, phase, reason, said = /./ }] of Object.entries<{
  readonly change: (made: FakeControl, backup: VeleroObject) => void | Promise<void>
  readonly phase: string
  readonly reason: string
  readonly said?: RegExp
}>({
  'its hold has lasted too long': {
    change: ({ clock }) => clock.pass(hour),
    phase: 'Refused',
    reason: 'HeldTooLong',
  },
  'it was deleted': {
    change: (made, backup) => made.remove(backup),
    phase: 'Refused',
    reason: 'Deleted',
    said: /^it was deleted before its actions had ended; /,
  },
  'it is being deleted': {
    change: (made, backup) => made.store({ ...backup, status: { phase: 'Deleting' } }),
    phase: 'Refused',
    reason: 'Deleted',
  },
  'another object has its name': {
    change: (made) => made.store(held({ uid: 'another' })),
    phase: 'Refused',
    reason: 'Deleted',
  },
  'its hold was lifted by hand': {
    change: (made, backup) => made.store(free(backup)),
    phase: 'Skipped',
    reason: 'Released',
    said: /^the hold was lifted, or the gate switched off, before its actions had ended; /,
  },
  'it started, because the gate is off': {
    change: (made, backup) => made.store({ ...backup, status: { phase: 'InProgress' } }),
    phase: 'Skipped',
    reason: 'Released',
  },
}))
  t.test(`an action is cut short within a second when ${name}`, async (t) => {
    const { made, backup } = holding(
      { name: '10-a', timeoutSeconds: 3_600, undo: { http: anHttp() } },
      { name: '20-b' },
    )
    made.act = cutBy(made, () => change(made, backup))
    await look(made, backup)
    t.match(made.runs.ofObject(backup.metadata.uid), [{ status: { phase, reason, message: said } }])
    t.match(made.runs.ofObject(backup.metadata.uid)[0]?.status.actions, [
      { phase: 'Failed' },
      { phase: 'Skipped' },
    ])
    t.equal(made.clock.waiting, 0, 'nobody watches it any more')
  })

t.test(
  'what failed as its hold ended says so, also where the time of the API server is thought to be earlier by then',
  async (t) => {
    const { made, backup } = holding({ name: '10-a', timeoutSeconds: 3_600 })
    await made.clock.pass(hour / 2)
    made.act = async ({ endsAt }) => {
      made.aheadMs += 900
      await made.clock.pass(endsAt - made.clock.now())
      return aFailed()
    }
    await look(made, backup)
    t.match(made.runs.all(), [{ status: { phase: 'Refused', reason: 'HeldTooLong' } }])
  },
)

t.test('one that was deleted in the middle of an action is undone', async (t) => {
  const { made, backup } = holding({ name: '10-a', undo: { http: anHttp() } })
  const cut = cutBy(made, () => made.remove(backup))
  made.act = (performing) => (performing.undo === true ? aDone() : cut(performing))
  await looks(made, backup)
  t.match(made.runs.all(), [{ status: { phase: 'Undone', undoneFrom: 'Refused', reason: 'Deleted' } }])
  t.same(
    made.performed.map(({ key }) => key.split('/').slice(1).join('/')),
    ['PreBackup/10-a', 'PreBackup/10-a/undo'],
  )
})

t.test('one whose hold was lifted before anything began runs nothing, and is not held again', async (t) => {
  const { made, backup } = holding()
  made.store(free(backup))
  await looks(made, backup)
  t.same(made.performed, [])
  t.match(made.runs.all(), [{ status: { phase: 'Skipped', reason: 'Released' } }])
  t.same(made.patches, [])
})

t.test('one that never came to be is given a minute, then its run ends', async (t) => {
  const made = new FakeControl()
  made.runs.put(heldRun({ creationTimestamp: iso(newYear) }))
  t.same(await look(made, aBackup()), { inMs: 60_000 })
  await made.clock.pass(60_000)
  await look(made, aBackup())
  t.match(made.runs.all(), [{ status: { phase: 'Refused', reason: 'NeverAppeared' } }])
  await look(made, aBackup())
  t.match(made.runs.all(), [{ status: { conditions: [{ type: 'Orphaned' }] } }])
  t.equal(made.orphaned.length, 1)
})

t.test('a copy that does not show it yet ends nothing: the API server is asked', async (t) => {
  const { made, backup } = holding()
  await made.clock.pass(hour / 2)
  const ports = made.ports()
  const blind = { ...ports, objects: { ...ports.objects, seen: () => undefined } }
  t.same(await look(made, backup, blind), { inMs: 5_000 })
  t.match(made.runs.all(), [{ status: { phase: 'Pending' } }])
})

// --- the next leader ---

t.test(
  'what another leader runs is left to it until its deadline and a margin, then done again',
  async (t) => {
    const { made, backup } = holding()
    const [run] = made.runs.all()
    const status = {
      phase: 'Running',
      owner: 'zero',
      deadline: iso(newYear + 15_000),
      startTimestamp: iso(newYear),
      actions: [aRow({ phase: 'Running', startTimestamp: iso(newYear) })],
    } as const
    if (run !== undefined) await made.runs.write(run, status)
    t.match(await look(made, backup), { inMs: 20_000 })
    await made.clock.pass(19_999)
    t.same(await look(made, backup), { inMs: 1 })
    t.same(made.performed, [])
    await made.clock.pass(1)
    await looks(made, backup)
    t.match(made.performed, [{ owner: 'one', key: `${backup.metadata.uid}/PreBackup/10-quiesce` }])
    t.equal(isHeld(made), false)
  },
)

t.test(
  'what the leader before ran is done again at once: it ended its calls before this one could lead',
  async (t) => {
    const { made, backup } = holding()
    const [run] = made.runs.all()
    const deadline = iso(newYear + 3_600_000)
    const rows = [aRow({ phase: 'Running', startTimestamp: iso(newYear) })]
    if (run !== undefined)
      await made.runs.write(run, { phase: 'Running', owner: 'zero', deadline, actions: rows })
    made.formers = ['zero']
    await looks(made, backup)
    t.match(made.performed, [{ owner: 'one', key: `${backup.metadata.uid}/PreBackup/10-quiesce` }])
    t.equal(isHeld(made), false)
    t.ok(made.clock.now() < newYear + 60_000)
  },
)

t.test(
  'a leader that dies at whatever call, before or after it: the next one brings it to the same end',
  async (t) => {
    const undo = { http: anHttp() }
    const start = () => {
      const { made, backup } = holding({ name: '10-a', undo, exclusive: 'shop' }, { name: '20-b', undo })
      made.act = ({ action, undo: back }) => (action.name === '20-b' && back !== true ? aFailed() : aDone())
      return { made, backup }
    }
    const whole = start()
    const life = new FakeProcess()
    await looks(whole.made, whole.backup, 40, whole.made.ports('one', life))
    const calls = life.calls.length
    t.ok(calls > 20, `${calls} calls`)
    for (let n = 1; n <= calls; n++)
      for (const when of ['before', 'after'] as const) {
        const { made, backup } = start()
        await looks(made, backup, 40, made.ports('one', new FakeProcess(n, when))).catch(() => undefined)
        await looks(made, backup, 60, made.ports('two'))
        const at = `dies ${when} call ${n} (${life.calls[n - 1]})`
        t.match(made.runs.all(), [{ status: { phase: 'Undone', undoneFrom: 'Refused' } }], at)
        t.equal(phaseOf(made), 'FailedValidation', at)
        t.equal(isHeld(made), false, at)
        t.same([...new Set(made.freed)], ['b1 20-b', 'b1 shop'], at)
        const keys = new Set(made.performed.map(({ key }) => key))
        t.equal(keys.size, 4, `${at}: each action and each undo has one key`)
      }
  },
)

for (const [name, { phase, live }] of Object.entries({
  'a Backup that was released and works is not failed': {
    phase: 'Refused' as const,
    live: free(held({ phase: 'InProgress' })),
  },
  'a Backup that was released and waits is not failed': { phase: 'Refused' as const, live: free(held()) },
  'an abort that the copy does not show yet is not passed over': {
    phase: 'Succeeded' as const,
    live: held({ annotations: { ...hold, 'tidewaiter.io/abort': 'ann: wrong window' } }),
  },
}))
  t.test(`judged by a copy that is behind: ${name}`, async (t) => {
    const made = new FakeControl()
    made.store(held())
    made.runs.put(heldRun({ status: { phase, reason: 'ActionFailed', completionTimestamp: iso(newYear) } }))
    const ports = made.ports()
    const objects = { ...ports.objects, read: async () => live }
    await look(made, held(), { ...ports, objects })
    t.same(made.patches, [])
  })
