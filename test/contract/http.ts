/** The thin HTTPS client of the contract suite: one request, one answer; one watch, its events. */
import { Agent, request as httpsRequest } from 'node:https'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** Anything JSON. The suite looks into answers freely: a wrong shape fails the assertion that looks. */
export type Json = ReturnType<JSON['parse']>

/** Where a server is, and as whom to ask it. */
export type Endpoint = {
  readonly url: string
  readonly ca: string
  readonly token: string
  /** How many times as long as a sandbox it is waited for: 1 unless told. */
  readonly patience?: number
}

/** Whom to impersonate. */
export type Person = {
  readonly user: string
  readonly groups?: readonly string[]
  readonly uid?: string
  readonly extra?: Readonly<Record<string, string>>
}

/** What a request may say besides method and path. */
export type Options = {
  readonly query?: Readonly<Record<string, string | number | boolean>>
  /** An object is sent as JSON, a string as it is. */
  readonly body?: object | string
  readonly contentType?: string
  readonly accept?: string
  readonly as?: Person
  /** Instead of the endpoint's own token; null for none at all. */
  readonly token?: string | null
  readonly headers?: Readonly<Record<string, string>>
  /** How long a server may be silent, if longer than usual. */
  readonly silentMs?: number
}

/** What a server answered. */
export type Answer = {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The texts of the Warning headers. */
  readonly warnings: readonly string[]
  readonly text: string
  /** The parsed body, if it is JSON; else undefined. */
  readonly body: Json
}

// No case asks for something that takes longer than 6 s.
const longestAnswerMs = 12_000

function headersOf(endpoint: Endpoint, options: Options): Record<string, string | string[]> {
  const token = options.token === undefined ? endpoint.token : options.token
  const as = options.as
  const extra = Object.entries(as?.extra ?? {}).map(([key, value]) => [`impersonate-extra-${key}`, value])
  return {
    accept: options.accept ?? 'application/json',
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    ...(options.body === undefined ? {} : { 'content-type': options.contentType ?? 'application/json' }),
    ...(as === undefined ? {} : { 'impersonate-user': as.user }),
    ...(as?.groups === undefined ? {} : { 'impersonate-group': [...as.groups] }),
    ...(as?.uid === undefined ? {} : { 'impersonate-uid': as.uid }),
    ...Object.fromEntries(extra),
    ...options.headers,
  }
}

/** A path with the query added to the one it may already have. */
export function withQuery(path: string, query: Options['query'] = {}): string {
  const pairs = Object.entries(query).map(([key, value]): [string, string] => [key, String(value)])
  const more = new URLSearchParams(pairs).toString()
  return more === '' ? path : `${path}${path.includes('?') ? '&' : '?'}${more}`
}

/** What a request is sent with. */
export type Wire = { readonly endpoint: Endpoint; readonly agent: Agent }

/** Sends a request and gives the response as soon as its head is there. */
export async function begin(
  { endpoint, agent }: Wire,
  [method, path]: readonly [method: string, path: string],
  options: Options & { readonly signal?: AbortSignal },
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const { body, signal } = options
  const sent = typeof body === 'object' ? JSON.stringify(body) : body
  // Without a length node leaves the body of a DELETE unframed, and the server never sees it.
  const length = sent === undefined ? {} : { 'content-length': String(Buffer.byteLength(sent)) }
  const outgoing = httpsRequest(
    new URL(endpoint.url + withQuery(path, options.query)),
    {
      method,
      agent,
      ca: endpoint.ca,
      headers: { ...headersOf(endpoint, options), ...length },
      ...(signal ? { signal } : {}),
    },
    resolve,
  )
  // A server may close an idle connection at the moment that it is used again: then the request was not heard.
  outgoing.on('error', (error: NodeJS.ErrnoException) => {
    if (!outgoing.reusedSocket || error.code !== 'ECONNRESET') return reject(error)
    resolve(begin({ endpoint, agent: new Agent() }, [method, path], options))
  })
  outgoing.setTimeout((options.silentMs ?? longestAnswerMs) * (endpoint.patience ?? 1), () =>
    outgoing.destroy(new Error(`${method} ${path}: no answer in time`)),
  )
  outgoing.end(sent)
  return promise
}

// A quoted string of RFC 9110: `299 - "text"`, several of them joined by commas.
const warningText = /\b299 \S+ "((?:[^"\\]|\\.)*)"/g

/** The texts in Warning headers. */
export const warningsOf = (headers: IncomingHttpHeaders): readonly string[] =>
  [...(headers['warning'] ?? '').matchAll(warningText)].map((found) =>
    (found[1] ?? '').replaceAll(/\\(.)/g, '$1'),
  )

const textOf = async (incoming: IncomingMessage): Promise<string> =>
  (await incoming.setEncoding('utf8').toArray()).join('')

/** Says which answer broke off: alone, node's error says "aborted" and nothing else. */
export function brokeOff(
  { endpoint }: Wire,
  [method, path]: readonly [string, string],
  cause: unknown,
): never {
  throw new Error(`${method} ${endpoint.url}${path}: the answer broke off: ${String(cause)}`, { cause })
}

/** Sends a request and reads the whole answer. */
export async function exchange(
  wire: Wire,
  call: readonly [method: string, path: string],
  options: Options = {},
): Promise<Answer> {
  const incoming = await begin(wire, call, options)
  const text = await textOf(incoming).catch((cause: unknown) => brokeOff(wire, call, cause))
  // The index of OpenAPI v3 is JSON under text/plain.
  const isJson = text.startsWith('{')
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    warnings: warningsOf(incoming.headers),
    text,
    body: isJson ? JSON.parse(text) : undefined,
  }
}
