import t from 'tap'
import { runners as real } from '../../src/actions/runners.ts'
import type { Runners } from '../../src/actions/runners.ts'
import { createCel } from '../../src/cel/cel.ts'
import { anActionSpec, anHttp } from '../support/build.ts'
import { answered, never, perform, stage } from './support.ts'

const retry = {
  limit: 2,
  retryOn: ['5xx', 'network', 'timeout'],
  initialSeconds: 1,
  factor: 2,
  maxSeconds: 10,
}
const headers = [{ name: 'X-Token', valueFrom: { secretKeyRef: { name: 'quiesce', key: 'token' } } }]

t.test('an expected answer is done, and says what was answered', async (t) => {
  const { outcome, clock } = await perform({ answers: [answered(204)] })
  t.match(outcome, {
    status: 'done',
    attempts: 1,
    message: 'POST https://quiesce.example/freeze answered 204',
    outputs: {},
  })
  t.equal(clock.waiting, 0)
})
t.test('an unexpected answer fails with its words and what was wanted', async (t) => {
  const { outcome } = await perform({ answers: [answered(503, 'replica lag 40 s\nat Foo.java:3')] })
  t.match(outcome, {
    status: 'failed',
    cause: 'answer',
    mayHaveHadEffect: true,
    attempts: 1,
    message: 'POST https://quiesce.example/freeze answered 503 "replica lag 40 s", wanted 2xx',
  })
})
t.test('a call that the rules refuse fails for good, without effect', async (t) => {
  const refused = { refused: 'egress', message: '127.0.0.1 is a loopback address', sent: false } as const
  const { outcome, calls } = await perform({ spec: { retry }, answers: [refused] })
  t.match(outcome, { status: 'failed', cause: 'egress', mayHaveHadEffect: false, attempts: 1 })
  t.equal(calls.length, 1)
})

