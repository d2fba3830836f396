/** What is wrong with the body `http` of an Action beyond its shape. The URL itself is checked in render.ts. */
import type { HttpBody, RetryPolicy } from '../api/action.ts'
import type { FieldProblem } from '../api/problems.ts'

// What frames the message or the connection is the client's business; a header of these could smuggle a second request.
const framing = [
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]
// What tidewaiter sets itself. Accept-Encoding: answers are read as they come, so compression is never asked for.
const ours = ['accept-encoding', 'idempotency-key', 'traceparent', 'tracestate', 'user-agent']

/** Every problem of the body at `path`; `parsePem` gives a sentence if a text is not a list of certificates. */
export function checkHttpBody(
  body: HttpBody,
  path: string,
  parsePem: (pem: string) => string | undefined,
): readonly FieldProblem[] {
  return [
    ...headerProblems(body.headers ?? [], `${path}.headers`),
    ...contentProblems(body, path),
    ...caProblems(body, path, parsePem),
    ...statusProblems(body.expectStatus, `${path}.expectStatus`),
  ]
}

/** Every problem of a retry policy: waits that contradict each other, and answers that are no reason to try again. */
export function checkRetry(
  retry: RetryPolicy,
  path: string,
  expectStatus: readonly string[] = [],
): readonly FieldProblem[] {
  const waits: readonly FieldProblem[] =
    retry.maxSeconds < retry.initialSeconds
      ? [
          {
            path: `${path}.maxSeconds`,
            want: `be at least initialSeconds (${retry.initialSeconds})`,
            got: retry.maxSeconds,
          },
        ]
      : []
  const useless = retry.retryOn.flatMap((on, i) =>
    expectStatus.includes(on) || expectStatus.includes(`${on.charAt(0)}xx`)
      ? [
          {
            path: `${path}.retryOn[${i}]`,
            want: 'not be an answer that expectStatus takes for success',
            got: on,
          },
        ]
      : [],
  )
  return [...waits, ...useless, ...statusProblems(retry.retryOn, `${path}.retryOn`)]
}

/** Why a header may not be given, or undefined if it may: the same rule when applied and when sent. */
export function headerRefusal(name: string): string | undefined {
  const lower = name.toLowerCase()
  if (framing.includes(lower) || lower.startsWith('proxy-'))
    return 'not be a header of the connection or of the framing'
  return ours.includes(lower) ? 'not be a header that tidewaiter sets itself' : undefined
}

function headerProblems(headers: NonNullable<HttpBody['headers']>, path: string): readonly FieldProblem[] {
  const names = headers.map(({ name }) => name.toLowerCase())
  return headers.flatMap(({ name }, i) => {
    const first = names.indexOf(name.toLowerCase())
    const twice =
      first < i ? `be another header than ${path}[${first}]: names are compared without case` : undefined
    const want = headerRefusal(name) ?? twice
    return want === undefined ? [] : [{ path: `${path}[${i}].name`, want, got: name }]
  })
}

function contentProblems({ body, method }: HttpBody, path: string): readonly FieldProblem[] {
  if (body === undefined || (method !== 'GET' && method !== 'HEAD')) return []
  return [{ path: `${path}.body`, want: `not be given with method ${method}: servers ignore or refuse it` }]
}

function caProblems(
  { caBundle, url }: HttpBody,
  path: string,
  parsePem: (pem: string) => string | undefined,
): readonly FieldProblem[] {
  if (caBundle === undefined) return []
  const plain = /^http:/i.test(url)
    ? 'not be given with an http URL: there is no certificate to check'
    : undefined
  const broken = parsePem(caBundle)
  const wants = [plain, broken === undefined ? undefined : `be PEM certificates: ${broken}`]
  return wants.filter((want) => want !== undefined).map((want) => ({ path: `${path}.caBundle`, want }))
}

function statusProblems(statuses: readonly string[], path: string): readonly FieldProblem[] {
  return statuses.flatMap((status, i) =>
    status.startsWith('1')
      ? [{ path: `${path}[${i}]`, want: 'be a status that an answer can end with (200 to 599)', got: status }]
      : [],
  )
}
