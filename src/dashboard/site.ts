/** What the routes share: ports, sessions, events, assets, and how an answer is given. */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Assets } from './assets.ts'
import type { DashboardPorts, Known } from './ports.ts'
import type { Piece } from './pages/html.ts'
import { framed, type Frame, type Page } from './pages/layout.ts'
import { banner } from './pages/parts.ts'
import { forbiddenPage, problemPage } from './pages/problem.ts'
import { staleMs } from './pages/system.ts'
import { nextOf, urlOf } from './query.ts'
import type { View, Visitor } from './rights.ts'
import type { Sessions } from './sessions.ts'
import type { Stream } from './stream.ts'
import { themeIn } from './theme.ts'
import type { Who } from './who.ts'
import { lasting } from './words.ts'

/** What the routes share. */
export type Site = {
  readonly ports: DashboardPorts
  readonly assets: Assets
  readonly who: Who
  readonly sessions: Sessions
  readonly stream: Stream
}

/** One request of somebody who is known. */
export type Visit = {
  readonly visitor: Visitor
  readonly search: URLSearchParams
  readonly params: Readonly<Record<string, string>>
  readonly request: FastifyRequest
  readonly now: number
}

/** What a route answers. */
export type Answer =
  | { readonly page: Page; readonly status?: number }
  | { readonly json: unknown }
  | { readonly problem: Problem }
  /** The route has answered by itself. */
  | { readonly sent: true }

/** What went wrong, for people and for programs (RFC 9457). */
export type Problem = {
  readonly status: number
  readonly title: string
  readonly detail: string
  readonly reason: string
}

/** A route for those who are known. */
export const forVisitors =
  (site: Site, answer: (visit: Visit, reply: FastifyReply) => Promise<Answer>) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const visitor = await visitorOf(site, request)
    if (visitor === undefined) return signInFirst(site, request, reply)
    const params = request.params as Readonly<Record<string, string>>
    const visit = { visitor, search: searchOf(request), params, request, now: site.ports.clock.now() }
    const given = await answer(visit, reply)
    if ('sent' in given) return reply
    if ('json' in given) return reply.type('application/json; charset=utf-8').send(JSON.stringify(given.json))
    if ('problem' in given) return sendProblem(site, { request, reply, visitor }, given.problem)
    return sendPage(site, { request, reply, visitor }, given)
  }

/** No answer of the API server is no sign-in, and is said as such. */
async function visitorOf({ who, ports }: Site, request: FastifyRequest): Promise<Visitor | undefined> {
  try {
    return await who(request.headers)
  } catch (cause) {
    ports.log.warn({ err: cause }, 'the API server could not be asked who somebody is')
    throw Object.assign(
      new Error('The API server could not be asked who you are. Try again in a moment.', { cause }),
      {
        statusCode: 503,
      },
    )
  }
}

/** The query of a request. */
export const searchOf = ({ url }: FastifyRequest): URLSearchParams =>
  new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?') + 1) : '')

/** Programs get JSON; what is below /api is for them. */
const isForPrograms = ({ url }: FastifyRequest): boolean => url.startsWith('/api/')

async function signInFirst(site: Site, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  if (!isForPrograms(request)) return reply.redirect(urlOf('/login', { next: nextOf(request.url) }), 303)
  const { audience } = site.ports
  return sendProblem(
    site,
    { request, reply },
    {
      status: 401,
      title: 'Sign in first',
      detail: `A token for the audience ${audience} must come as "Authorization: Bearer", or a session in a cookie; got neither, or one that is not good any more.`,
      reason: 'Unauthorized',
    },
  )
}

/** Where an answer goes. */
export type Way = {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly visitor?: Visitor
}

