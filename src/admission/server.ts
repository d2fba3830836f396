/** The webhook server: HTTPS, HTTP/1.1 only, one route per endpoint. It answers whatever comes, and never with 429 or 503. */
import { once } from 'node:events'
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { createServer, type Server, type ServerOptions } from 'node:https'
import type { Socket } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Clock } from '../clock.ts'
import { withoutSchemas } from '../lean/fastify.ts'
import type { Log } from '../log.ts'
import { askedOf, isAccepted } from './asked.ts'
import { Call } from './call.ts'
import { watchConnections, type Connections } from './connections.ts'
import { drain } from './drain.ts'
import { buildFence, type Explain, type Fence } from './fence.ts'
import { bodyReader, type ReadBody } from './parser.ts'
import { defaultLimits, type Endpoint, type ServerLimits, type ServerTls } from './ports.ts'
import { decode, encodeFailure, undecodable, type Failure } from './review.ts'
import { timeoutOf } from './timeout.ts'

/** What the webhook server is made of. */
export type AdmissionOptions = {
  readonly handlers: readonly Endpoint[]
  readonly log: Log
  readonly clock: Clock
  /** The first path segments that are accepted: the current random one, and the former while it turns. */
  readonly pathPrefix: () => readonly string[]
  readonly explain?: Explain
  readonly limits?: Partial<ServerLimits>
  /** Demand a client certificate by the `clientCa` of `listen` and `setTls`. */
  readonly mutualTls?: boolean
}

/** A webhook server that can be listened with, given new certificates, and drained. */
export type AdmissionServer = {
  readonly listen: (at: {
    readonly host: string
    readonly port: number
    readonly tls: ServerTls
  }) => Promise<{ readonly port: number }>
  /** Shows another certificate from the next connection on. Throws, and changes nothing, if the pair is unusable. */
  readonly setTls: (tls: ServerTls) => void
  /** Drains: answers what is and still comes in, then stops; bounded by drainMs and graceMs. */
  readonly close: () => Promise<void>
  /** What answers a request, for tests that ask without a socket. */
  readonly answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>
  readonly connections: () => number
}

type Parts = {
  readonly options: AdmissionOptions
  readonly limits: ServerLimits
  readonly read: ReadBody
  readonly fence: Fence
  readonly state: { draining: boolean }
}

/** Builds the server; nothing listens yet. */
export function buildAdmission(options: AdmissionOptions): AdmissionServer {
  const limits = { ...defaultLimits, ...options.limits }
  const parts: Parts = {
    options,
    limits,
    read: bodyReader(limits),
    fence: buildFence(options.log, options.explain),
    state: { draining: false },
  }
  // Without a router, whose ways cost as much as a decision: what is no question of an API server is fastify's.
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    try {
      const asked = askedOf(request, options)
      if (asked === undefined) return app.routing(request, response)
      const call = begin({ request, response }, asked.timeoutMs, { parts, connections })
      void respond(asked.endpoint, { request, response, call }, parts)
    } catch (err) {
      fail(response, { err, method: request.method }, parts)
    }
  }
  const app = Fastify<Server>({
    ...withoutSchemas,
    serverFactory: () => createServer(serverOptions(options.mutualTls === true), answer),
    clientErrorHandler: (error, socket) =>
      refuseBytes(socket, connections.isAsking(socket) ? undefined : error.code),
    frameworkErrors: (_error, _request, reply) => send(reply.hijack().raw, refusalOf(notFound), parts),
    return503OnClosing: false,
    exposeHeadRoutes: false,
  })
  const connections = watchConnections(app.server, limits.connections)
  app.server.on('tlsClientError', (err: Error) =>
    options.log.debug({ err: err.message }, 'a TLS handshake failed'),
  )
  answerOthers(app, parts, connections)
  let closing: Promise<void> | undefined
  return {
    listen: async ({ host, port, tls }) => {
      useTls(app.server, tls, options)
      await app.ready()
      app.server.listen({ host, port })
      await once(app.server, 'listening')
      const address = app.server.address()
      return { port: typeof address === 'object' && address !== null ? address.port : port }
    },
    setTls: (tls) => useTls(app.server, tls, options),
    close: () => (closing ??= drain({ ...parts, app, connections, clock: options.clock })),
    answer: async (request, response) => {
      await app.ready()
      answer(request, response)
    },
    connections: connections.count,
  }
}

function serverOptions(mutualTls: boolean): ServerOptions {
  return {
    // kube-apiserver calls a webhook on localhost over HTTP/2 if it is offered; Node's costs a quarter of the throughput.
    ALPNProtocols: ['http/1.1'],
    minVersion: 'TLSv1.2',
    handshakeTimeout: 10_000,
    requestCert: mutualTls,
    rejectUnauthorized: mutualTls,
    // Go's HTTP client keeps idle connections for 90 s, also ones that it has not used yet: whoever closes first loses requests.
    keepAliveTimeout: 95_000,
    headersTimeout: 100_000,
    // Not less than headersTimeout, says Node. A slow body is ended by the deadline of its call, after 30 s at most.
    requestTimeout: 135_000,
  }
}

