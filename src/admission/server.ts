/** The webhook server: HTTPS, HTTP/1.1 only, one route per endpoint. It answers whatever comes, and never with 429 or 503. */
import { timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer, type Server, type ServerOptions } from 'node:https'
import type { Socket } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { beginCall, type Call } from './call.ts'
import { watchConnections, type Connections } from './connections.ts'
import { drain } from './drain.ts'
import { buildFence, type Explain, type Fence } from './fence.ts'
import { bodyReader, wrongType, type Body } from './parser.ts'
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
  /** Asks without a socket, for tests. */
  readonly inject: FastifyInstance<Server>['inject']
  readonly connections: () => number
}

type Parts = {
  readonly options: AdmissionOptions
  readonly limits: ServerLimits
  readonly fence: Fence
  readonly calls: WeakMap<IncomingMessage, Call>
  readonly state: { draining: boolean }
}

/** Builds the server; nothing listens yet. */
export function buildAdmission(options: AdmissionOptions): AdmissionServer {
  const limits = { ...defaultLimits, ...options.limits }
  const parts: Parts = {
    options,
    limits,
    fence: buildFence(options.log, options.explain),
    calls: new WeakMap(),
    state: { draining: false },
  }
  const app = Fastify<Server>({
    serverFactory: (handler) => createServer(serverOptions(options.mutualTls === true), handler),
    clientErrorHandler: (error, socket) =>
      refuseBytes(socket, connections.isAsking(socket) ? undefined : error.code),
    frameworkErrors: (_error, _request, reply) => void refuse(reply, notFound),
    return503OnClosing: false,
    exposeHeadRoutes: false,
  })
  const connections = watchConnections(app.server, limits.connections)
  app.server.on('tlsClientError', (err: Error) =>
    options.log.debug({ err: err.message }, 'a TLS handshake failed'),
  )
  addHooks(app, parts, connections)
  addRoutes(app, parts)
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
    inject: app.inject.bind(app),
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

function addHooks(app: FastifyInstance<Server>, parts: Parts, connections: Connections): void {
  const { options, calls, state } = parts
  app.addHook('onRequest', async (request, reply) => {
    const { raw } = request
    calls.set(
      raw,
      beginCall({ request: raw, response: reply.raw }, timeoutOf(queryOf(request)), options.clock),
    )
    const known = !request.is404 && isAccepted(request, options.pathPrefix())
    connections.asking(raw.socket)
    reply.raw.once('close', () => connections.answered(raw.socket, known))
    // Before the body is read: who does not know the path gets nothing done.
    return known ? undefined : refuse(reply, notFound)
  })
  app.addHook('onSend', async (_request, reply) => {
    if (state.draining) reply.header('connection', 'close')
  })
  app.setErrorHandler((err, request, reply) => {
    // Fastify's own words for a content type that cannot be read.
    if (err instanceof Error && 'statusCode' in err && err.statusCode === 415) {
      request.raw.resume()
      return refuseAndLog(reply, wrongType(request.headers['content-type']), parts)
    }
    options.log.error({ err, method: request.method }, 'the webhook server failed on a request')
    return refuse(reply, { code: 500, message: 'internal error in tidewaiter, see its log' })
  })
}

function addRoutes(app: FastifyInstance<Server>, parts: Parts): void {
  const { limits, calls } = parts
  const read = bodyReader(limits)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', async (request: FastifyRequest) =>
    read(request.raw, callOf(calls, request).signal),
  )
  for (const endpoint of parts.options.handlers) {
    const url = `/:prefix${endpoint.path}`
    app.post<{ Body: Body | undefined }>(url, async (request, reply) =>
      answer(endpoint, { request, reply }, parts),
    )
    app.route({
      method: ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      url,
      // Before a body is read.
      preParsing: async (_request, reply) => refuse(reply.header('allow', 'POST'), wrongMethod),
      handler: async (_request, reply) => refuse(reply, wrongMethod),
    })
  }
}

type Exchange = { readonly request: FastifyRequest<{ Body: Body | undefined }>; readonly reply: FastifyReply }

async function answer(endpoint: Endpoint, { request, reply }: Exchange, parts: Parts): Promise<FastifyReply> {
  const { receivedAt, timeoutMs, signal } = callOf(parts.calls, request)
  const body = request.body ?? {
    failure: { code: 400, message: 'the body must be JSON: it is empty' } as const,
    release: () => {},
  }
  try {
    if ('failure' in body) return refuseAndLog(reply, body.failure, parts)
    const decoded = decode(body.ok, { receivedAt, timeoutMs, signal })
    if ('problems' in decoded) return refuseAndLog(reply, undecodable(decoded.problems), parts)
    return reply.header('content-type', 'application/json').send(await parts.fence.ask(endpoint, decoded.ok))
  } finally {
    body.release()
  }
}

function refuseAndLog(reply: FastifyReply, failure: Failure, { options }: Parts): FastifyReply {
  options.log.warn({ code: failure.code, reason: failure.message }, 'refused a malformed admission request')
  // Nothing more will come that could be read.
  if (failure.code === 408) reply.header('connection', 'close')
  return refuse(reply, failure)
}

const refuse = (reply: FastifyReply, failure: Failure): FastifyReply =>
  reply.code(failure.code).header('content-type', 'application/json').send(encodeFailure(failure))

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

function isAccepted(request: FastifyRequest, prefixes: readonly string[]): boolean {
  const { prefix } = request.params as { readonly prefix?: string }
  const got = Buffer.from(prefix ?? '')
  return prefixes.some(
    (wanted) => wanted !== '' && wanted.length === got.length && timingSafeEqual(got, Buffer.from(wanted)),
  )
}

const queryOf = (request: FastifyRequest): unknown =>
  (request.query as { readonly timeout?: unknown }).timeout

function callOf(calls: Parts['calls'], request: FastifyRequest): Call {
  const call = calls.get(request.raw)
  if (call === undefined) throw new TypeError('a request was routed before its onRequest hook')
  return call
}
