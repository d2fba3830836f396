import t from 'tap'
import { anHttp } from '../support/build.ts'
import { answered, perform } from './support.ts'

const sent = async (http: Parameters<typeof anHttp>[0]) => {
  const { calls, outcome } = await perform({
    spec: { http: anHttp(http) },
    secrets: { 's/k': 'hunter22', 's/two': 'a\nb', 's/kanji': '漢字' },
  })
  return { call: calls[0], outcome }
}
const header = (call: Awaited<ReturnType<typeof sent>>['call'], name: string) =>
  call?.headers.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value)

t.test('every call carries its key, its trace and who calls', async (t) => {
  const { call } = await sent({})
  t.same(header(call, 'idempotency-key'), ['uid/PreBackup/10-quiesce'])
  t.same(header(call, 'traceparent'), ['00-1-1-01'])
  t.same(header(call, 'user-agent'), ['tidewaiter/test'])
})
const bodies: Readonly<Record<string, { body?: unknown; want: { body?: string; type: readonly string[] } }>> =
  {
    'no body has no type': { want: { type: [] } },
    'an object is sent as JSON, filled in': {
      body: { a: ['${stage}'] },
      want: { body: '{"a":["PreBackup"]}', type: ['application/json'] },
    },
    'a text is sent as it is, filled in': {
      body: 'at ${stage}',
      want: { body: 'at PreBackup', type: ['text/plain; charset=utf-8'] },
    },
    'null is JSON': { body: null, want: { body: 'null', type: ['application/json'] } },
  }
for (const [name, { want, ...given }] of Object.entries(bodies)) {
  t.test(name, async (t) => {
    const { call } = await sent(given)
    t.equal(call?.body, want.body)
    t.same(header(call, 'content-type'), want.type)
  })
}
t.test('a given Content-Type stays', async (t) => {
  const { call } = await sent({ body: {}, headers: [{ name: 'content-type', value: 'application/x' }] })
  t.same(header(call, 'content-type'), ['application/x'])
})
t.test('authority, redirects and filled-in URL go to the client', async (t) => {
  const { call } = await sent({
    url: 'https://a.example/${backup.metadata.name}',
    caBundle: 'pem',
    followRedirects: 2,
  })
  t.match(call, { url: 'https://a.example/b1', ca: 'pem', maxRedirects: 2 })
})
const refused: Readonly<
  Record<string, { headers: NonNullable<ReturnType<typeof anHttp>['headers']>; want: object }>
> = {
  'a header that frames the request is refused when sent, too': {
    headers: [{ name: 'Transfer-Encoding', value: 'chunked' }],
    want: { cause: 'template', message: /Transfer-Encoding must not be/ },
  },
  'a header value with a line break is refused': {
    headers: [{ name: 'X', value: 'a\r\nb' }],
    want: { cause: 'template', message: /header X: .*one line/ },
  },
  'a Secret of two lines is refused, and not shown': {
    headers: [{ name: 'X', valueFrom: { secretKeyRef: { name: 's', key: 'two' } } }],
    want: { cause: 'secret', message: /header X: the Secret must hold one line/ },
  },
  'a Secret beyond Latin-1 is refused': {
    headers: [{ name: 'X', valueFrom: { secretKeyRef: { name: 's', key: 'kanji' } } }],
    want: { cause: 'secret' },
  },
}
for (const [name, { headers, want }] of Object.entries(refused)) {
  t.test(name, async (t) => {
    const { call, outcome } = await sent({ headers })
    t.equal(call, undefined)
    t.match(outcome, { status: 'failed', mayHaveHadEffect: false, ...want })
  })
}

const failing = async (answer: ReturnType<typeof answered>, http = {}) =>
  (await perform({ spec: { http: anHttp(http) }, answers: [answer] })).outcome.message
