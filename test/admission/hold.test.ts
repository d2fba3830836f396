/** The two webhooks of a Backup that is to be held: one marks it, the other records it and lets it pass. */
import t from 'tap'
import { createGate } from '../../src/admission/gate.ts'
import { createHold } from '../../src/admission/hold.ts'
import type { AdmissionRequest } from '../../src/core/admission-request.ts'
import type { PatchOperation, Verdict } from '../../src/core/verdict.ts'
import {
  aBackup,
  anAction,
  aRestore,
  type ActionGiven,
  type VeleroGiven,
  type VeleroObject,
} from '../support/build.ts'
import { aRequest, FakeGate, veleroUser } from '../support/fake-gate.ts'
import { FakeProcess } from '../support/fake-process.ts'

type Asked = Parameters<typeof aRequest>[2]

function worldOf(...actions: readonly ActionGiven[]): FakeGate {
  const made = new FakeGate()
  made.actions = actions.map((one) => anAction(one))
  return made
}

const long: ActionGiven = { name: '10-a', mode: 'Hold' }
const short: ActionGiven = { name: '10-a' }
const mark = { 'tidewaiter.io/hold': 'pre-actions' }

const mutate = (made: FakeGate, object: VeleroObject, asked: Asked = {}): Promise<Verdict> =>
  createHold(made.ports())(aRequest(object, made.clock, asked))
const validate = (made: FakeGate, object: VeleroObject, asked: Asked = {}, life = new FakeProcess()) =>
  createGate(object.kind, made.ports('one', life))(aRequest(object, made.clock, asked))

/** RFC 6902, as far as these patches go. */
function applied(object: object, patch: readonly PatchOperation[]): VeleroObject {
  const result = structuredClone(object) as Record<string, unknown>
  for (const operation of patch) {
    const keys = operation.path.split('/').slice(1)
    const last = (keys.pop() ?? '').replaceAll('~1', '/').replaceAll('~0', '~')
    let target = result
    for (const key of keys) target = target[key] as Record<string, unknown>
    if (operation.op === 'remove') {
      if (!(last in target)) throw new Error(`${operation.path} is not there`)
      delete target[last]
    } else target[last] = operation.value
  }
  return result as VeleroObject
}

// --- the mutating webhook ---

for (const [name, { given, asked = {}, actions = [long] }] of Object.entries<{
  readonly given: VeleroGiven
  readonly asked?: Asked
  readonly actions?: readonly ActionGiven[]
}>({
  'without annotations and status': { given: {} },
  'with an empty status, as Go clients send it': { given: { status: {} } },
  'with a status that is null': { given: { status: null as unknown as Record<string, unknown> } },
  'that is New already': { given: { phase: 'New' } },
  'with annotations of its own': { given: { annotations: { 'example.org/x': '1', 'a~b': '2' } } },
  'with annotations that are null': { given: { annotations: null as unknown as Record<string, string> } },
  'that brings another hold along': { given: { annotations: { 'tidewaiter.io/hold': 'mine' } } },
  'that a Schedule of Velero made': {
    given: { schedule: 'nightly' },
    asked: { username: veleroUser },
    actions: [short],
  },
  'whose actions may take longer than an admission has': {
    given: {},
    actions: [{ ...short, timeoutSeconds: 29 }],
  },
}))
  t.test(`a Backup ${name} is marked, and New`, async (t) => {
    const object = aBackup(given)
    const verdict = await mutate(worldOf(...actions), object, asked)
    t.match(verdict, { allowed: true, reason: 'HoldSet' })
    const held = applied(object, verdict.patch)
    t.same(held.metadata.annotations?.['tidewaiter.io/hold'], 'pre-actions')
    t.same(held.status, { phase: 'New' })
    const { 'tidewaiter.io/hold': _hold, ...others } = held.metadata.annotations ?? {}
    const { 'tidewaiter.io/hold': _mine, ...before } = given.annotations ?? {}
    t.same(others, before)
  })

t.test('what is marked and New already is left as it is', async (t) => {
  const verdict = await mutate(worldOf(long), aBackup({ annotations: mark, phase: 'New' }))
  t.match(verdict, { reason: 'HoldSet', patch: [] })
})

