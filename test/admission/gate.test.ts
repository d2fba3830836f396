import t from 'tap'
import { createGate } from '../../src/admission/gate.ts'
import type { Verdict } from '../../src/core/verdict.ts'
import {
  aBackup,
  anAction,
  anHttp,
  aRestore,
  aRun,
  backupUid,
  type ActionGiven,
  type VeleroGiven,
} from '../support/build.ts'
import { newYear } from '../support/fake-clock.ts'
import { aRequest, FakeGate, veleroUser } from '../support/fake-gate.ts'
import { FakeProcess } from '../support/fake-process.ts'
import { aDone, aFailed, anAborted } from '../support/outcomes.ts'

type Asked = Parameters<typeof aRequest>[2]

function gateOf(...actions: readonly ActionGiven[]) {
  const made = new FakeGate()
  made.actions = actions.map((one) => anAction(one))
  return made
}

/** Asks a new replica about the CREATE of a Backup. */
const ask = (
  made: FakeGate,
  given: VeleroGiven = {},
  asked: Asked = {},
  life = new FakeProcess(),
): Promise<Verdict> =>
  createGate('Backup', made.ports('one', life))(aRequest(aBackup(given), made.clock, asked))

const writes = ['runs.create', 'runs.write', 'claimName', 'releaseName']

t.test(
  'a Backup passes when its pre actions succeeded, in order; pre and post runs are on record',
  async (t) => {
    const made = gateOf({ name: '9-b' }, { name: '10-a' }, { name: 'p', stage: 'PostBackup' })
    const life = new FakeProcess()
    const verdict = await ask(made, {}, {}, life)
    t.match(verdict, { allowed: true, reason: 'ActionsSucceeded', audit: { run: 'b1-1a2b3c4d-prebackup' } })
    t.same(made.performed, ['10-a', '9-b'])
    t.same(
      made.runs.all().map(({ metadata, status }) => [metadata.name, status.phase]),
      [
        ['b1-1a2b3c4d-prebackup', 'Succeeded'],
        ['b1-1a2b3c4d-postbackup', undefined],
      ],
    )
    const acts = life.calls.filter((call) => call !== 'runs.read')
    t.same(acts.slice(0, 4), ['claimName', 'runs.create', 'runs.write', 'perform'], 'claim, record, act')
    t.equal(made.claims.get('b1'), backupUid, 'the claim stays until the object is there')
  },
)

t.test('a failed action refuses in its own words, and gives the name back', async (t) => {
  const made = gateOf({ name: '10-a' }, { name: '20-b' })
  made.act = () => aFailed({ attempts: 2 })
  const verdict = await ask(made)
  t.match(verdict, { allowed: false, code: 403, reason: 'ActionFailed' })
  t.match(
    verdict.message,
    /tidewaiter refused Backup velero\/b1: PreBackup action "10-a" failed after 2 attempts .*503 "replica lag 40 s"/,
  )
  t.same(made.performed, ['10-a'])
  t.equal(made.claims.size, 0)
  t.equal(made.runs.all().length, 1, 'no post run for what is not created')
})

t.test('of two that failed with the same words, the one that refused is named', async (t) => {
  const made = gateOf({ name: '10-a', onError: 'Continue' }, { name: '20-b' })
  made.act = () => aFailed()
  t.match((await ask(made)).message, /action "20-b" failed/)
})

