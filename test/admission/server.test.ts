import inject, { type InjectOptions } from 'light-my-request'
import t, { type Test } from 'tap'
import type { Endpoint } from '../../src/admission/ports.ts'
import { buildAdmission, type AdmissionOptions } from '../../src/admission/server.ts'
import type { AdmissionRequest } from '../../src/core/admission-request.ts'
import { Undecided } from '../../src/core/decision/undecided.ts'
import { allow, type Verdict } from '../../src/core/verdict.ts'
import { FakeClock, newYear } from '../support/fake-clock.ts'

const token = '0123456789abcdef0123456789abcdef'
const former = 'ffffffffffffffffffffffffffffffff'
const url = `/${token}/backups`
const json = { 'content-type': 'application/json' }

const review = (uid: unknown = 'u-1') => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid,
    kind: { group: 'velero.io', version: 'v1', kind: 'Backup' },
    resource: { group: 'velero.io', version: 'v1', resource: 'backups' },
    operation: 'CREATE',
    userInfo: { username: 'ann' },
    object: {},
  },
})

type Line = { readonly level: string; readonly fields: object; readonly message: string }

function serving(
  t: Test,
  handle: Endpoint['handle'] = async () => allow('Yes'),
  more: Partial<AdmissionOptions> = {},
) {
  const clock = new FakeClock()
  const lines: Line[] = []
  const say = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields, message })
  const log = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
  const asked: AdmissionRequest[] = []
  const server = buildAdmission({
    handlers: [{ path: '/backups', handle: async (request) => (asked.push(request), handle(request)) }],
    log,
    clock,
    pathPrefix: () => [token, former],
    ...more,
  })
  t.teardown(() => server.close())
  const ask = (options: InjectOptions) =>
    inject((request, response) => void server.answer(request, response), options)
  const post = (payload: string | object = review(), changes: object = {}) =>
    ask({ method: 'POST', url, headers: json, payload, ...changes })
  return { clock, lines, asked, server, ask, post }
}

t.test('a good question is asked and its answer carries the uid', async (t) => {
  const { post, asked } = serving(t)
  const answer = await post(review(), { url: `${url}?timeout=24s` })
  t.equal(answer.statusCode, 200)
  t.match(answer.headers, { 'content-type': 'application/json' })
  t.match(answer.json(), { kind: 'AdmissionReview', response: { uid: 'u-1', allowed: true } })
  t.match(asked, [{ uid: 'u-1', timeoutMs: 24_000, receivedAt: newYear }])
  t.equal(asked[0]?.signal().aborted, false)
})

t.test('the former path is accepted while it turns', async (t) => {
  const { post } = serving(t)
  t.equal((await post(review(), { url: `/${former}/backups` })).statusCode, 200)
})

t.test('a content type with a charset is JSON too', async (t) => {
  const { post } = serving(t)
  t.equal(
    (await post(review(), { headers: { 'content-type': 'Application/JSON; charset=utf-8' } })).statusCode,
    200,
  )
})

const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
const withObject = (object: string) => JSON.stringify(review()).replace('"object":{}', `"object":${object}`)

const malformed: Readonly<
  Record<
    string,
    {
      readonly payload: string | Buffer
      readonly headers?: object
      readonly code: number
      readonly says: RegExp
    }
  >
> = {
  'not JSON': { payload: 'hello', code: 400, says: /must be JSON/ },
  'half a JSON': {
    payload: JSON.stringify(review()).slice(0, -9),
    code: 400,
    says: /must be JSON: it is broken/,
  },
  nothing: { payload: '', code: 400, says: /must be JSON: it is empty/ },
  'bytes that are not UTF-8': { payload: Buffer.from([0x22, 0xff, 0x22]), code: 400, says: /not UTF-8/ },
  'another kind': {
    payload: '{"apiVersion":"v1","kind":"Pod"}',
    code: 400,
    says: /kind must be "AdmissionReview", got "Pod"/,
  },
  'no uid': { payload: JSON.stringify(review(null)), code: 400, says: /request\.uid must/ },
  'nesting of a million': { payload: '['.repeat(1e6), code: 400, says: /must be JSON/ },
  '9 MB': { payload: withObject(`"${'x'.repeat(9e6)}"`), code: 413, says: /at most 8388608 bytes/ },
  'another content type': {
    payload: '{}',
    headers: { 'content-type': 'text/plain' },
    code: 415,
    says: /must be application\/json, got "text\/plain"/,
  },
  'no content type': {
    payload: '{}',
    headers: { 'content-type': '' },
    code: 415,
    says: /must be application\/json, got nothing/,
  },
  'a compressed body': {
    payload: '{}',
    headers: { ...json, 'content-encoding': 'gzip' },
    code: 415,
    says: /not be compressed/,
  },
}

