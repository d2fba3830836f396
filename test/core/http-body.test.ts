import t from 'tap'
import type { HttpBody } from '../../src/api/action.ts'
import { sentenceOf } from '../../src/api/problems.ts'
import { checkHttpBody, checkRetry, headerRefusal } from '../../src/core/http-body.ts'

const good: HttpBody = {
  method: 'POST',
  url: 'https://quiesce.shop/freeze',
  expectStatus: ['2xx'],
  followRedirects: 0,
}
const check = (body: Partial<HttpBody>, broken?: string) =>
  checkHttpBody({ ...good, ...body }, 'spec.http', () => broken).map(sentenceOf)

t.test('a good body has no problem', async (t) => {
  t.same(check({ headers: [{ name: 'Authorization', value: 'x' }], caBundle: 'x', body: {} }), [])
})
for (const name of [
  'Host',
  'Content-Length',
  'Transfer-Encoding',
  'connection',
  'Upgrade',
  'TE',
  'Trailer',
  'Expect',
  'Keep-Alive',
  'Proxy-Authorization',
  'PROXY-CONNECTION',
]) {
  t.test(`the header ${name} is refused: it belongs to the connection`, async (t) => {
    t.same(check({ headers: [{ name, value: 'x' }] }), [
      `spec.http.headers[0].name must not be a header of the connection or of the framing, got "${name}"`,
    ])
  })
}
for (const name of ['Idempotency-Key', 'traceparent', 'TraceState', 'User-Agent', 'Accept-Encoding']) {
  t.test(`the header ${name} is refused: tidewaiter sets it`, async (t) => {
    t.match(headerRefusal(name), /tidewaiter/)
    t.equal(check({ headers: [{ name, value: 'x' }] }).length, 1)
  })
}
t.test('a header that differs only in case is a duplicate', async (t) => {
  t.same(
    check({
      headers: [
        { name: 'X-A', value: '1' },
        { name: 'x-a', value: '2' },
      ],
    }),
    [
      'spec.http.headers[1].name must be another header than spec.http.headers[0]: names are compared without case, got "x-a"',
    ],
  )
})
for (const method of ['GET', 'HEAD'] as const) {
  t.test(`${method} takes no body`, async (t) => {
    t.match(check({ method, body: '' }), [/^spec.http.body must not be given with method/])
    t.same(check({ method }), [])
  })
}
t.test('a caBundle needs https and certificates that can be read: both are said', async (t) => {
  t.match(check({ url: 'HTTP://a/', caBundle: 'x' }, 'number 1 in it cannot be read'), [
    /caBundle must not be given with an http URL/,
    /caBundle must be PEM certificates: number 1 in it cannot be read/,
  ])
})
t.test('an expected status that ends no answer is refused', async (t) => {
  t.match(check({ expectStatus: ['200', '1xx', '101'] }), [/expectStatus\[1\]/, /expectStatus\[2\]/])
})

const retry = { limit: 1, retryOn: ['5xx', 'network'], initialSeconds: 1, factor: 2, maxSeconds: 10 }
t.test('a sane retry policy has no problem', async (t) => {
  t.same(checkRetry(retry, 'spec.retry', ['2xx']), [])
  t.same(checkRetry(retry, 'spec.retry'), [])
})
t.test('the longest wait is not shorter than the first', async (t) => {
  t.same(checkRetry({ ...retry, initialSeconds: 20 }, 'spec.retry').map(sentenceOf), [
    'spec.retry.maxSeconds must be at least initialSeconds (20), got 10',
  ])
})
t.test('success is no reason to try again', async (t) => {
  t.match(
    checkRetry({ ...retry, retryOn: ['204', '2xx', '503'] }, 'r', ['2xx', '503']).map(({ path }) => path),
    ['r.retryOn[0]', 'r.retryOn[1]', 'r.retryOn[2]'],
  )
})
t.test('an interim status is no reason to try again', async (t) => {
  t.match(
    checkRetry({ ...retry, retryOn: ['1xx'] }, 'r').map(({ path }) => path),
    ['r.retryOn[0]'],
  )
})