/** Says what went wrong, in the form that the one who asked can read. */
export async function sendProblem(site: Site, way: Way, problem: Problem): Promise<FastifyReply> {
  const { status, title, detail, reason } = problem
  if (!isForPrograms(way.request)) return sendPage(site, way, { page: problemPage(title, detail), status })
  const body = JSON.stringify({ type: 'about:blank', title, status, detail, reason })
  return way.reply.code(status).type('application/problem+json').send(body)
}

const smallest = 1024
const packed = promisify(gzip)

/** Sends a page, packed where the browser can take it. */
export async function sendPage(
  { ports, assets }: Site,
  { request, reply, visitor }: Way,
  { page, status = 200 }: { readonly page: Page; readonly status?: number },
): Promise<FastifyReply> {
  const text = framed(frameOf({ ports, assets }, request, visitor), page)
  reply.code(status).type('text/html; charset=utf-8')
  const takesGzip = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')
  if (!takesGzip || text.length < smallest) return reply.send(text)
  return reply.header('content-encoding', 'gzip').send(await packed(text))
}

const frameOf = (
  { ports, assets }: Pick<Site, 'ports' | 'assets'>,
  { url, method, headers }: FastifyRequest,
  visitor: Visitor | undefined,
): Frame => ({
  version: ports.system.version,
  path: url.split('?')[0] ?? '/',
  // What a form was sent to is no page.
  own: method === 'GET' ? url : '/',
  theme: themeIn(headers.cookie),
  name: visitor?.name ?? '',
  hasSession: visitor?.hasSession ?? false,
  hasPlugins: ports.known.some((known) => known.plugins() !== undefined),
  banners: visitor === undefined ? [] : bannersOf(ports),
  assets: assets.version,
})

/** What must be known before the rest is believed. One namespace that cannot be read is told of, and holds up nothing else. */
function bannersOf({ known, progress }: DashboardPorts): readonly Piece[] {
  const { reading, trouble } = progress()
  const names = (some: readonly Known[]) => some.map(({ namespace }) => namespace)
  const unread = names(known.filter((one) => !one.synced() && one.trouble() === undefined))
  const broken = known.filter((one) => !one.synced() && one.trouble() !== undefined)
  const stale = known.filter((one) => one.synced() && one.silentMs() > staleMs)
  const history = reading.filter((name) => !unread.includes(name) && !names(broken).includes(name))
  return [
    busy('what the cluster has', unread),
    busy('the history', history),
    ...broken.map((one) => banner('warn', brokenWords(one))),
    ...stale.map((one) => banner('warn', staleWords(one))),
    trouble === undefined ? undefined : banner('warn', `New decisions cannot be kept: ${trouble.message}`),
  ].filter((one) => one !== undefined)
}

const busy = (what: string, namespaces: readonly string[]): Piece =>
  namespaces.length === 0
    ? undefined
    : banner(
        'busy',
        `Still reading ${what} (${namespaces.join(', ')}): what is missing here may only not have been read yet.`,
      )

const longestTrouble = 300

const troubleOf = ({ trouble }: Known): string => {
  const text = trouble() ?? ''
  return text === '' ? '' : ` ${text.slice(0, longestTrouble)}`
}

const brokenWords = (one: Known): string =>
  `Not everything of namespace ${one.namespace} can be read, and it is tried again: what is missing here may be there.${troubleOf(one)}`

const staleWords = (one: Known): string =>
  `The API server has not been heard of for ${lasting(one.silentMs())}: what is shown of namespace ${one.namespace} may be old.${troubleOf(one)}`

/** The answer to somebody who may see a view nowhere. */
export const forbidden = ({ ports }: Site, { visitor, request }: Visit, view: View): Answer => {
  const namespaces = ports.known.map(({ namespace }) => namespace)
  if (!isForPrograms(request))
    return { page: forbiddenPage(view, { name: visitor.name, namespaces }), status: 403 }
  const detail = `${visitor.name} must be allowed to list ${view} in one of the namespaces ${namespaces.join(', ')}.`
  return { problem: { status: 403, title: 'You may not see this', detail, reason: 'Forbidden' } }
}