for (const [name, { payload, headers = json, code, says }] of Object.entries(malformed)) {
  t.test(
    `a malformed review is refused in clear words, and a good one succeeds afterwards: ${name}`,
    async (t) => {
      const { post, asked, lines, clock } = serving(t)
      const answer = await post(payload, { headers })
      t.equal(answer.statusCode, code)
      t.match(answer.json(), { kind: 'Status', code, message: says })
      t.equal(asked.length, 0)
      t.match(lines, [{ level: 'warn', fields: { code } }])
      t.equal((await post()).statusCode, 200)
      await clock.pass(0)
      t.equal(clock.waiting, 0, 'no deadline is left behind')
    },
  )
}

t.test(
  'an object with the keys __proto__ and constructor, and duplicate keys, is data; the last duplicate counts, as in Go',
  async (t) => {
    const { post, asked } = serving(t)
    const answer = await post(
      withObject('{"__proto__":{"a":1},"constructor":{"prototype":{"b":1}},"c":1,"c":2}'),
    )
    t.equal(answer.statusCode, 200)
    const object = asked[0]?.object as Record<string, unknown>
    t.same(Object.keys(object), ['__proto__', 'constructor', 'c'])
    t.equal(object['c'], 2)
    t.equal(({} as Record<string, unknown>)['a'], undefined)
  },
)

t.test('a fault in JSON is told without the text around it', async (t) => {
  const { post, lines } = serving(t)
  const answer = await post('{"password": hunter2}')
  t.match(answer.json(), { message: /broken somewhere in its 21 bytes/ })
  t.notMatch(answer.body + JSON.stringify(lines), /hunter2/)
})

for (const path of [
  '/',
  '/backups',
  `/${token}`,
  `/${token}/`,
  `/${token}/restores`,
  `/${token}x/backups`,
  `/%C3%A9${token.slice(1)}/backups`,
  `/%C3%A9${token.slice(2)}/backups`,
  `/x/backups`,
  `${url}/`,
  '/%zz',
  `/${'a'.repeat(2000)}/backups`,
]) {
  t.test(`an unknown path tells nothing, whatever the method: ${path.slice(0, 50)}`, async (t) => {
    const { ask, asked } = serving(t)
    for (const method of ['POST', 'GET', 'DELETE'] as const) {
      const answer = await ask({
        method,
        url: path,
        headers: json,
        ...(method === 'GET' ? {} : { payload: review() }),
      })
      t.equal(answer.statusCode, 404)
      t.match(answer.json(), { message: 'not found' })
    }
    t.equal(asked.length, 0)
  })
}

t.test('with no accepted prefix nothing is found', async (t) => {
  const { post } = serving(t, undefined, { pathPrefix: () => [''] })
  t.equal((await post()).statusCode, 404)
  t.equal((await post(review(), { url: '//backups' })).statusCode, 404)
})

t.test('another method on a known path is told what is right', async (t) => {
  const { ask } = serving(t)
  for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'] as const) {
    const answer = await ask({ method, url, headers: json })
    t.equal(answer.statusCode, 405, method)
    t.equal(answer.headers['allow'], 'POST')
  }
})

const failures: Readonly<Record<string, Endpoint['handle']>> = {
  'a rejection': async () => {
    throw new TypeError('secret detail')
  },
  'a synchronous throw': () => {
    throw new TypeError('secret detail')
  },
  'no verdict at all': async () => undefined as unknown as Verdict,
}

for (const [name, handle] of Object.entries(failures)) {
  t.test(`a handler that fails denies in general words and is logged once: ${name}`, async (t) => {
    const { post, lines } = serving(t, handle)
    const answer = await post()
    t.equal(answer.statusCode, 200)
    t.match(answer.json(), {
      response: {
        allowed: false,
        status: { code: 500, message: 'internal error in tidewaiter, see its log: u-1' },
      },
    })
    t.notMatch(answer.body, /secret detail/)
    t.match(lines, [{ level: 'error', fields: { uid: 'u-1', path: '/backups' } }])
    t.equal(lines.length, 1)
  })
}

t.test(
  'a failure that was recorded carries the annotations of its record, and its cause is told',
  async (t) => {
    const { post, lines } = serving(
      t,
      () =>
        Promise.reject(new Undecided({ verdict: 'error', chain: '{"seq":1}' }, new RangeError('its cause'))),
      { explain: (error) => (error instanceof RangeError ? error.message : undefined) },
    )
    t.match((await post()).json(), {
      response: {
        allowed: false,
        status: { code: 500, message: /^tidewaiter cannot decide: its cause\./ },
        auditAnnotations: { verdict: 'error', chain: '{"seq":1}' },
      },
    })
    t.match(lines, [{ level: 'error', fields: { err: { message: 'its cause' } } }])
  },
)

