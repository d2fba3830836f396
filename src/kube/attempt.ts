/** One HTTP request to the API server, without retries: headers out, status in, every failure a KubeError. */
import type { Dispatcher } from '../lean/undici.ts'
import { unlessAborted } from '../until.ts'
import type { ActAs, ClusterAccess, Credentials } from './access.ts'
import { errorFromAnswer, KubeError } from './errors.ts'
import type { Transports } from './transport.ts'
import { whileWanted } from './wanted.ts'
import { warningsIn } from './warnings.ts'

/** The methods that the API server knows. */
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** One request. */
export type Attempt = {
  readonly method: Method
  /** Begins with a slash; what came from outside in it is percent-encoded. */
  readonly path: string
  readonly body?: string | undefined
  readonly contentType: string
  readonly signal: AbortSignal
  readonly stream: boolean
  readonly fresh: boolean
  /** Asked right before the request is written; false: nothing is sent, and it fails. */
  readonly isWanted?: (() => boolean) | undefined
  /** Told what the API server warns of, also where it refuses. */
  readonly onWarnings?: OnWarnings | undefined
}

/** Takes the warnings of one answer, at least one. */
export type OnWarnings = (warnings: readonly string[]) => void

/** What an attempt needs besides itself. */
export type AttemptWorld = {
  readonly access: ClusterAccess
  readonly transports: Transports
  readonly userAgent: string
  /** Told the API server's time with each answer. */
  readonly onDate?: ((ms: number) => void) | undefined
}

/** A response with a status below 300, its body not read yet. */
export type Response = Dispatcher.ResponseData

// The longest error message is 32 KiB, its causes another 64 times 4 KiB at most that we look at.
const largestError = 1024 * 1024

/** Sends a request; a status of 300 or more is a KubeError. Redirects are not followed: they would take our credentials along. */
export async function attemptOnce(attempt: Attempt, world: AttemptWorld): Promise<Response> {
  const call = `${attempt.method} ${attempt.path.split('?')[0]}`
  const credentials = await credentialsFor(attempt, world, call)
  const request = async () => {
    const { calls, streams } = world.transports.with(credentials)
    const pool = attempt.stream ? streams : calls
    return (attempt.isWanted === undefined ? pool : whileWanted(pool, attempt.isWanted)).request({
      method: attempt.method,
      path: `${basePath(world.access.server)}${attempt.path}`,
      headers: headersOf(attempt, credentials, world),
      body: attempt.body ?? null,
      signal: attempt.signal,
    })
  }
  // undici heeds the signal of a request only once its connection stands or has failed, which takes up to 10 s.
  const response = await sent(attempt, call, () => unlessAborted(attempt.signal, request()))
  noteDate(response, world)
  const warnings = warningsIn(response.headers['warning'])
  if (warnings.length > 0) attempt.onWarnings?.(warnings)
  if (response.statusCode < 300) return response
  const text = await bodyText(response, { max: largestError, call, cut: true })
  const retryAfter = response.headers['retry-after']
  throw errorFromAnswer(
    { status: response.statusCode, text, retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter },
    call,
  )
}

/** RFC 9110 6.6.1; to the second. */
function noteDate({ headers: { date } }: Response, { onDate }: AttemptWorld): void {
  const ms = typeof date === 'string' ? Date.parse(date) : Number.NaN
  if (!Number.isNaN(ms)) onDate?.(ms)
}

async function credentialsFor(attempt: Attempt, world: AttemptWorld, call: string): Promise<Credentials> {
  try {
    return await unlessAborted(attempt.signal, world.access.auth(attempt.fresh))
  } catch (cause) {
    if (attempt.signal.aborted) throw cause
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new KubeError('UNAUTHORIZED', `${call} needs credentials, got none: ${why}`, { sent: false, cause })
  }
}

function basePath(server: string): string {
  return new URL(server).pathname.replace(/\/+$/, '')
}

// Before these, no byte of the request had left.
const neverSent: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_INVALID_ARG',
])

/** Makes what undici throws into a KubeError, except when the caller's own signal aborted. */
async function sent<T>(
  attempt: { readonly signal: AbortSignal },
  call: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (attempt.signal.aborted) throw cause
    throw networkError(cause, call)
  }
}

/** The KubeError for a socket or TLS that failed. */
export function networkError(cause: unknown, call: string): KubeError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  const why = cause instanceof Error ? cause.message || String(code) : String(cause)
  return new KubeError('NETWORK', `${call} got no answer: ${why}`, { sent: !neverSent.has(code), cause })
}

function headersOf(attempt: Attempt, credentials: Credentials, { access, userAgent }: AttemptWorld) {
  return {
    accept: 'application/json, */*;q=0.5', // The rest for logs and health pages.
    'user-agent': userAgent,
    ...(attempt.body === undefined ? {} : { 'content-type': attempt.contentType }),
    ...(credentials.authorization === undefined ? {} : { authorization: credentials.authorization }),
    ...(access.actAs === undefined ? {} : actAsHeaders(access.actAs)),
  }
}

/** The headers by which the API server takes us for another: kubernetes.io/docs/reference/access-authn-authz/authentication. */
function actAsHeaders(actAs: ActAs): Record<string, string | string[]> {
  const extra = Object.entries(actAs.extra ?? {}).map(
    ([key, values]) => [`impersonate-extra-${encodeURIComponent(key.toLowerCase())}`, [...values]] as const,
  )
  return {
    'impersonate-user': actAs.user,
    ...(actAs.groups === undefined || actAs.groups.length === 0
      ? {}
      : { 'impersonate-group': [...actAs.groups] }),
    ...(actAs.uid === undefined ? {} : { 'impersonate-uid': actAs.uid }),
    ...Object.fromEntries(extra),
  }
}

/** How much of a body is read, and whether more is an error or left out. */
export type BodyLimit = { readonly max: number; readonly call: string; readonly cut?: boolean }

/** Reads a body up to a limit. */
export async function bodyText(response: Response, { max, call, cut = false }: BodyLimit): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response.body) {
    // undici's bodies give Buffers unless an encoding is set, which nobody does.
    chunks.push(chunk as Buffer)
    size += (chunk as Buffer).length
    if (size > max) {
      if (cut) break
      throw new KubeError(
        'TOO_LARGE',
        `${call} must answer at most ${max} bytes, got more; ask for less at a time`,
        {
          status: response.statusCode,
        },
      )
    }
  }
  return Buffer.concat(chunks).toString('utf8')
}
