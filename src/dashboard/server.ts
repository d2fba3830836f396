/** The dashboard's server: who may call at all, then the routes. It stands alone: nothing of it is on the path of an admission. */
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import { withoutSchemas } from '../lean/fastify.ts'
import { readAssets } from './assets.ts'
import { headers } from './headers.ts'
import { HistoryError } from './history/store.ts'
import { isOurs, isSameOrigin } from './hosts.ts'
import { createPace } from './pace.ts'
import type { DashboardPorts } from './ports.ts'
import { apiRoutes } from './routes-api.ts'
import { pageRoutes } from './routes-pages.ts'
import { signInRoutes } from './routes-sign-in.ts'
import { createSessions } from './sessions.ts'
import { sendProblem, type Problem, type Site } from './site.ts'
import { createStream, type Change } from './stream.ts'
import { themeRoutes } from './theme.ts'
import { createWho } from './who.ts'

/** A dashboard. */
export type Dashboard = {
  readonly listen: (at: {
    readonly host: string
    readonly port: number
  }) => Promise<{ readonly port: number }>
  /** Tells open pages of a change. */
  readonly tell: (change: Change) => void
  /** Keeps event streams alive until the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>
  readonly close: () => Promise<void>
  /** The server itself, for tests. */
  readonly app: FastifyInstance
}

const longestUrl = 4096
// A person clicks a few times a second, a page asks for its events and three assets; a script may take its time.
const pace = { burst: 200, perSecond: 50 }

/** Builds it; nothing listens yet. */
export function buildDashboard(ports: DashboardPorts): Dashboard {
  const { clock } = ports
  const sessions = createSessions(ports)
  const stream = createStream(clock, ports.newSecret().slice(0, 8))
  const site: Site = { ports, assets: readAssets(), who: createWho(ports, sessions), sessions, stream }
  const app = Fastify({
    ...withoutSchemas,
    bodyLimit: 16 * 1024,
    // A name of an object has up to 253 characters, each up to three times as long in a URL.
    routerOptions: { maxParamLength: 800 },
    requestTimeout: 15_000,
    keepAliveTimeout: 30_000,
    forceCloseConnections: true,
    trustProxy: false,
  })
  guard(app, site)
  assetRoutes(app, site)
  signInRoutes(app, site)
  themeRoutes(app)
  pageRoutes(app, site)
  apiRoutes(app, site)
  return {
    app,
    tell: stream.tell,
    run: stream.run,
    listen: async ({ host, port }) => {
      await app.listen({ host: host === '' ? '::' : host, port })
      const address = app.server.address()
      return { port: typeof address === 'object' && address !== null ? address.port : port }
    },
    close: () => app.close(),
  }
}

/** What holds for every request, and what is said when something goes wrong. */
function guard(app: FastifyInstance, site: Site): void {
  const { clock, log } = site.ports
  const take = createPace(clock, pace)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(headers)
    const seconds = take(request.ip)
    if (seconds > 0) reply.header('retry-after', String(seconds))
    const problem = seconds > 0 ? tooFast : refusalOf(request, site.ports.hosts)
    if (problem !== undefined) return sendProblem(site, { request, reply }, problem)
  })
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      site,
      { request, reply },
      {
        status: 404,
        title: 'There is no such page',
        detail: 'The address leads nowhere; the overview leads everywhere.',
        reason: 'NotFound',
      },
    ),
  )
  app.setErrorHandler((error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
    const status = statusOf(error)
    if (status >= 500) log.warn({ err: error, route: request.routeOptions.url }, 'a page could not be shown')
    if (reply.sent) return
    // What was to be a file is a problem now.
    reply.removeHeader('content-disposition')
    const isOwnFault = status === 500
    return sendProblem(
      site,
      { request, reply },
      {
        status,
        title: isOwnFault ? 'This page could not be shown' : 'This cannot be answered',
        detail: isOwnFault ? 'The fault is ours, and is in the log of the dashboard.' : error.message,
        reason: isOwnFault ? 'InternalError' : status === 503 ? 'ServiceUnavailable' : 'BadRequest',
      },
    )
  })
}

/** A question that cannot be answered is the fault of who asks; a history that does not answer will do so later. */
function statusOf(error: FastifyError): number {
  if (error instanceof HistoryError) return error.code === 'BAD_QUERY' ? 400 : 503
  return error.statusCode ?? 500
}

const tooFast: Problem = {
  status: 429,
  title: 'Too many requests',
  detail: 'Too many requests came from this address. Try again in a few seconds.',
  reason: 'TooManyRequests',
}

/** Why a request is not even looked at. */
function refusalOf(request: FastifyRequest, hosts: readonly string[]): Problem | undefined {
  if (request.url.length > longestUrl)
    return {
      status: 414,
      title: 'The address is too long',
      detail: `An address must have at most ${longestUrl} characters.`,
      reason: 'UriTooLong',
    }
  if (!isOurs(request.headers.host, hosts))
    return {
      status: 421,
      title: 'This is not the name of this dashboard',
      detail:
        'The Host header must be a loopback name or address, or one that --dashboard-host names: open the dashboard by localhost, or add the name.',
      reason: 'MisdirectedRequest',
    }
  if (request.method === 'POST' && !isSameOrigin(request.headers))
    return {
      status: 403,
      title: 'This came from another page',
      detail: 'A form must be sent by a page of this dashboard itself.',
      reason: 'CrossOrigin',
    }
  return undefined
}

function assetRoutes(app: FastifyInstance, site: Site): void {
  app.get<{ Params: { name: string } }>('/assets/:name', (request, reply) => {
    const asset = site.assets.find(request.params.name)
    if (asset === undefined) return reply.callNotFound()
    return reply
      .header('cache-control', 'public, max-age=31536000, immutable')
      .type(asset.type)
      .send(asset.body)
  })
}