t.test(
  'an action that may fail is passed over with a warning, and one with dryRun says what it would do',
  async (t) => {
    const made = gateOf({ name: '10-a', onError: 'Continue' }, { name: '20-b', dryRun: true })
    made.act = ({ renderOnly }) =>
      renderOnly ? { ...aFailed(), status: 'done', outputs: {}, request: 'POST https://x/' } : aFailed()
    const verdict = await ask(made)
    t.equal(verdict.allowed, true)
    t.match(verdict.warnings, [/"10-a" failed and was passed over/, /"20-b" would run: POST https:\/\/x\//])
    t.same(made.performed, ['10-a', '20-b rendered'])
  },
)

for (const [name, { given, asked, want }] of Object.entries({
  'an UPDATE': { given: {}, asked: { operation: 'UPDATE' }, want: 'NotStarting' },
  'a finished one, as backup sync brings it': {
    given: { phase: 'Completed' },
    asked: { username: veleroUser },
    want: 'NotStarting',
  },
} as const)) {
  t.test(`${name} is left alone, whatever it carries`, async (t) => {
    const made = gateOf({ name: 'a' })
    const life = new FakeProcess()
    const verdict = await ask(made, { ...given, annotations: { 'tidewaiter.io/post': 'x' } }, asked, life)
    t.match(verdict, { allowed: true, reason: want })
    t.same(life.calls, [])
  })
}

for (const [name, { actions, given, asked, want }] of Object.entries({
  'no action matches': {
    actions: [{ name: 'a', match: { expression: 'false' } }],
    given: {},
    asked: {},
    want: 'NoActionMatches',
  },
  'there are no actions': { actions: [], given: {}, asked: {}, want: 'NoActionMatches' },
  'another kind': {
    actions: [{ name: 'a', stage: 'PreRestore' }],
    given: {},
    asked: {},
    want: 'NoActionMatches',
  },
} as const)) {
  t.test(`an object for which nothing is to be done passes untouched: ${name}`, async (t) => {
    const life = new FakeProcess()
    const verdict = await ask(gateOf(...actions), given, asked, life)
    t.match(verdict, { allowed: true, reason: want, warnings: [] })
    t.same(life.calls, [])
  })
}

t.test('with post actions only, the run is written and no name is claimed', async (t) => {
  const made = gateOf({ name: 'p', stage: 'PostBackup' })
  const life = new FakeProcess()
  t.match(await ask(made, {}, {}, life), { allowed: true, reason: 'PostOnly' })
  t.same(life.calls, ['runs.create'])
})

t.test('a post run that cannot be written does not refuse: the controller writes it', async (t) => {
  const made = gateOf({ name: 'p', stage: 'PostBackup' })
  t.match(await ask(made, {}, {}, new FakeProcess(1)), { allowed: true })
  t.match(made.log.lines, [/the controller will write it/])
})

for (const [name, { prepare, given, asked, want }] of Object.entries({
  'Actions that are not known refuse': {
    prepare: (made: FakeGate) => void (made.actions = { unknown: 'the copy is stale' }),
    given: {},
    asked: {},
    want: { code: 500, reason: 'ActionsUnknown', message: /the copy is stale.*gate=off/ },
  },
  'no uid of the object': {
    prepare: () => {},
    given: { uid: '' },
    asked: {},
    want: { code: 422, reason: 'NoUid' },
  },
  'a match expression that fails': {
    prepare: (made: FakeGate) =>
      void (made.actions = [anAction({ name: 'a', match: { expression: 'broken' } })]),
    given: {},
    asked: {},
    want: { reason: 'MatchFailed', message: /action "a" failed: no such key/ },
  },
  'annotations that only tidewaiter writes': {
    prepare: () => {},
    given: { annotations: { 'tidewaiter.io/post': '{}' } },
    asked: {},
    want: { reason: 'ForeignAnnotation', message: /tidewaiter.io\/post/ },
  },
  'a skip by somebody who may not': {
    prepare: () => {},
    given: { annotations: { 'a/prebackup': 'skip' } },
    asked: {},
    want: { reason: 'MayNotSkip', message: /ann may not skip actions/ },
  },
  'timeouts that add up to more than there is': {
    prepare: (made: FakeGate) =>
      void (made.actions = [
        anAction({ name: 'a', mode: 'Refuse', timeoutSeconds: 15 }),
        anAction({ name: 'b', timeoutSeconds: 14 }),
      ]),
    given: {},
    asked: {},
    want: {
      reason: 'OverBudget',
      message: /actions a, b may take 29 s together, an admission request has 28 s/,
    },
  },
} as const)) {
  t.test(`refused before anything is written or run: ${name}`, async (t) => {
    const made = gateOf({ name: 'a' })
    prepare(made)
    const life = new FakeProcess()
    t.match(await ask(made, given, asked, life), { allowed: false, ...want })
    t.same(life.calls, [])
  })
}

t.test('a budget is what the API server gives less 1.5 s and what has passed', async (t) => {
  const made = gateOf({ name: 'a', timeoutSeconds: 8 })
  t.match(await ask(made, {}, { timeoutMs: 9_500 }), { allowed: true })
  t.match(await ask(gateOf({ name: 'a', timeoutSeconds: 8 }), {}, { timeoutMs: 9_499 }), {
    reason: 'OverBudget',
  })
  t.match(
    await ask(gateOf({ name: 'a', timeoutSeconds: 8 }), {}, { timeoutMs: 9_500, receivedAt: newYear - 1 }),
    { reason: 'OverBudget' },
  )
  const skipped = gateOf({ name: 'a', timeoutSeconds: 28 }, { name: 'b', timeoutSeconds: 28 })
  skipped.skippers = ['ann']
  t.match(
    await ask(skipped, { annotations: { 'b/prebackup': 'skip' } }),
    { allowed: true },
    'what is skipped takes no time',
  )
})

t.test('a skip by somebody who may skips that action, and is recorded', async (t) => {
  const made = gateOf({ name: 'a' }, { name: 'b' })
  made.skippers = ['ann']
  t.match(await ask(made, { annotations: { 'a/prebackup': 'skip' } }), { allowed: true })
  t.same(made.performed, ['b'])
  t.match(made.runs.all(), [
    { status: { actions: [{ phase: 'Skipped', message: /a\/prebackup=skip/ }, { phase: 'Succeeded' }] } },
  ])
})

t.test("Velero's copy of a skip counts only while its Schedule carries it", async (t) => {
  const given = {
    schedule: 'nightly',
    annotations: { 'a/prebackup': 'skip', 'tidewaiter.io/post': 'a copy' },
  }
  for (const [schedules, want] of [
    [{ nightly: given.annotations }, []],
    [{ nightly: {} }, ['a']],
    [{}, ['a']],
  ] as const) {
    const made = gateOf({ name: 'a', mode: 'Refuse' })
    made.schedules = schedules
    t.match(await ask(made, given, { username: veleroUser }), { allowed: true })
    t.same(made.performed, want)
  }
  const unlabelled = gateOf({ name: 'a', mode: 'Refuse' })
  await ask(unlabelled, { annotations: given.annotations }, { username: veleroUser })
  t.same(unlabelled.performed, ['a'])
})

t.test('a name that is taken is refused in the words of the API server, and nothing is run', async (t) => {
  const made = gateOf({ name: 'a' })
  made.taken.add('b1')
  t.match(await ask(made), {
    allowed: false,
    code: 409,
    reason: 'AlreadyExists',
    message: /"b1" already exists/,
  })
  t.same(made.performed, [])
})

t.test(
  'a name that was taken between the look and the claim is too, and the claim is given back',
  async (t) => {
    const made = gateOf({ name: 'a' })
    const ports = made.ports()
    const claimName: typeof ports.claimName = (subject, uid) => {
      made.taken.add('b1')
      return ports.claimName(subject, uid)
    }
    t.match(await createGate('Backup', { ...ports, claimName })(aRequest(aBackup(), made.clock)), {
      allowed: false,
      reason: 'AlreadyExists',
    })
    t.same([made.performed, made.claims.size, made.runs.all()], [[], 0, []])
  },
)

t.test('two creations of one name at once: the second is refused, naming the first', async (t) => {
  const made = gateOf({ name: 'a' })
  const { promise, resolve } = Promise.withResolvers<void>()
  made.act = async () => promise.then(() => aFailed())
  const gate = createGate('Backup', made.ports())
  const first = gate(aRequest(aBackup(), made.clock))
  await made.clock.pass(0)
  const second = await gate(aRequest(aBackup({ uid: 'other-uid' }), made.clock))
  t.match(second, { allowed: false, code: 409, reason: 'NameClaimed', message: new RegExp(backupUid) })
  resolve()
  t.match(await first, { reason: 'ActionFailed' })
  t.same(made.performed, ['a'])
})

t.test('an unadopted Action is not run, and a warning says so', async (t) => {
  const made = gateOf({ name: 'a' }, { name: 'b' })
  made.unadopted = ['a']
  const verdict = await ask(made)
  t.match(verdict, { allowed: true, warnings: [/not run.*actions adopt -n velero --all\): a$/] })
  t.same(made.performed, ['b'])
})

t.test('what cannot be understood and nobody adopted refuses nothing, and a warning names it', async (t) => {
  const made = gateOf({ name: 'b' })
  made.unread = ['new']
  const warnings = [/not run.*actions adopt -n velero --all\): new$/]
  t.match(await ask(made), { allowed: true, reason: 'ActionsSucceeded', warnings })
  const alone = gateOf()
  alone.unread = ['new']
  t.match(await ask(alone), { allowed: true, reason: 'NoActionMatches', warnings })
})

