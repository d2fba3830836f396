/** The body `http`: one HTTP call. */
import type { HttpBody } from '../api/action.ts'
import { headerRefusal } from '../core/http-body.ts'
import { renderBody, renderHeader, renderUrl } from '../core/render.ts'
import { parseRetryAfter } from '../core/retry.ts'
import { contentOf, isExpected, wordsOf } from './answer.ts'
import type { Call, CallAnswer } from './ports.ts'
import { requestText } from './request-text.ts'
import type { Attempt, Context, FailedAttempt, Prepared, Runner } from './runners.ts'
import { cut, harmless } from './words.ts'

const longestShownUrl = 500

/** Performs the body `http`. */
export const http: Runner<'http'> = {
  acts: false,
  secrets: ({ headers = [] }) =>
    headers.flatMap(({ valueFrom }) => (valueFrom === undefined ? [] : [valueFrom.secretKeyRef])),
  prepare,
}

type Problem = { readonly problem: string; readonly cause: 'template' | 'secret' }
type Unsignalled = Omit<Call, 'signal'>

function prepare(body: HttpBody, context: Context): { readonly ok: Prepared } | Problem {
  const built = callOf(body, context)
  if ('problem' in built) return built
  const { call } = built
  const what = `${call.method} ${harmless(cut(context.mask(call.url), longestShownUrl))}`
  const request = requestText({ ...call, line: `${call.method} ${call.url}` }, context.mask)
  const attempt = async (signal: AbortSignal): Promise<Attempt> => {
    const startedAt = context.ports.clock.now()
    const answer = await context.ports.send({ ...call, signal })
    if (!('ok' in answer)) return unanswered(answer, what)
    const durationMs = context.ports.clock.now() - startedAt
    return judged({ ...answer.ok, durationMs }, { body, what, context })
  }
  return { ok: { request, what, attempt } }
}

function callOf(body: HttpBody, context: Context): { readonly call: Unsignalled } | Problem {
  const url = renderUrl(body.url, context.evaluate)
  if ('problem' in url) return { problem: `spec.http.url: ${url.problem}`, cause: 'template' }
  const content = renderBody(body.body, context.evaluate)
  if ('problem' in content) return { problem: `spec.http.body: ${content.problem}`, cause: 'template' }
  const given = givenHeaders(body, context)
  if ('problem' in given) return given
  const { headers, secretHeaders } = given
  const text =
    content.ok === undefined || typeof content.ok === 'string' ? content.ok : JSON.stringify(content.ok)
  return {
    call: {
      method: body.method,
      url: url.ok,
      headers: [...headers, ...ourHeaders(content.ok, headers, context)],
      secretHeaders,
      ...(text === undefined ? {} : { body: text }),
      ...(body.caBundle === undefined ? {} : { ca: body.caBundle }),
      maxRedirects: body.followRedirects,
    },
  }
}

type Given = {
  readonly headers: readonly (readonly [string, string])[]
  readonly secretHeaders: readonly string[]
}

function givenHeaders({ headers = [] }: HttpBody, context: Context): Given | Problem {
  const done: [string, string][] = []
  const secretHeaders: string[] = []
  for (const { name, value = '', valueFrom } of headers) {
    const cause = valueFrom === undefined ? 'template' : 'secret'
    const refusal = headerRefusal(name)
    if (refusal !== undefined) return { problem: `header ${name} must ${refusal}`, cause: 'template' }
    const rendered =
      valueFrom === undefined
        ? renderHeader(value, context.evaluate)
        : secretValue(context.secret(valueFrom.secretKeyRef))
    if ('problem' in rendered) return { problem: `header ${name}: ${rendered.problem}`, cause }
    if (valueFrom !== undefined) secretHeaders.push(name)
    done.push([name, rendered.ok])
  }
  return { headers: done, secretHeaders }
}

/** `kubectl create secret --from-file` keeps the line break at the end of a file: that one is taken off. */
function secretValue(secret: string): { readonly ok: string } | { readonly problem: string } {
  const value = secret.replace(/\r?\n$/, '')
  // Said without the character: it is a piece of the secret.
  return /[^\t\x20-\x7e\x80-\xff]/.test(value)
    ? {
        problem:
          'the Secret must hold one line of Latin-1 text to be sent in a header. Write it without line breaks',
      }
    : { ok: value }
}

function ourHeaders(
  content: unknown,
  given: Given['headers'],
  { idempotencyKey, traceparent, ports }: Context,
): readonly (readonly [string, string])[] {
  const typed = content === undefined || given.some(([name]) => name.toLowerCase() === 'content-type')
  const type = typeof content === 'string' ? 'text/plain; charset=utf-8' : 'application/json'
  return [
    ...(typed ? [] : [['Content-Type', type] as const]),
    ['Idempotency-Key', idempotencyKey],
    ['traceparent', traceparent],
    ['User-Agent', ports.userAgent],
  ]
}

function unanswered(answer: Exclude<CallAnswer, { readonly ok: unknown }>, what: string): FailedAttempt {
  const message = `${what}: ${answer.message}`
  if ('refused' in answer) return { status: 'failed', cause: 'egress', sent: answer.sent, message }
  const again = answer.failed === 'network' || answer.failed === 'timeout'
  return {
    status: 'failed',
    cause: answer.failed,
    sent: answer.sent,
    message,
    ...(again ? { why: answer.failed } : {}),
  }
}

type Received = Extract<CallAnswer, { readonly ok: unknown }>['ok'] & { readonly durationMs: number }
type Asked = { readonly body: HttpBody; readonly what: string; readonly context: Context }

function judged(answer: Received, { body, what, context }: Asked): Attempt {
  const { status, headers, durationMs } = answer
  const content = contentOf(answer)
  const words = content === undefined ? '(compressed)' : wordsOf(content, context.mask)
  const message = [`${what} answered ${status}`, words].filter((part) => part !== '').join(' ')
  if (isExpected(status, body.expectStatus)) {
    // A compressed answer is a success without a body: an output that needs the body fails and says so.
    const response = {
      status,
      headers,
      durationMs,
      ...(content === undefined ? {} : { body: content.value }),
    }
    return { status: 'done', message, response }
  }
  const retryAfterMs = parseRetryAfter(headers['retry-after'], context.ports.clock.now())
  return {
    status: 'failed',
    cause: 'answer',
    why: String(status),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    sent: true,
    message: `${message}, wanted ${body.expectStatus.join(' or ')}${whereTo(answer, body)}`,
  }
}

function whereTo({ status, headers }: Received, { followRedirects }: HttpBody): string {
  const redirected =
    status >= 300 && status < 400 && headers['location'] !== undefined && followRedirects === 0
  return redirected ? '. Redirects are not followed unless followRedirects says so' : ''
}