t.test('a failure is tried again with the same idempotency key, and then done', async (t) => {
  const { outcome, calls, clock } = await perform({
    spec: { retry },
    answers: [answered(503), answered(200)],
  })
  t.match(outcome, { status: 'done', attempts: 2, durationMs: 750 })
  t.same(
    new Set(calls.map((call) => call.headers.find(([name]) => name === 'Idempotency-Key')?.[1])),
    new Set(['uid/PreBackup/10-quiesce']),
  )
  t.equal(clock.waiting, 0)
})
t.test('what may have had an effect in one attempt may have had it at the end', async (t) => {
  const down = { failed: 'network', message: 'down', sent: false } as const
  t.match((await perform({ spec: { retry }, answers: [answered(500), down] })).outcome, {
    cause: 'network',
    mayHaveHadEffect: true,
    attempts: 3,
  })
  t.match((await perform({ spec: { retry }, answers: [down] })).outcome, {
    cause: 'network',
    mayHaveHadEffect: false,
    attempts: 3,
  })
})
t.test('Retry-After is waited for', async (t) => {
  const { outcome } = await perform({
    spec: { retry },
    answers: [answered(503, '', { 'retry-after': '5' }), answered(200)],
  })
  t.match(outcome, { status: 'done', durationMs: 5000 })
})
t.test('a wait that would pass the end is not begun, and the message says so', async (t) => {
  const { outcome } = await perform({
    spec: { retry, timeoutSeconds: 3 },
    answers: [answered(503, '', { 'retry-after': '9' })],
  })
  t.match(outcome, {
    status: 'failed',
    attempts: 1,
    durationMs: 0,
    message: /wanted 2xx; not tried again: the next attempt would be in 9.0 s, and 3.0 s are left/,
  })
})
t.test('an answer that never comes leaves time to try again', async (t) => {
  const { outcome } = await perform({ spec: { retry, timeoutSeconds: 10 }, answers: [never, answered(200)] })
  t.match(outcome, { status: 'done', attempts: 2, durationMs: 5750 })
})
t.test('timeoutSeconds bounds all attempts and waits together', async (t) => {
  const { outcome, clock } = await perform({
    spec: { retry: { ...retry, limit: 20 }, timeoutSeconds: 4 },
    answers: [never],
  })
  t.match(outcome, { status: 'failed', cause: 'timeout' })
  t.ok(outcome.durationMs <= 4000, String(outcome.durationMs))
  t.equal(clock.waiting, 0)
})
t.test('without an answer the failure says how long it had, and why', async (t) => {
  t.match((await perform({ spec: { timeoutSeconds: 4 }, answers: [never] })).outcome, {
    cause: 'timeout',
    durationMs: 4000,
    message: /the action had 4.0 s \(timeoutSeconds\)/,
  })
  const claimed = stage({
    spec: { timeoutSeconds: 4 },
    answers: [never],
    performance: { endsAt: Date.UTC(2026, 0, 1) + 3970 },
  })
  await claimed.clock.pass(4000)
  t.match(await claimed.outcome, { message: /the action had 4.0 s \(timeoutSeconds\)/ })
  const { clock, outcome } = stage({ answers: [never], performance: { endsAt: Date.UTC(2026, 0, 1) + 2000 } })
  await clock.pass(2000)
  t.match(await outcome, { cause: 'timeout', durationMs: 2000, message: /the stage had 2.0 s left/ })
})
t.test('a timeout after other failures tells of them too', async (t) => {
  const { outcome } = await perform({
    spec: { retry, timeoutSeconds: 4 },
    answers: [answered(503, 'busy'), never],
  })
  t.match(outcome, {
    cause: 'timeout',
    message: /before that POST https:\/\/quiesce.example\/freeze answered 503 "busy"/,
  })
})
t.test('the signal ends an attempt at once', async (t) => {
  const controller = new AbortController()
  const { clock, outcome } = stage({
    answers: [never],
    spec: { retry },
    performance: { signal: controller.signal },
  })
  await clock.pass(1000)
  controller.abort()
  t.match(await outcome, { cause: 'aborted', mayHaveHadEffect: true, durationMs: 1000, attempts: 1 })
  t.equal(clock.waiting, 0)
})
t.test('the signal ends a wait at once', async (t) => {
  const controller = new AbortController()
  const { clock, outcome } = stage({
    answers: [answered(503)],
    spec: { retry },
    performance: { signal: controller.signal },
  })
  await clock.pass(100)
  controller.abort()
  t.match(await outcome, {
    cause: 'aborted',
    durationMs: 100,
    attempts: 1,
    message: /answered 503.*stopped before it was tried again/,
  })
  t.equal(clock.waiting, 0)
})
t.test('with no time left nothing is begun', async (t) => {
  const { outcome, calls, asked } = await perform({
    spec: { http: anHttp({ headers }) },
    performance: { endsAt: 0 },
  })
  t.match(outcome, { cause: 'timeout', mayHaveHadEffect: false, attempts: 0 })
  t.same([calls, asked], [[], []])
  t.match((await perform({ performance: { signal: AbortSignal.abort() } })).outcome, {
    cause: 'aborted',
    attempts: 0,
  })
})

const runnerThat = (attempt: () => Promise<never>): Runners => ({
  ...real,
  http: { ...real.http, prepare: () => ({ ok: { request: 'r', what: 'POST x', attempt } }) },
})
t.test('a runner that ignores its signal is cut off', async (t) => {
  const { clock, outcome } = stage({
    spec: { timeoutSeconds: 2 },
    runners: runnerThat(() => new Promise(() => {})),
  })
  await clock.pass(2100)
  t.match(await outcome, {
    cause: 'timeout',
    mayHaveHadEffect: true,
    durationMs: 2100,
    message: /did not stop/,
  })
  t.equal(clock.waiting, 0)
})
t.test('a runner that throws is logged once, and may have had an effect', async (t) => {
  const runners = runnerThat(async () => Promise.reject(new TypeError('secret detail')))
  const { outcome, errors } = await perform({ runners })
  t.match(outcome, { cause: 'internal', mayHaveHadEffect: true, attempts: 1, request: 'r' })
  t.notMatch(JSON.stringify(outcome), /secret detail/)
  t.equal(errors.length, 1)
})
t.test('a body that this version does not know fails without effect', async (t) => {
  const { http: _http, ...spec } = anActionSpec()
  const { outcome } = await perform({ performance: { action: { name: '10-a', spec } } })
  t.match(outcome, { cause: 'internal', mayHaveHadEffect: false, attempts: 0, message: /"10-a" has no body/ })
})

