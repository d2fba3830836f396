import t from 'tap'
import { errorFromAnswer, isKubeError, KubeError } from '../../src/kube/errors.ts'

const status = (code: number, reason: string, more: string | object) =>
  JSON.stringify({ kind: 'Status', code, reason, ...(typeof more === 'string' ? { message: more } : more) })

const cases = {
  'a missing object is NOT_FOUND': {
    status: 404,
    text: status(404, 'NotFound', 'pods "a" not found'),
    want: 'NOT_FOUND',
  },
  'a taken name is ALREADY_EXISTS': {
    status: 409,
    text: status(409, 'AlreadyExists', 'exists'),
    want: 'ALREADY_EXISTS',
  },
  'a stale version is CONFLICT': { status: 409, text: status(409, 'Conflict', 'modified'), want: 'CONFLICT' },
  'an expired version is GONE': { status: 410, text: status(410, 'Expired', 'too old'), want: 'GONE' },
  'a missing right is FORBIDDEN': {
    status: 403,
    text: status(403, 'Forbidden', 'User "x" cannot get'),
    want: 'FORBIDDEN',
  },
  'a webhook that refuses is DENIED, whatever status it chose': {
    status: 500,
    text: status(500, 'InternalError', 'admission webhook "a.b.c" denied the request: no'),
    want: 'DENIED',
  },
  'a policy that refuses is DENIED': {
    status: 422,
    text: status(
      422,
      'Invalid',
      `backups "x" is invalid: : ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no`,
    ),
    want: 'DENIED',
  },
  'a name that looks like a refusal is not one': {
    status: 404,
    text: status(404, 'NotFound', 'x admission webhook "a" denied the request'),
    want: 'NOT_FOUND',
  },
  'a webhook that cannot be called is UNAVAILABLE': {
    status: 500,
    text: status(500, 'InternalError', 'failed calling webhook "a"'),
    want: 'UNAVAILABLE',
  },
  'a time out of the server is TIMEOUT': {
    status: 504,
    text: status(504, 'Timeout', 'timeout'),
    want: 'TIMEOUT',
  },
  'HTML of a proxy is told by its status': {
    status: 502,
    text: '<html>bad gateway</html>',
    want: 'UNAVAILABLE',
  },
  'a redirect is never followed': { status: 302, text: '', want: 'BAD_ANSWER' },
  'a body too large is TOO_LARGE': { status: 413, text: '', want: 'TOO_LARGE' },
}
for (const [name, { want, ...answer }] of Object.entries(cases)) {
  t.test(name, async (t) => {
    const error = errorFromAnswer(answer, 'GET /x')
    t.equal(error.code, want)
    t.equal(error.status, answer.status)
    t.match(error.message, /^GET \/x answered \d+: ./)
  })
}

t.test('Retry-After counts, of the header before the body, and nonsense does not', async (t) => {
  const body = status(429, 'TooManyRequests', { message: 'later', details: { retryAfterSeconds: 7 } })
  const wait = (retryAfter?: string) =>
    errorFromAnswer({ status: 429, text: body, retryAfter }, 'GET /x').retryAfterMs
  t.equal(wait('3'), 3000)
  t.equal(wait(), 7000)
  t.equal(wait('Wed, 21 Oct 2026 07:28:00 GMT'), 7000)
  t.equal(wait('-1'), 7000)
})

t.test('causes are kept, bounded and only as text', async (t) => {
  const causes = [
    { field: 'spec.a', reason: 'FieldValueInvalid', message: 'bad' },
    7,
    ...Array.from({ length: 100 }, () => ({ field: 1 })),
  ]
  const error = errorFromAnswer(
    { status: 422, text: status(422, 'Invalid', { message: 'bad', details: { causes } }) },
    'POST /x',
  )
  t.same(error.causes[0], causes[0])
  t.same(error.causes[1], {})
  t.equal(error.causes.length, 64)
})

t.test('a hostile message is cut', async (t) => {
  t.ok(
    errorFromAnswer({ status: 400, text: status(400, 'x', 'm'.repeat(1e6)) }, 'GET /x').message.length <
      40_000,
  )
})

t.test('an error is told by its code', async (t) => {
  t.ok(isKubeError(new KubeError('GONE', 'x'), 'CONFLICT', 'GONE'))
  t.notOk(isKubeError(new KubeError('GONE', 'x'), 'CONFLICT'))
  t.notOk(isKubeError(new Error('x')))
})
