/** HTTP on one side, requests and answers on the other: bodies and times are bounded, whatever a client does. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { authenticate } from '../authn/authenticate.ts'
import { anonymous, type User } from '../authn/users.ts'
import { forbiddenBy } from '../authz/attributes.ts'
import { ApiError, internal, statusOf, timedOut, tooLarge } from '../errors/status.ts'
import { controlFaults, faultsPath } from '../faults/control.ts'
import type { Effect, Faults } from '../faults/faults.ts'
import type { World } from '../world.ts'
import { largestBody } from './body.ts'
import { dispatch } from './dispatch.ts'
import { attributesOf, isTrue, requestInfo, type RequestInfo } from './request-info.ts'
import type { Answer, Request } from './request.ts'
import { timeoutOf } from './request-timeout.ts'
import { sendAnswer, sendStream } from './send.ts'
import { unlessAborted } from './unless-aborted.ts'

/** What a test may see of each request, after it was answered. */
export type Seen = {
  readonly method: string
  readonly url: string
  readonly user: string
  readonly info: RequestInfo
  readonly code: number
  readonly userAgent: string
}

/** What the HTTP side needs. */
export type Rim = { readonly world: World; readonly faults: Faults; readonly onRequest: (seen: Seen) => void }

/** Handles one request from its first byte to its last. */
export async function handle(rim: Rim, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = URL.parse(incoming.url ?? '/', 'https://sandbox') ?? new URL('https://sandbox/')
  const info = requestInfo(incoming.method ?? 'GET', url.pathname, url.searchParams)
  // By the clock of this API server, which is not always that of the machine: clients tell the time by it.
  response.setHeader('date', new Date(rim.world.clock.now()).toUTCString())
  const gone = new AbortController()
  response.once('close', () => gone.abort(new Error('the client went away')))
  let user: User = anonymous
  const warnings: string[] = []
  const respond = (answer: Answer): void => {
    rim.onRequest({
      method: incoming.method ?? '',
      url: incoming.url ?? '',
      user: user.name,
      info,
      code: answer.as === 'stream' ? 200 : answer.code,
      userAgent: incoming.headers['user-agent'] ?? '',
    })
    if (answer.as !== 'stream')
      sendAnswer(response, answer, {
        warnings,
        head: incoming.method === 'HEAD',
        pretty: isPretty(incoming, url),
      })
  }
  try {
    user = authenticate(rim.world, incoming.headers, attributesOf(info))
    const effects = rim.faults.meets({ info, user: user.name })
    if (!(await before(rim, effects, response))) return
    const body = await readBody(incoming)
    const answer = await answered(rim, { incoming, url, info, user, gone: gone.signal, warnings, body })
    if (effects.some((one) => one.kind === 'cut-answer')) {
      response.destroy()
      return
    }
    respond(answer)
    if (answer.as === 'stream')
      sendStream(response, answer, { faults: rim.faults, call: { info, user: user.name }, effects })
  } catch (error) {
    if (gone.signal.aborted) return
    respond(failure(error))
  }
}

// Without being asked the server indents for the tools that people use by hand.
function isPretty({ headers }: IncomingMessage, url: URL): boolean {
  const asked = url.searchParams.get('pretty')
  return asked === null ? /^(curl|Wget|Mozilla\/5\.0)/.test(headers['user-agent'] ?? '') : isTrue(asked)
}

function failure(error: unknown): Answer {
  const known =
    error instanceof ApiError ? error : internal(error instanceof Error ? error.message : String(error))
  return { as: 'json', code: known.code, body: statusOf(known), headers: known.headers }
}

/** Lets faults happen that come before handling; false where the request ends with them. */
async function before(
  { world, faults }: Rim,
  effects: readonly Effect[],
  response: ServerResponse,
): Promise<boolean> {
  for (const effect of effects) {
    if (effect.kind === 'cut') {
      response.destroy()
      return false
    }
    if (effect.kind === 'delay') await new Promise<void>((resolve) => world.clock.after(effect.ms, resolve))
    if (effect.kind === 'freeze') await faults.frozen()
    if (effect.kind === 'answer') throw faultAnswer(effect)
  }
  return true
}

const reasons: Readonly<Record<number, string>> = {
  409: 'Conflict',
  410: 'Expired',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
}

function faultAnswer(effect: Extract<Effect, { kind: 'answer' }>): ApiError {
  const { code, retryAfterSeconds } = effect
  return new ApiError({
    code,
    reason: effect.reason ?? reasons[code] ?? '',
    message: effect.message ?? `the sandbox was asked to answer ${code}`,
    details: retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
    headers: retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) },
  })
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > largestBody) throw tooLarge(largestBody)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

type Arrived = {
  readonly incoming: IncomingMessage
  readonly url: URL
  readonly info: RequestInfo
  readonly user: User
  readonly gone: AbortSignal
  readonly warnings: string[]
  readonly body: Buffer
}

async function answered(
  { world, faults }: Rim,
  { incoming, url, info, user, gone, warnings, body }: Arrived,
): Promise<Answer> {
  authorize(world, user, info)
  const ms = timeoutOf(url.searchParams, info, world.requestTimeoutMs)
  const late = new AbortController()
  const release = world.clock.after(ms, () =>
    late.abort(timedOut('request did not complete within requested timeout - context deadline exceeded')),
  )
  const signal = AbortSignal.any([gone, late.signal])
  const request: Request = {
    method: incoming.method ?? 'GET',
    info,
    query: url.searchParams,
    contentType: incoming.headers['content-type'] ?? '',
    accept: incoming.headers.accept ?? '',
    ifNoneMatch: incoming.headers['if-none-match'] ?? '',
    userAgent: incoming.headers['user-agent'] ?? '',
    user,
    body,
    signal,
    endsAt: world.clock.now() + ms,
    warn: (text) => {
      if (!warnings.includes(text)) warnings.push(text)
    },
  }
  try {
    if (info.path === faultsPath) return controlFaults(faults, request)
    return await unlessAborted(signal, async () => dispatch(world, request))
  } finally {
    release()
  }
}

function authorize(world: World, user: User, info: RequestInfo): void {
  const what = attributesOf(info)
  const answer = world.authorize(user, what)
  if (!answer.allowed) throw forbiddenBy(user, what, answer.reason)
}
