/** Performing for a run, where the API server does not answer. */
import t from 'tap'
import { createGate } from '../../src/admission/gate.ts'
import { createCel } from '../../src/cel/cel.ts'
import { KubeError } from '../../src/kube/errors.ts'
import type { Performing } from '../../src/core/run/performing.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import type { ExclusiveKeys } from '../../src/wiring/exclusive.ts'
import { performerOf } from '../../src/wiring/perform.ts'
import type { World } from '../../src/wiring/world.ts'
import type { ActionRun } from '../../src/api/action-run.ts'
import { aBackup, aPlannedAction, aRestore, aRun, anAction, anHttp } from '../support/build.ts'
import { newYear } from '../support/fake-clock.ts'
import { aRequest, FakeGate, veleroUser } from '../support/fake-gate.ts'

const never = new AbortController().signal

/** A performer whose API server cannot list storage locations; what it sends is noted. */
function broken({ clock, log }: FakeGate) {
  const list = async () => Promise.reject(new KubeError('TIMEOUT', 'no answer'))
  const metrics = createMetrics('0.0.0')
  const parts = { clock, log, metrics, cel: createCel(), version: '0.0.0', caches: new Map() }
  const sent: string[] = []
  const send = async ({ url }: { readonly url: string }) => {
    sent.push(url)
    return { failed: 'network', message: 'no route', sent: false } as const
  }
  // Performing an action without secrets needs no more of the world.
  const world = { ...parts, calls: { velero: () => ({ list }) } } as unknown as World
  return { perform: performerOf(world, { send }, { take: async () => ({ ok: true }) }), sent, metrics }
}

t.test('what is thrown before an action begins is an outcome: nothing was sent', async (t) => {
  const made = new FakeGate()
  const { perform, sent, metrics } = broken(made)
  const performing = {
    run: aRun(),
    action: aPlannedAction(),
    object: aBackup(),
    renderOnly: false,
    endsAt: made.clock.now() + 9_000,
    signal: never,
  }
  t.match(await perform(performing), {
    status: 'failed',
    cause: 'internal',
    mayHaveHadEffect: false,
    attempts: 0,
    message: /BackupStorageLocations of namespace velero could not be read/,
  })
  t.same(sent, [])
  t.match((await metrics.actions.get()).values, [{ labels: { result: 'internal' }, value: 1 }])
  t.match(made.log.lines, [/^warn an action was not begun/, /^warn action failed/])
})

t.test(
  'at the gate it ends the stage as refused, with the reason, and leaves no run without owner',
  async (t) => {
    const made = new FakeGate()
    made.actions = [anAction({ name: 'a', mode: 'Refuse' })]
    const { perform } = broken(made)
    const backup = aBackup({ schedule: 'nightly' })
    const gate = createGate('Backup', { ...made.ports(), perform })
    t.match(await gate(aRequest(backup, made.clock, { username: veleroUser })), {
      allowed: false,
      reason: 'ActionFailed',
      message: /"a" failed after 0 attempts.*BackupStorageLocations.*could not be read/,
    })
    t.match(made.runs.all(), [{ status: { phase: 'Refused', reason: 'ActionFailed' } }])
  },
)

/** A performer with an exclusive key that `take` gives or refuses; what it sends is noted. */
function keyed(take: ExclusiveKeys['take']) {
  const made = new FakeGate()
  const { clock, log } = made
  const list = async () => ({ items: [], resourceVersion: '1' })
  const metrics = createMetrics('0.0.0')
  const parts = { clock, log, metrics, cel: createCel(), version: '0.0.0', caches: new Map() }
  const sent: string[] = []
  const send = async ({ url }: { readonly url: string }) => {
    sent.push(url)
    return { failed: 'network', message: 'no route', sent: false } as const
  }
  const world = { ...parts, calls: { velero: () => ({ list }) } } as unknown as World
  const action = aPlannedAction({
    name: '10-a',
    undo: { http: anHttp({ url: 'https://quiesce.example/thaw' }) },
  })
  const perform = (given: Partial<Performing> = {}) =>
    performerOf(
      world,
      { send },
      { take },
    )({
      run: aRun({ actions: [action] }),
      action,
      object: aBackup(),
      renderOnly: false,
      endsAt: clock.now() + 9_000,
      signal: never,
      ...given,
    })
  return { perform, sent, log }
}

t.test('an action and its undo take their exclusive key before anything is sent', async (t) => {
  const asked: string[] = []
  const { perform, sent } = keyed(async (_run, key) => {
    asked.push(`${key} after ${sent.length}`)
    return { ok: true }
  })
  await perform()
  await perform({ undo: true })
  t.same(asked, ['10-a after 0', '10-a after 1'])
  t.same(sent, ['https://quiesce.example/freeze', 'https://quiesce.example/thaw'])
  await perform({ renderOnly: true })
  t.equal(asked.length, 2, 'what is only rendered needs none')
})