t.test('a Secret is fetched once, however often it is used and tried', async (t) => {
  const twice = [
    ...headers,
    { name: 'X-Again', valueFrom: { secretKeyRef: { name: 'quiesce', key: 'token' } } },
  ]
  const { asked, calls } = await perform({
    spec: { retry, http: anHttp({ headers: twice }) },
    secrets: { 'quiesce/token': 'hunter22\n' },
    answers: [answered(503), answered(200)],
  })
  t.same(asked, ['quiesce/token'])
  t.match(calls[1]?.headers, [
    ['X-Token', 'hunter22'],
    ['X-Again', 'hunter22'],
  ])
  t.same(calls[1]?.secretHeaders, ['X-Token', 'X-Again'])
})
t.test('a Secret that may not be used fails before anything is sent', async (t) => {
  const { outcome, calls } = await perform({ spec: { http: anHttp({ headers }) } })
  t.match(outcome, {
    cause: 'secret',
    mayHaveHadEffect: false,
    message: 'key "token" of Secret "quiesce" cannot be used: it does not exist',
  })
  t.same(calls, [])
})
t.test('a Secret that cannot be read in time fails with the time', async (t) => {
  const given = {
    spec: { timeoutSeconds: 1, http: anHttp({ headers }) },
    ports: { secret: () => new Promise<never>(() => {}) },
  }
  t.match((await perform(given)).outcome, {
    cause: 'timeout',
    mayHaveHadEffect: false,
    attempts: 0,
    message: /asked for a Secret, or about the account, and did not answer in time/,
  })
})
t.test('an API server that cannot be asked for a Secret is an internal failure without effect', async (t) => {
  const given = {
    spec: { http: anHttp({ headers }) },
    ports: { secret: () => Promise.reject(new Error('down')) },
  }
  const { outcome, errors } = await perform(given)
  t.match(outcome, { cause: 'internal', mayHaveHadEffect: false })
  t.equal(errors.length, 1)
})

t.test('a rehearsal renders, looks for the secrets and sends nothing', async (t) => {
  const given = {
    spec: { http: anHttp({ headers, body: { a: '${backup.metadata.name}' } }) },
    performance: { renderOnly: true },
  }
  const { outcome, calls } = await perform({ ...given, secrets: { 'quiesce/token': 'hunter22' } })
  t.match(outcome, {
    status: 'done',
    attempts: 0,
    message: 'would POST https://quiesce.example/freeze',
    request: /{"a":"b1"}/,
  })
  t.same(calls, [])
  t.match((await perform(given)).outcome, { status: 'failed', cause: 'secret' })
})
t.test('what cannot be rendered fails without effect, and says which field', async (t) => {
  const { outcome, calls } = await perform({ spec: { http: anHttp({ url: 'https://a.example/${nope}' }) } })
  t.match(outcome, {
    cause: 'template',
    mayHaveHadEffect: false,
    attempts: 0,
    message: /spec.http.url: .*no such key: nope/,
  })
  t.same(calls, [])
})

t.test('no recorded text shows a secret, also where the answer echoes it', async (t) => {
  const secret = 'hunter22hunter22'
  for (const status of [200, 500]) {
    const echoed = JSON.stringify({ got: secret, b64: Buffer.from(secret).toString('base64'), [secret]: 1 })
    const { outcome } = await perform({
      spec: {
        http: anHttp({ headers, url: `https://a.example/?q=${secret}`, body: secret }),
        outputs: [{ name: 'all', expression: 'response.body' }],
      },
      secrets: { 'quiesce/token': secret },
      answers: [answered(status, echoed, { 'content-type': 'application/json' })],
    })
    t.notMatch(JSON.stringify(outcome), 'hunter')
    t.notMatch(JSON.stringify(outcome), Buffer.from(secret).toString('base64').slice(0, 10))
    t.match(outcome.request, 'X-Token: ***')
  }
})
t.test('no output takes a secret apart, nor asks for it piece by piece', async (t) => {
  const secret = 'hunter22hunter22'
  const { outcome } = await perform({
    spec: {
      http: anHttp({ headers }),
      outputs: [
        { name: 'half', expression: 'response.body.substring(0, 8)' },
        { name: 'guess', expression: "response.body.startsWith('hunt')" },
        { name: 'header', expression: "response.headers['x-echo'].substring(1)" },
      ],
    },
    ports: { evaluate: createCel().evaluate },
    secrets: { 'quiesce/token': secret },
    answers: [answered(200, `${secret} and so on`, { 'content-type': 'text/plain', 'x-echo': secret })],
  })
  t.match(outcome, { outputs: { half: '*** and ', guess: false, header: '**' } })
})
t.test('a secret is masked before an answer is cut, so no half of it is left', async (t) => {
  const { outcome } = await perform({
    spec: { http: anHttp({ headers }) },
    secrets: { 'quiesce/token': 'q'.repeat(50) },
    answers: [answered(500, `${'x'.repeat(180)}${'q'.repeat(50)}`)],
  })
  t.notMatch(outcome.message, /qq/)
})
t.test('a message is never longer than its field', async (t) => {
  const { outcome } = await perform({
    spec: { retry },
    answers: [{ failed: 'network', message: 'x'.repeat(10_000), sent: false }],
  })
  t.ok(outcome.message.length <= 4096)
})