t.test('a dry run has no writes at all; warnings say what would run', async (t) => {
  const made = gateOf({ name: 'a' }, { name: 'b' }, { name: 'p', stage: 'PostBackup' })
  made.skippers = ['ann']
  const life = new FakeProcess()
  const verdict = await ask(made, { annotations: { 'b/prebackup': 'skip' } }, { dryRun: true }, life)
  t.match(verdict, { allowed: true, reason: 'DryRun' })
  t.match(verdict.warnings, [
    /"a" would run: POST/,
    /"b" would be skipped by the annotation/,
    /"p" would run after it ended/,
  ])
  t.same(
    life.calls.filter((call) => writes.includes(call)),
    [],
  )
  t.same(made.performed, ['a rendered'])
  t.same(made.runs.all(), [])
})

t.test(
  'a Schedule whose Backup was refused is refused again without running anything, until the actions change',
  async (t) => {
    const made = gateOf({ name: 'a', mode: 'Refuse' })
    made.act = () => aFailed()
    const scheduled = (name: string) =>
      ask(made, { name, uid: `uid-of-${name}`, schedule: 'nightly' }, { username: veleroUser })
    t.match(await scheduled('n1'), { reason: 'ActionFailed' })
    await made.clock.pass(60_000)
    t.match(await scheduled('n2'), {
      allowed: false,
      reason: 'CoolDown',
      message: /for another 240 s|for another 4 min 0 s/,
    })
    t.same(made.performed, ['a'])
    made.actions = [anAction({ name: 'a', mode: 'Refuse', generation: 2 })]
    t.match(await scheduled('n3'), { reason: 'ActionFailed' })
    t.equal(made.performed.length, 2)
  },
)