t.test(
  'an object that nests too deep for its handler is refused, and a good one succeeds afterwards',
  async (t) => {
    const { post, lines } = serving(t, async ({ object }) => {
      const levels = (value: unknown): number =>
        typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(levels)) : 0
      return allow(`Has${levels(object)}`)
    })
    t.match((await post(withObject(deep(100_000)))).json(), {
      response: {
        allowed: false,
        status: {
          code: 422,
          message: /^tidewaiter cannot decide: the object may nest too deep; make it flatter\./,
        },
      },
    })
    t.match(lines, [{ level: 'error', message: 'a webhook handler failed' }])
    t.match((await post(withObject(deep(300)))).json(), { response: { allowed: true } })
  },
)

t.test('a failure that can be explained is told to whoever asked, at most so much of it', async (t) => {
  const said = `POST /apis/tidewaiter.io/v1beta1/namespaces/velero/actionruns answered 403 ${'x'.repeat(400)}`
  const { post } = serving(t, () => Promise.reject(new RangeError(said)), {
    explain: (error) => (error instanceof RangeError ? error.message : undefined),
  })
  const { message } = (await post()).json().response.status
  t.match(message, /^tidewaiter cannot decide: POST .* answered 403 x+\. Try again; its log says more: u-1$/)
  t.ok(message.length < 400)
})

t.test(
  'a handler that outlives its time is answered for, half a second before the API server gives up',
  async (t) => {
    const { post, clock, asked } = serving(t, () => new Promise(() => {}))
    const answer = post(review(), { url: `${url}?timeout=5s` })
    while (asked.length === 0) await clock.pass(0)
    await clock.pass(4499)
    t.equal(asked[0]?.signal().aborted, false)
    await clock.pass(1)
    t.equal(asked[0]?.signal().aborted, true)
    t.match((await answer).json(), {
      response: { allowed: false, status: { code: 504, message: /within the 5 s .* u-1/ } },
    })
    t.equal(clock.waiting, 0)
  },
)

t.test('a handler that answers when its signal aborts is heard', async (t) => {
  const { post, clock, asked, lines } = serving(
    t,
    ({ signal }) =>
      new Promise((resolve) =>
        signal().addEventListener('abort', () => resolve(allow('Late', 'just in time'))),
      ),
  )
  const answer = post()
  while (asked.length === 0) await clock.pass(0)
  await clock.pass(9500)
  t.match((await answer).json(), { response: { allowed: true } })
  t.equal(lines.length, 0)
})

t.test('a handler that fails after it was cut off is logged and harms nobody', async (t) => {
  const { promise, reject } = Promise.withResolvers<Verdict>()
  const { post, clock, asked, lines } = serving(t, () => promise)
  const answer = post()
  while (asked.length === 0) await clock.pass(0)
  await clock.pass(10_000)
  t.match((await answer).json(), { response: { status: { code: 504 } } })
  reject(new Error('too late'))
  await clock.pass(0)
  t.match(lines, [{ level: 'warn' }, { level: 'error' }])
})

t.test('no deadline outlives its answer', async (t) => {
  const { post, clock } = serving(t)
  await Promise.all([post(), post(), post()])
  t.equal(clock.waiting, 0)
})

t.test('all bodies that are held at one time share one bound', async (t) => {
  const { promise, resolve } = Promise.withResolvers<Verdict>()
  const { post, clock, asked } = serving(t, () => promise, { limits: { bufferedBytes: 1000 } })
  const first = post(withObject(`"${'x'.repeat(500)}"`))
  while (asked.length === 0) await clock.pass(0)
  t.match((await post(withObject(`"${'x'.repeat(500)}"`))).json(), {
    code: 500,
    message: /too many large bodies/,
  })
  resolve(allow('Yes'))
  await first
  t.equal((await post(withObject(`"${'x'.repeat(500)}"`))).statusCode, 200)
})

t.test('no answer whatever asks the API server to come again', async (t) => {
  const { post } = serving(t, async () => ({ ...allow('x'), allowed: false, code: 503 }))
  for (const payload of [review(), 'junk', withObject(`"${'x'.repeat(9e6)}"`)]) {
    const answer = await post(payload)
    t.notOk([429, 503].includes(answer.statusCode))
    t.notOk('retry-after' in answer.headers)
    t.notMatch(answer.body, /"code":(429|503)/)
  }
})

t.test('a request without any body is refused in the same words', async (t) => {
  const { ask } = serving(t)
  const answer = await ask({ method: 'POST', url })
  t.match(answer.json(), { code: 400, message: 'the body must be JSON: it is empty' })
})

t.test(
  'a fault of our own before the question is read answers 500 in general words and is logged once',
  async (t) => {
    const pathPrefix = () => {
      throw new TypeError('secret detail')
    }
    const { post, lines } = serving(t, undefined, { pathPrefix })
    const answer = await post()
    t.match(answer.json(), { code: 500, message: 'internal error in tidewaiter, see its log' })
    t.match(lines, [{ level: 'error' }])
    t.equal(lines.length, 1)
  },
)