const json = { 'content-type': 'application/json' }
const withOutput = (expression: string) => ({ spec: { outputs: [{ name: 'lsn', expression }] } })
t.test('outputs are taken from the answer', async (t) => {
  const { outcome } = await perform({
    ...withOutput('response.body.lsn'),
    answers: [answered(200, '{"lsn":"0/16B"}', json)],
  })
  t.match(outcome, { status: 'done', outputs: { lsn: '0/16B' } })
  t.match(
    (await perform({ ...withOutput('response'), answers: [answered(201, 'text', { 'x-a': 'b' })] })).outcome,
    {
      outputs: { lsn: { status: 201, headers: { 'x-a': 'b' }, body: 'text', durationMs: 0 } },
    },
  )
})
t.test('an output that fails fails the action, which had its effect', async (t) => {
  const { outcome, calls } = await perform({
    spec: { ...withOutput('response.body.no').spec, retry },
    answers: [answered(200, '{}', json)],
  })
  t.match(outcome, {
    status: 'failed',
    cause: 'output',
    mayHaveHadEffect: true,
    attempts: 1,
    message: /answered 200.*, but output "lsn" cannot be evaluated: no such key/,
  })
  t.equal(calls.length, 1)
})
t.test('a compressed answer is a success, but has no body for outputs', async (t) => {
  const zipped = answered(200, 'x', { 'content-encoding': 'gzip' })
  t.match((await perform({ answers: [zipped] })).outcome, {
    status: 'done',
    message: /answered 200 \(compressed\)/,
  })
  t.match((await perform({ ...withOutput('response.body'), answers: [zipped] })).outcome, { cause: 'output' })
})
const values: Readonly<Record<string, { value: unknown; want: object }>> = {
  'a CEL integer is a number': { value: 7n, want: { outputs: { lsn: 7 } } },
  'an integer that no number holds is text': {
    value: 2n ** 60n,
    want: { outputs: { lsn: '1152921504606846976' } },
  },
  'a CEL map is an object': {
    value: new Map([['a', new Map([[1n, 2n]])]]),
    want: { outputs: { lsn: { a: { 1: 2 } } } },
  },
  'not a number is text': { value: Number.NaN, want: { outputs: { lsn: 'NaN' } } },
  'outputs beyond 16 KiB are refused': {
    value: 'x'.repeat(16_385),
    want: { cause: 'output', message: /at most 16384 characters/ },
  },
  'what is no JSON is refused': {
    value: () => 1,
    want: { cause: 'output', message: /must be JSON, got function/ },
  },
  'what contains itself is refused': {
    value: Object.assign([], { 0: undefined, length: 1 }).map(() => self()),
    want: { cause: 'output' },
  },
  'what is nested too deep is refused': {
    value: JSON.parse('['.repeat(80) + ']'.repeat(80)),
    want: { cause: 'output', message: /64 levels/ },
  },
}
function self(): unknown {
  const loop: unknown[] = []
  loop.push(loop)
  return loop
}
for (const [name, { value, want }] of Object.entries(values)) {
  t.test(name, async (t) => {
    t.match((await perform({ ...withOutput('x'), ports: { evaluate: () => ({ ok: value }) } })).outcome, want)
  })
}