t.test('a reset ends the wait of a Schedule; what cannot be asked leaves it as it is', async (t) => {
  const made = gateOf({ name: 'a', mode: 'Refuse' })
  made.act = () => aFailed()
  const scheduled = (name: string) =>
    ask(made, { name, uid: `uid-of-${name}`, schedule: 'nightly' }, { username: veleroUser })
  t.match(await scheduled('n1'), { reason: 'ActionFailed' })
  const ended = made.runs.all()[0]?.status.completionTimestamp ?? ''
  await made.clock.pass(1_000)
  t.match(await scheduled('n2'), {
    reason: 'CoolDown',
    message: /tidewaiter cooldowns reset nightly -n velero/,
  })
  made.schedules = { nightly: { 'tidewaiter.io/cooldown-reset': ended } }
  made.scheduleFails = new Error('504 the API server did not answer')
  t.match(await scheduled('n3'), { reason: 'CoolDown' })
  t.match(made.log.lines, [/^warn whether a cool-down was reset could not be asked/])
  made.scheduleFails = undefined
  t.match(await scheduled('n4'), { reason: 'ActionFailed' })
  t.match(await scheduled('n5'), { reason: 'CoolDown', message: /for another 300 s|for another 5 min 0 s/ })
})

t.test("refusals of Backups that people make with a Schedule's label do not stop the Schedule", async (t) => {
  const made = gateOf({ name: 'a', mode: 'Refuse' })
  made.act = () => aFailed()
  for (const n of [1, 2, 3, 4, 5])
    t.match(await ask(made, { name: `mine-${n}`, uid: `${n}-uid`, schedule: 'nightly' }), {
      reason: 'ActionFailed',
    })
  made.act = () => aDone()
  const scheduled = { name: 'nightly-1', uid: 'its-uid', schedule: 'nightly' }
  t.match(await ask(made, scheduled, { username: veleroUser }), { allowed: true })
})

t.test(
  'a person who has mended the cause gets through: only the third refusal alike cools down',
  async (t) => {
    const made = gateOf({ name: 'a', mode: 'Refuse' })
    made.act = () => aFailed()
    const reasons: string[] = []
    for (const n of [1, 2, 3, 4])
      reasons.push((await ask(made, { uid: `${n}-uid`, schedule: 'nightly' })).reason)
    t.same(reasons, ['ActionFailed', 'ActionFailed', 'ActionFailed', 'CoolDown'])
  },
)

