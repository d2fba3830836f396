/** Plain calls to the API server: JSON in and out, a deadline for each, retries only where they are safe. */
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { ActAs, ClusterAccess } from './access.ts'
import { attemptOnce, bodyText, networkError } from './attempt.ts'
import type { AttemptWorld, Method, OnWarnings, Response } from './attempt.ts'
import { KubeError } from './errors.ts'
import { persist } from './persist.ts'
import type { ClientMetrics } from './persist.ts'
import { createTransports } from './transport.ts'

/** What a query may hold; undefined is left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>

/** One call. */
export type Call = {
  readonly method: Method
  readonly path: string
  readonly query?: Query
  /** Sent as JSON. */
  readonly body?: unknown
  readonly contentType?: string
  /** Aborts the call; its reason is what the call throws. */
  readonly signal?: AbortSignal | undefined
  /** For the whole call, retries and waits included. */
  readonly timeoutMs?: number
  readonly maxBytes?: number
  /** True for a POST that changes nothing (a review, a dry run): it is retried as a GET is. */
  readonly safe?: boolean
  /** False: the first failure is thrown. */
  readonly retry?: boolean
  /** Asked right before each attempt is written; false: nothing is sent, and the call fails. */
  readonly isWanted?: (() => boolean) | undefined
  /** Told what the API server warns of, once for each attempt. */
  readonly onWarnings?: OnWarnings | undefined
}

/** A GET whose answer is read while it comes; its `timeoutMs` counts until the headers are there. */
export type StreamCall = Pick<Call, 'path' | 'query' | 'timeoutMs'> & {
  /** Ends the stream, at any time. */
  readonly signal: AbortSignal
  /** False: the first failure is thrown. */
  readonly retry: boolean
}

/** Calls to one API server as one identity. */
export type KubeClient = {
  readonly request: <T>(call: Call) => Promise<T>
  readonly requestText: (call: Call) => Promise<string>
  readonly stream: (call: StreamCall) => Promise<AsyncIterable<Uint8Array>>
  /** The same client as another identity, on the same sockets. */
  readonly as: (actAs: ActAs) => KubeClient
  /** Ends every call and closes the sockets. */
  readonly close: () => Promise<void>
}

/** What a client is made of. */
export type ClientOptions = {
  readonly access: ClusterAccess
  readonly clock: Clock
  readonly log: Log
  readonly userAgent: string
  readonly metrics?: ClientMetrics
  /** Told the API server's time with each answer, to the second; not with those to another identity, which may be of an API server behind it. */
  readonly onDate?: (ms: number) => void
}

const usualTimeoutMs = 10_000
// One object is at most 3 MiB; a page of 500 that are usual in size is a few MiB.
const usualMaxBytes = 64 * 1024 * 1024

type Shell = {
  readonly clock: Clock
  readonly metrics: ClientMetrics | undefined
  readonly world: AttemptWorld
}

/** Connects to an API server; nothing is sent before the first call. */
export function createKubeClient(options: ClientOptions): KubeClient {
  const { access, clock, log, userAgent, metrics, onDate } = options
  for (const warning of access.warnings) log.warn({ server: access.server }, warning)
  const transports = createTransports(access)
  return clientOf({ clock, metrics, world: { access, transports, userAgent, onDate } })
}

function clientOf(shell: Shell): KubeClient {
  const { world } = shell
  const requestText = (call: Call) => textOf(shell, call)
  return {
    requestText,
    // The one cast of an answer: the caller says what the path gives, or parses it.
    request: async <T>(call: Call) => jsonIn(await requestText(call), call) as T,
    stream: (call) => openStream(shell, call),
    as: (actAs) =>
      clientOf({ ...shell, world: { ...world, access: { ...world.access, actAs }, onDate: undefined } }),
    close: () => world.transports.close(),
  }
}

async function textOf({ clock, metrics, world }: Shell, call: Call): Promise<string> {
  const body = call.body === undefined ? undefined : JSON.stringify(call.body)
  return persist({
    clock,
    metrics,
    method: call.method,
    name: nameOf(call),
    timeoutMs: call.timeoutMs ?? usualTimeoutMs,
    signal: call.signal,
    safe: call.safe ?? call.method === 'GET',
    retry: call.retry ?? true,
    send: async (signal, fresh) => {
      const { method, isWanted, onWarnings } = call
      const path = withQuery(call)
      const contentType = call.contentType ?? 'application/json'
      const response = await attemptOnce(
        { method, path, body, contentType, signal, stream: false, fresh, isWanted, onWarnings },
        world,
      )
      return wholeBody(response, call, signal)
    },
  })
}

async function wholeBody(response: Response, call: Call, signal: AbortSignal): Promise<string> {
  try {
    return await bodyText(response, { max: call.maxBytes ?? usualMaxBytes, call: nameOf(call) })
  } catch (cause) {
    if (signal.aborted || cause instanceof KubeError) throw cause
    throw networkError(cause, nameOf(call))
  }
}

async function openStream(
  { clock, metrics, world }: Shell,
  call: StreamCall,
): Promise<AsyncIterable<Uint8Array>> {
  const name = nameOf({ ...call, method: 'GET' })
  const response = await persist({
    clock,
    metrics,
    method: 'GET',
    name,
    timeoutMs: call.timeoutMs ?? usualTimeoutMs,
    signal: call.signal,
    safe: true,
    retry: call.retry,
    send: (signal, fresh) =>
      attemptOnce(
        { method: 'GET', path: withQuery(call), contentType: '', signal, stream: true, fresh },
        world,
      ),
  })
  return chunksOf(response, name, call.signal)
}

async function* chunksOf(response: Response, name: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response.body) yield chunk as Uint8Array // As in bodyText: always Buffers.
  } catch (cause) {
    if (signal.aborted) throw signal.reason
    throw networkError(cause, name)
  }
}

function nameOf(call: Pick<Call, 'method' | 'path'>): string {
  return `${call.method} ${call.path}`
}

function withQuery(call: Pick<Call, 'path' | 'query'>): string {
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(call.query ?? {}))
    if (value !== undefined) query.set(key, String(value))
  return query.size === 0 ? call.path : `${call.path}?${query.toString()}`
}

function jsonIn(text: string, call: Call): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new KubeError(
      'BAD_ANSWER',
      `${nameOf(call)} must answer with JSON, got ${JSON.stringify(text.slice(0, 100))}`,
      { cause },
    )
  }
}