const start = 'POST https://quiesce.example/freeze answered'
const words: Readonly<Record<string, { body: string; type?: string; want: string }>> = {
  'an empty answer has no words': { body: '', want: `${start} 500, wanted 2xx` },
  'the first line that is not empty counts': {
    body: '\n\n  one  \ntwo',
    want: `${start} 500 "one", wanted 2xx`,
  },
  'control characters are escaped': {
    body: 'a\u001b[31m"b"\u0007',
    want: String.raw`${start} 500 "a\u001b[31m\"b\"\u0007", wanted 2xx`,
  },
  'characters that reorder text are escaped': {
    body: 'a\u202eb',
    want: String.raw`${start} 500 "a\u202eb", wanted 2xx`,
  },
  'at most 200 characters are shown': {
    body: 'x'.repeat(300),
    want: `${start} 500 "${'x'.repeat(197)}...", wanted 2xx`,
  },
  'the message of a JSON error is shown': {
    body: '{\n "code": 1,\n "message": "lag"\n}',
    type: 'application/problem+json',
    want: `${start} 500 "lag", wanted 2xx`,
  },
  'JSON without a message is shown on one line': {
    body: '{\n "a": 1\n}',
    type: 'application/json',
    want: String.raw`${start} 500 "{\"a\":1}", wanted 2xx`,
  },
  'JSON that is broken is text': {
    body: '{oops',
    type: 'application/json',
    want: `${start} 500 "{oops", wanted 2xx`,
  },
  'JSON nested too deep is text': {
    body: '['.repeat(100_000),
    type: 'application/json',
    want: `${start} 500 "${'['.repeat(197)}...", wanted 2xx`,
  },
  'a charset that does not exist is taken for UTF-8': {
    body: 'hä',
    type: 'text/plain; charset=nope',
    want: `${start} 500 "hä", wanted 2xx`,
  },
  'a declared charset counts': {
    body: 'hä',
    type: 'text/plain; charset="ISO-8859-1"',
    want: `${start} 500 "hÃ¤", wanted 2xx`,
  },
}
for (const [name, { body, type, want }] of Object.entries(words)) {
  t.test(name, async (t) => {
    t.equal(await failing(answered(500, body, type === undefined ? {} : { 'content-type': type })), want)
  })
}
t.test('bytes that are no UTF-8 are replaced', async (t) => {
  const answer = { ok: { status: 500, headers: {}, body: Uint8Array.from([97, 255]), finalUrl: 'x' } }
  t.match(await failing(answer), '"a\ufffd"')
})
t.test('a redirect that is not followed says what would', async (t) => {
  t.match(
    await failing(answered(302, '', { location: '/x' })),
    /wanted 2xx. Redirects are not followed unless followRedirects says so$/,
  )
  t.notMatch(await failing(answered(302, '', { location: '/x' }), { followRedirects: 1 }), /Redirects/)
})
for (const [status, expectStatus, want] of [
  [204, ['2xx'], 'done'],
  [204, ['204'], 'done'],
  [200, ['204'], 'failed'],
  [404, ['2xx', '404'], 'done'],
  [302, ['3xx'], 'done'],
] as const) {
  t.test(`${status} is ${want} if ${expectStatus.join(' or ')} is wanted`, async (t) => {
    const { outcome } = await perform({
      spec: { http: anHttp({ expectStatus }) },
      answers: [answered(status)],
    })
    t.equal(outcome.status, want)
  })
}
t.test('the record has the headers, not their secrets, and the beginning of the body', async (t) => {
  const headers = [
    { name: 'X-Token', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
    { name: 'X-Long', value: 'v'.repeat(500) },
  ]
  const { outcome } = await sent({ headers, body: `hunter22 ${'b'.repeat(9000)}` })
  t.match(outcome.request, /^POST https:\/\/quiesce.example\/freeze\nX-Token: \*\*\*\nX-Long: v{253}\.\.\.\n/)
  t.match(outcome.request, /\n\n\*\*\* b+\.\.\.$/)
  t.ok(outcome.request.length < 8192)
})
t.test('the record of the largest request fits into its field', async (t) => {
  const headers = Array.from({ length: 32 }, (_, i) => ({ name: `X-${i}`, value: '\u0085'.repeat(250) }))
  const { outcome } = await sent({ headers, body: '\u0001'.repeat(5000) })
  t.ok(outcome.request.length <= 8192, String(outcome.request.length))
})