t.test('the name may still be made by the API server', async (t) => {
  const object = aBackup()
  const { name: _name, ...metadata } = object.metadata
  const generated = { ...object, metadata: { ...metadata, generateName: 'b-' } }
  const verdict = await mutate(worldOf(long), object, { object: generated, name: '' })
  t.equal(applied(generated, verdict.patch).metadata.annotations?.['tidewaiter.io/hold'], 'pre-actions')
})

t.test('a Restore is marked by its own actions', async (t) => {
  const made = worldOf({ ...long, stage: 'PreRestore' })
  t.match(await mutate(made, aRestore()), { reason: 'HoldSet' })
  t.match(await mutate(made, aBackup()), { reason: 'NothingToHold', patch: [] })
})

for (const [name, { object, asked = {}, actions = [long] }] of Object.entries<{
  readonly object: VeleroObject
  readonly asked?: Partial<AdmissionRequest>
  readonly actions?: readonly ActionGiven[]
}>({
  'an UPDATE': { object: aBackup(), asked: { operation: 'UPDATE' } },
  'what has ended, as backup sync brings it': { object: aBackup({ phase: 'Completed', annotations: mark }) },
  'what is short': { object: aBackup(), actions: [short] },
  'what somebody else labelled as of a Schedule': {
    object: aBackup({ schedule: 'nightly' }),
    actions: [short],
  },
  'what nothing matches': { object: aBackup(), actions: [] },
}))
  t.test(`${name} is left alone`, async (t) => {
    const verdict = await mutate(worldOf(...actions), object, asked)
    t.match(verdict, { allowed: true, patch: [], warnings: [] })
  })

t.test('a forged hold and other annotations of ours are taken off, with a warning', async (t) => {
  const annotations = { ...mark, 'tidewaiter.io/pre': '{}', 'tidewaiter.io/post': '{}', 'example.org/x': '1' }
  const object = aBackup({ annotations })
  const verdict = await mutate(worldOf(short), object)
  t.match(verdict, {
    reason: 'AnnotationsRemoved',
    warnings: [/^tidewaiter took off tidewaiter.io\/pre, tidewaiter.io\/post, tidewaiter.io\/hold: only/],
  })
  t.same(applied(object, verdict.patch).metadata.annotations, { 'example.org/x': '1' })
})

t.test('what is held loses the other annotations of ours too', async (t) => {
  const object = aBackup({ annotations: { 'tidewaiter.io/post': '{}' } })
  const verdict = await mutate(worldOf(long), object)
  t.match(verdict, { reason: 'AnnotationsRemoved', warnings: [/took off tidewaiter.io\/post/] })
  t.same(applied(object, verdict.patch).metadata.annotations, mark)
})

t.test('while the Actions are not known nothing is marked: the other webhook refuses', async (t) => {
  const made = worldOf()
  made.actions = { unknown: 'the copy of them is stale' }
  t.match(await mutate(made, aBackup({ annotations: mark })), { allowed: true, reason: 'AnnotationsRemoved' })
  t.match(await validate(made, aBackup()), { allowed: false, reason: 'ActionsUnknown' })
})

t.test('a skip that counts takes the hold away', async (t) => {
  const made = worldOf(long)
  made.skippers = ['ann']
  const object = aBackup({ annotations: { '10-a/prebackup': 'skip' } })
  t.match(await mutate(made, object), { reason: 'NothingToHold', patch: [] })
})

t.test('it writes nothing and performs nothing', async (t) => {
  const made = worldOf(long)
  const life = new FakeProcess()
  await createHold(made.ports('one', life))(aRequest(aBackup(), made.clock))
  t.same(life.calls, [])
})

// --- the validating webhook ---

const marked = (given: VeleroGiven = {}) => aBackup({ annotations: mark, phase: 'New', ...given })

t.test(
  'what is marked is recorded, warned of, and let pass; nothing is run and no name is claimed',
  async (t) => {
    const made = worldOf(long, { name: '90-p', stage: 'PostBackup' })
    const life = new FakeProcess()
    const verdict = await validate(made, marked(), {}, life)
    t.match(verdict, {
      allowed: true,
      reason: 'Held',
      warnings: [/^tidewaiter: held: 10-a says mode: Hold; Velero starts it when its actions have ended$/],
      audit: { run: 'b1-1a2b3c4d-prebackup' },
    })
    t.same(life.calls, ['runs.create', 'runs.create'])
    t.match(made.runs.all(), [
      { spec: { stage: 'PreBackup', held: true, requestedBy: 'ann' } },
      { spec: { stage: 'PostBackup' } },
    ])
    t.equal(made.runs.all()[1]?.spec.held, undefined)
  },
)