t.test('a Restore sees its backup: the Schedule that made it counts', async (t) => {
  const made = gateOf({ name: 'a', stage: 'PreRestore', match: { scheduleNames: ['nightly'] } })
  const restore = aRequest(aRestore(), made.clock)
  t.match(await createGate('Restore', made.ports())(restore), { reason: 'NoActionMatches' })
  made.schedulesOfBackups = { b1: 'nightly' }
  t.match(await createGate('Restore', made.ports())(restore), { reason: 'ActionsSucceeded' })
})

t.test('a name that the API server makes is found in the object', async (t) => {
  const made = gateOf({ name: 'a' })
  const given = { name: 'b-x7', generateName: 'b-' }
  await ask(made, given, { name: '' })
  t.match(made.runs.all(), [{ metadata: { name: 'b-x7-1a2b3c4d-prebackup' } }])
})

for (const [name, { at, want }] of Object.entries({
  'out of time': { at: 28_500, want: { code: 504, reason: 'OutOfTime' } },
  'the client is gone': { at: 10_000, want: { code: 500, reason: 'ClientGone' } },
})) {
  t.test(
    `when the API server gives up, the actions are stopped and the request refused: ${name}`,
    async (t) => {
      const made = gateOf({ name: 'a' }, { name: 'b' })
      const client = new AbortController()
      made.act = async () => {
        await made.clock.pass(at)
        client.abort()
        return anAborted()
      }
      t.match(await ask(made, {}, { signal: () => client.signal }), { allowed: false, ...want })
      t.same(made.performed, ['a'])
    },
  )
}

t.test('a run that another writes while its actions run leads to a refusal', async (t) => {
  for (const [what, want] of [
    ['conflict', /written by another/],
    ['gone', /was deleted/],
  ] as const) {
    const made = gateOf({ name: 'a' })
    made.act = ({ run }) => {
      const stored = made.runs.all().find(({ metadata }) => metadata.name === run.metadata.name) ?? run
      if (what === 'gone') made.runs.delete(stored)
      else made.runs.put(stored)
      return { ...aFailed(), status: 'done', outputs: {} }
    }
    t.match(await ask(made), { allowed: false, code: 500, reason: 'RunLost', message: want })
  }
})

t.test('a write that fails is a bug for the fence, and gives the name back', async (t) => {
  for (const n of [2, 3, 4, 5]) {
    const made = gateOf({ name: 'a' })
    const ports = made.ports()
    let calls = 0
    const failing =
      <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) =>
      (...args: A) => {
        calls += 1
        return calls === n - 1 ? Promise.reject(new Error('no answer')) : call(...args)
      }
    const runs = { ...ports.runs, create: failing(ports.runs.create), write: failing(ports.runs.write) }
    const gate = createGate('Backup', { ...ports, runs })
    if (n < 5) await t.rejects(gate(aRequest(aBackup(), made.clock)), { message: 'no answer' })
    else t.match(await gate(aRequest(aBackup(), made.clock)), { allowed: true })
    t.equal(made.claims.size, n < 5 ? 0 : 1, `write ${n - 1}`)
  }
})

t.test('a name that cannot be given back is left to expire', async (t) => {
  const made = gateOf({ name: 'a' })
  made.act = () => aFailed()
  const ports = { ...made.ports(), releaseName: () => Promise.reject(new Error('no answer')) }
  t.match(await createGate('Backup', ports)(aRequest(aBackup(), made.clock)), { reason: 'ActionFailed' })
  t.match(made.log.lines, [/left to expire/])
})