function useTls(server: Server, { key, cert, clientCa }: ServerTls, { mutualTls }: AdmissionOptions): void {
  // Without an own CA Node would trust every certificate of the public ones.
  if (mutualTls === true && clientCa === undefined)
    throw new TypeError('mutual TLS needs the CA of the clients, got none')
  server.setSecureContext({
    key,
    cert,
    minVersion: 'TLSv1.2',
    ...(clientCa === undefined ? {} : { ca: clientCa }),
  })
}

type Beginning = { readonly parts: Parts; readonly connections: Connections; readonly known?: boolean }

/** The life of a request begins. `known`: it knew the path. */
function begin(
  raw: { readonly request: IncomingMessage; readonly response: ServerResponse },
  timeoutMs: number,
  { parts, connections, known = true }: Beginning,
): Call {
  const { socket } = raw.request
  const over = () => connections.answered(socket, known)
  const call = new Call(raw, timeoutMs, { clock: parts.options.clock, over })
  connections.asking(socket)
  return call
}

/** What is no question is answered before its body is read: who does not know a path gets nothing done. */
function answerOthers(app: FastifyInstance<Server>, parts: Parts, connections: Connections): void {
  const { pathPrefix, handlers } = parts.options
  app.addHook('onRequest', (request, reply) => {
    const { prefix = '' } = request.params as { readonly prefix?: string }
    const known = !request.is404 && isAccepted(prefix, pathPrefix())
    begin({ request: request.raw, response: reply.raw }, timeoutOf(''), { parts, connections, known })
    const refusal = known ? refusalOf(wrongMethod, { allow: 'POST' }) : refusalOf(notFound)
    send(reply.hijack().raw, refusal, parts)
  })
  app.setErrorHandler((err, request, reply) =>
    fail(reply.hijack().raw, { err, method: request.method }, parts),
  )
  for (const { path } of handlers)
    app.route({
      method: ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      url: `/:prefix${path}`,
      handler: () => Promise.reject(new TypeError('a request got past its answer')),
    })
}

type Exchange = {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly call: Call
}

/** Never rejects. */
async function respond(
  endpoint: Endpoint,
  { request, response, call }: Exchange,
  parts: Parts,
): Promise<void> {
  try {
    const body = await parts.read(request, call)
    try {
      if ('failure' in body) return refuseAndLog(response, body.failure, parts)
      const decoded = decode(body.ok, call)
      if ('problems' in decoded) return refuseAndLog(response, undecodable(decoded.problems), parts)
      const text = await parts.fence.ask(endpoint, decoded.ok, call)
      send(response, { code: 200, text }, parts)
    } finally {
      body.release()
    }
  } catch (err) {
    fail(response, { err, method: request.method }, parts)
  }
}

function fail(
  response: ServerResponse,
  what: { readonly err: unknown; readonly method: string | undefined },
  parts: Parts,
): void {
  parts.options.log.error(what, 'the webhook server failed on a request')
  send(response, refusalOf({ code: 500, message: 'internal error in tidewaiter, see its log' }), parts)
}

function refuseAndLog(response: ServerResponse, failure: Failure, parts: Parts): void {
  const { code, message: reason } = failure
  parts.options.log.warn({ code, reason }, 'refused a malformed admission request')
  // Nothing more will come that could be read.
  send(response, refusalOf(failure, code === 408 ? { connection: 'close' } : {}), parts)
}

/** An HTTP answer: JSON. */
type Reply = { readonly code: number; readonly text: string; readonly headers?: OutgoingHttpHeaders }

const refusalOf = (failure: Failure, headers: OutgoingHttpHeaders = {}): Reply => ({
  code: failure.code,
  text: encodeFailure(failure),
  headers,
})

function send(
  response: ServerResponse,
  { code, text, headers }: Reply,
  { state }: Pick<Parts, 'state'>,
): void {
  if (response.headersSent || response.destroyed) return
  const told: OutgoingHttpHeaders = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  }
  if (headers !== undefined) Object.assign(told, headers)
  if (state.draining) told['connection'] = 'close'
  response.writeHead(code, told)
  response.end(text)
}

const notFound: Failure = { code: 404, message: 'not found' }
const wrongMethod: Failure = { code: 405, message: 'a webhook is called with POST' }

/** For bytes that are no HTTP/1.1; no word if an answer is on its way, which it would be mixed up with. */
function refuseBytes(socket: Socket, code: string | undefined): void {
  if (code === undefined || code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const status = code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request'
  socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  socket.destroySoon()
}