t.test('where another object has the key nothing is sent, by an undo neither', async (t) => {
  const { perform, sent } = keyed(async () => ({ heldBy: 'Backup velero/b2' }))
  for (const undo of [false, true])
    t.match(await perform({ undo }), {
      status: 'failed',
      cause: 'exclusive',
      mayHaveHadEffect: false,
      message: /the exclusive key "10-a" is taken by Backup velero\/b2/,
    })
  t.same(sent, [])
})

t.test('a key that cannot be asked for is not taken for free', async (t) => {
  const { perform, sent, log } = keyed(async () => Promise.reject(new KubeError('TIMEOUT', 'no answer')))
  t.match(await perform(), { cause: 'internal', mayHaveHadEffect: false, message: /could not be taken/ })
  t.same(sent, [])
  t.match(log.lines, [/^warn an action was not begun/, /^warn action failed/])
})

const reading = aPlannedAction({
  name: '10-replay',
  stage: 'PreRestore',
  http: anHttp({ url: "https://db.example/${exported['10-a'].lsn}" }),
})
const restoring = (exported: ActionRun['spec']['exported'], object = aRestore()) => ({
  run: aRun({
    stage: 'PreRestore',
    objectRef: { kind: 'Restore', name: 'r1', uid: 'r' },
    actions: [reading],
    ...(exported === undefined ? {} : { exported }),
  }),
  action: reading,
  object,
})

t.test('an action of a Restore calls with what its Backup exported', async (t) => {
  const { perform, sent } = keyed(async () => ({ ok: true }))
  await perform(restoring({ backup: 'b1', outputs: { '10-a': { lsn: '0/16B' } } }))
  t.same(sent, ['https://db.example/0%2F16B'])
})

for (const [name, { given, want }] of Object.entries({
  'do not verify': {
    given: restoring({ backup: 'b1', problem: 'they were changed' }),
    want: /^they were changed$/,
  },
  'were never looked for': { given: restoring(undefined), want: /were not looked for/ },
  'are of another Backup than the one that Velero chose': {
    given: restoring(
      { backup: 'b1', outputs: { '10-a': { lsn: 'x' } } },
      { ...aRestore(), spec: { backupName: 'b2', scheduleName: 'nightly' } },
    ),
    want: /restored the Backup b2, and the exported outputs that were read are of b1/,
  },
}))
  t.test(`where exported outputs ${name}, who refers to them is refused`, async (t) => {
    const { perform } = keyed(async () => ({ ok: true }))
    t.match(await perform(given), { status: 'failed', cause: 'exported', message: want })
  })

t.test('an undo takes back what was done with them, whichever Backup Velero chose since', async (t) => {
  const { perform, sent } = keyed(async () => ({ ok: true }))
  const restored = { ...aRestore(), spec: { backupName: 'b2', scheduleName: 'nightly' } }
  const given = restoring({ backup: 'b1', outputs: { '10-a': { lsn: '0/16B' } } }, restored)
  const undo = { http: anHttp({ url: "https://db.example/back/${exported['10-a'].lsn}" }) }
  const action = { ...reading, spec: { ...reading.spec, undo } }
  t.match(await perform({ ...given, action }), { cause: 'exported' })
  await perform({ ...given, action, undo: true })
  t.same(sent, ['https://db.example/back/0%2F16B'])
})

t.test('an action that refers to exported outputs that may not be used sends nothing', async (t) => {
  const { perform, sent } = keyed(async () => ({ ok: true }))
  const given = restoring({ backup: 'b1', problem: 'they were changed' })
  for (const renderOnly of [false, true])
    t.match(await perform({ ...given, renderOnly }), { attempts: 0, mayHaveHadEffect: false })
  t.same(sent, [])
  const other = aPlannedAction({ name: '20-b', stage: 'PreRestore' })
  await perform({ ...given, action: other })
  t.same(sent, ['https://quiesce.example/freeze'], 'and one that does not refer to them is done')
})

t.test('who was paused until its time was over takes no key: nobody would give it back', async (t) => {
  const asked: string[] = []
  const { perform, sent } = keyed(async (_run, key) => {
    asked.push(key)
    return { ok: true }
  })
  t.match(await perform({ endsAt: newYear }), { status: 'failed', cause: 'timeout', mayHaveHadEffect: false })
  t.same([asked, sent], [[], []])
})

t.test('an action waits for all keys of its stage, not only its own', async (t) => {
  const { perform, sent } = keyed(async (_run, key) =>
    key === 'queue' ? { heldBy: 'Backup velero/b2' } : { ok: true },
  )
  const first = aPlannedAction({ name: '10-a' })
  const actions = [first, aPlannedAction({ name: '20-b', exclusive: 'queue' })]
  t.match(await perform({ run: aRun({ actions }), action: first }), {
    cause: 'exclusive',
    message: /the exclusive key "queue" is taken by Backup velero\/b2/,
  })
  t.same(sent, [])
})