t.test('the API server asks again with the same uid', async (t) => {
  t.test('while the actions run here: it joins, one answer for both', async (t) => {
    const made = gateOf({ name: 'a' })
    const { promise, resolve } = Promise.withResolvers<void>()
    made.act = async () => promise.then(() => aFailed())
    const gate = createGate('Backup', made.ports())
    const both = [gate(aRequest(aBackup(), made.clock)), gate(aRequest(aBackup(), made.clock))]
    await made.clock.pass(0)
    resolve()
    const [first, second] = await Promise.all(both)
    t.same(first, second)
    t.same(made.performed, ['a'])
  })

  t.test('after they ended: the same answer, nothing is run again', async (t) => {
    for (const done of [true, false]) {
      const made = gateOf({ name: 'a' })
      made.act = () => (done ? { ...aFailed(), status: 'done', outputs: {} } : aFailed())
      const first = await ask(made)
      t.same(await ask(made), first)
      t.same(made.performed, ['a'])
    }
  })

  t.test('while they run in another replica: it waits for the answer', async (t) => {
    const made = gateOf({ name: 'a' })
    const { promise, resolve } = Promise.withResolvers<void>()
    made.act = async () => promise.then(() => aFailed())
    const first = createGate('Backup', made.ports('one'))(aRequest(aBackup(), made.clock))
    await made.clock.pass(0)
    const second = createGate('Backup', made.ports('two'))(aRequest(aBackup(), made.clock))
    await made.clock.pass(1_000)
    resolve()
    await made.clock.pass(1_000)
    t.same(await second, await first)
    t.same(made.performed, ['a'])
    t.equal(made.clock.waiting, 0)
  })

  t.test('and the other does not end in time: refused, and its claim on the name stands', async (t) => {
    const made = gateOf({ name: 'a' })
    made.runs.put(aRun({ status: { phase: 'Running' } }))
    const answer = ask(made)
    await made.clock.pass(30_000)
    t.match(await answer, { allowed: false, code: 504, reason: 'RunTaken' })
    t.equal(made.claims.get('b1'), backupUid)
    t.same(made.performed, [])
  })

  t.test('and the run of that name is of another object: refused', async (t) => {
    const made = gateOf({ name: 'a' })
    made.runs.put(aRun({ objectRef: { kind: 'Backup', name: 'b1', uid: 'another' } }))
    t.match(await ask(made), { reason: 'RunTaken' })
  })

  t.test('of a run whose owner was lost, the answer is no', async (t) => {
    const made = gateOf({ name: 'a' })
    made.runs.put(aRun({ status: { phase: 'Unknown', reason: 'OwnerLost', message: 'the replica ended' } }))
    t.match(await ask(made), { allowed: false, code: 500, reason: 'OwnerLost', message: /the replica ended/ })
    const bare = gateOf({ name: 'a' })
    bare.runs.put(aRun({ status: { phase: 'Unknown' } }))
    t.match(await ask(bare), { reason: 'Unknown', message: /nobody knows why/ })
  })
})

t.test('an object of which everything was skipped passes', async (t) => {
  const made = gateOf({ name: 'a' })
  made.skippers = ['ann']
  t.match(await ask(made, { annotations: { 'tidewaiter.io/skip-actions': 'drill' } }), {
    allowed: true,
    reason: 'ActionsSucceeded',
  })
  t.same(made.performed, [])
})

t.test('a cool-down lets a skip through: it is the way out that the refusal names', async (t) => {
  const made = gateOf({ name: 'a' })
  made.skippers = ['ann']
  made.act = () => aFailed()
  for (const uid of ['u1', 'u2', 'u3']) await ask(made, { uid })
  t.match(await ask(made, { uid: 'u4' }), { reason: 'CoolDown' })
  t.match(await ask(made, { uid: 'u5', annotations: { 'a/prebackup': 'skip' } }), { allowed: true })
})

t.test('actions that are too large to be recorded together are refused by name', async (t) => {
  const body = { text: 'x'.repeat(60_000) }
  const made = gateOf(
    ...Array.from({ length: 20 }, (_, i) => ({ name: `a${i}`, timeoutSeconds: 1, http: anHttp({ body }) })),
  )
  t.match(await ask(made), { allowed: false, reason: 'RunTooLarge', message: /768 KiB/ })
  t.same([made.performed, made.runs.all()], [[], []])
})

t.test('a dry run refuses what would be refused for want of time', async (t) => {
  const made = gateOf({ name: 'a', mode: 'Refuse', timeoutSeconds: 20 }, { name: 'b', timeoutSeconds: 20 })
  t.match(await ask(made, {}, { dryRun: true }), { allowed: false, reason: 'OverBudget' })
})

t.test('the timeout of an action that is only tried out takes nobody any time', async (t) => {
  const made = gateOf({ name: 'a', timeoutSeconds: 28, dryRun: true }, { name: 'b', timeoutSeconds: 20 })
  t.match(await ask(made), { allowed: true })
})

t.test('runs that end in the gate are counted', async (t) => {
  const made = gateOf({ name: 'a' })
  await ask(made)
  t.same(made.counted, ['PreBackup Succeeded'])
})