t.test(
  'asked again with the same uid, also elsewhere, it gives the same answer and one record',
  async (t) => {
    const made = worldOf(long)
    const first = await validate(made, marked())
    t.same(await validate(made, marked()), first)
    t.equal(made.runs.all().length, 1)
  },
)

t.test('a hold waits for as long as it takes: no budget and no cool-down refuse it', async (t) => {
  const made = worldOf({ ...long, timeoutSeconds: 3_600 })
  t.match(await validate(made, marked(), { timeoutMs: 1_000 }), { allowed: true, reason: 'Held' })
})

t.test('what should be held and is not marked is refused, and told how to get through', async (t) => {
  const made = worldOf(long)
  const life = new FakeProcess()
  t.match(await validate(made, aBackup(), {}, life), {
    allowed: false,
    code: 500,
    reason: 'HoldMismatch',
    message: /it must be held \(10-a says mode: Hold\), and is not marked so.*tidewaiter\.io\/gate=off/,
  })
  t.same(life.calls, [])
})

for (const [name, actions] of Object.entries<readonly ActionGiven[]>({
  'whose actions are short': [short],
  'with post actions only': [{ name: 'p', stage: 'PostBackup' }],
  'that nothing matches': [],
}))
  t.test(`a hold on what is not to be held is refused: one ${name}`, async (t) => {
    const made = worldOf(...actions)
    t.match(await validate(made, marked()), { allowed: false, code: 403, reason: 'HoldMismatch' })
    t.same([made.runs.all(), made.performed], [[], []])
  })

t.test('a hold that backup sync brings along with what has ended holds nothing', async (t) => {
  t.match(await validate(worldOf(long), marked({ phase: 'Completed' })), {
    allowed: true,
    reason: 'NotStarting',
  })
})

t.test('where the policy was not seen in force nothing is held', async (t) => {
  const made = worldOf(long)
  made.guardClosed = false
  t.match(await validate(made, marked()), {
    allowed: false,
    code: 500,
    reason: 'GuardOpen',
    message: /policy hold\.tidewaiter\.io was not seen in force.*guard\.yaml/,
  })
  t.match(await validate(made, marked(), { dryRun: true }), { reason: 'GuardOpen' }, 'a dry run says so too')
  t.same(made.runs.all(), [])
  const quick = worldOf(short)
  quick.guardClosed = false
  t.match(await validate(quick, aBackup()), { allowed: true }, 'what is not held does not need it')
})

t.test('a name that is taken is refused before anything is recorded', async (t) => {
  const made = worldOf(long)
  made.taken.add('b1')
  t.match(await validate(made, marked()), { allowed: false, code: 409, reason: 'AlreadyExists' })
  t.same(made.runs.all(), [])
})

t.test('a dry run says that it would be held, and why, and writes nothing', async (t) => {
  const made = worldOf(long)
  const life = new FakeProcess()
  const verdict = await validate(made, marked(), { dryRun: true }, life)
  t.match(verdict, {
    allowed: true,
    reason: 'DryRun',
    warnings: [/dry run, it would be held: 10-a says mode: Hold/, /"10-a" would run/],
  })
  t.same(
    life.calls.filter((call) => call !== 'perform'),
    [],
  )
  t.same(made.performed, ['10-a rendered'])
  const marking = await mutate(made, aBackup(), { dryRun: true })
  t.match(marking, { reason: 'HoldSet' }, 'and is marked as it would be')
})

t.test('both webhooks come to the same conclusion by themselves', async (t) => {
  for (const actions of [
    [long],
    [short],
    [{ ...short, timeoutSeconds: 29 }],
    [{ ...long, dryRun: true }],
    [],
  ])
    for (const asked of [{}, { username: veleroUser }])
      for (const given of [{}, { schedule: 'nightly' }, { annotations: mark }]) {
        const made = worldOf(...actions)
        const object = aBackup(given)
        const { patch } = await mutate(made, object, asked)
        const verdict = await validate(made, applied(object, patch), asked)
        t.equal(verdict.allowed, true, `${JSON.stringify({ actions, asked, given })}: ${verdict.message}`)
      }
})
