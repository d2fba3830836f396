/** What programs and the script of the pages call: exports, one decision, events. */
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Clock } from '../clock.ts'
import { exportForms, type ExportForm } from './history/store.ts'
import { matcherOf } from './matching.ts'
import { askedIn } from './query.ts'
import { views, type View } from './rights.ts'
import { readOf } from './seen.ts'
import { forbidden, forVisitors, type Answer, type Site, type Visit } from './site.ts'
import type { Change } from './stream.ts'

/** Adds the routes. */
export function apiRoutes(app: FastifyInstance, site: Site): void {
  app.get(
    '/api/v1/decisions/:id',
    forVisitors(site, (visit) => oneDecision(site, visit)),
  )
  const exporting = exporter(site)
  for (const form of exportForms)
    app.get(
      `/api/v1/decisions.${form}`,
      forVisitors(site, (visit, reply) => exporting(form, visit, reply)),
    )
  app.get(
    '/api/v1/stream',
    forVisitors(site, (visit, reply) => events(site, visit, reply)),
  )
}

async function oneDecision(site: Site, visit: Visit): Promise<Answer> {
  const sight = await visit.visitor.sees('decisions')
  if (sight.length === 0) return forbidden(site, visit, 'decisions')
  const record = await site.ports.history.get(sight, visit.params['id'] ?? '')
  if (record !== undefined) return { json: record }
  return {
    problem: {
      status: 404,
      title: 'There is no such decision',
      detail: 'No record has this id.',
      reason: 'NotFound',
    },
  }
}

const types: Readonly<Record<ExportForm, string>> = {
  csv: 'text/csv; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
  json: 'application/json; charset=utf-8',
}

// Each reads as fast as it is taken away: a third would only slow the pages down.
const mostExports = 2
// Who takes nothing for so long is cut off: two who do not read would keep everybody else from an export.
const longestPauseMs = 60_000

/** Exports, so many at a time. */
function exporter({ ports, ...site }: Site) {
  let running = 0
  return async (form: ExportForm, visit: Visit, reply: FastifyReply): Promise<Answer> => {
    const sight = await visit.visitor.sees('decisions')
    if (sight.length === 0) return forbidden({ ports, ...site }, visit, 'decisions')
    const { filter, problems } = askedIn(visit.search, visit.now)
    if (problems.length > 0) return badRequest(problems)
    if (hasGone(reply)) return nobody(reply)
    if (running >= mostExports) return busy
    running += 1
    const gone = new AbortController()
    const { raw } = reply
    raw.once('close', () => {
      running -= 1
      gone.abort()
    })
    const name = `tidewaiter-decisions-${new Date(visit.now).toISOString().slice(0, 16).replaceAll(':', '')}.${form}`
    const query = { sight, filter, form, gapsIn: readOf(ports, sight) }
    const chunks = taken(ports.history.export(query, gone.signal), ports.clock, () => raw.destroy())
    const bytes = Readable.from(chunks)
    void reply.type(types[form]).header('content-disposition', `attachment; filename="${name}"`).send(bytes)
    return { sent: true }
  }
}

/** The chunks, as long as somebody takes them away. */
async function* taken(
  chunks: AsyncIterable<Uint8Array>,
  clock: Clock,
  cutOff: () => void,
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of chunks) {
    const deadline = clock.abortAfter(longestPauseMs)
    deadline.signal.addEventListener('abort', cutOff, { once: true })
    try {
      yield chunk
    } finally {
      deadline.release()
    }
  }
}

/** Whether the connection ended while rights were asked; a response that is closed says so once, and then never again. */
const hasGone = ({ raw }: FastifyReply): boolean => raw.destroyed

function nobody(reply: FastifyReply): Answer {
  reply.hijack()
  return { sent: true }
}

const badRequest = (problems: readonly string[]): Answer => ({
  problem: {
    status: 400,
    title: 'This cannot be answered',
    detail: problems.join('; '),
    reason: 'BadRequest',
  },
})

const busy: Answer = {
  problem: {
    status: 429,
    title: 'Exports are running',
    detail: `At most ${mostExports} exports run at a time. Try again when one of them has ended.`,
    reason: 'TooManyRequests',
  },
}

type Sight = Readonly<Partial<Record<View, readonly string[]>>>

async function events({ ports, stream, who }: Site, visit: Visit, reply: FastifyReply): Promise<Answer> {
  const { visitor, search, request, now } = visit
  const of = search.get('of') ?? 'all'
  const { filter, problems } = askedIn(search, now)
  if (problems.length > 0) return badRequest(problems)
  let sight = await sightOf(visitor)
  if (hasGone(reply)) return nobody(reply)
  if (!seesAny(sight)) return blind
  const matches = matcherOf(filter)
  const wants = (change: Change): boolean => {
    if (change.type === 'state')
      return of !== 'decisions' && Object.values(sight).some((seen) => seen.includes(change.namespace))
    const seen = sight.decisions?.includes(change.record.metadata.namespace) ?? false
    return of !== 'state' && seen && matches(change.record)
  }
  reply.hijack()
  const { raw } = reply
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) raw.setHeader(name, value)
  raw.writeHead(200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' })
  const hasRoom = stream.listen({
    response: raw,
    owner: visitor.name === '' ? request.ip : visitor.name,
    wants,
    goesOn: async () => {
      if (ports.clock.now() >= visitor.until) return false
      // A session may have been ended, a token taken back, a right taken away.
      if ((await who(request.headers)) === undefined) return false
      sight = await sightOf(visitor)
      return seesAny(sight)
    },
    lastId: textOf(request.headers['last-event-id']),
  })
  if (!hasRoom) raw.end('retry: 30000\nevent: full\ndata: {}\n\n')
  return { sent: true }
}

const seesAny = (sight: Sight): boolean => Object.values(sight).some((seen) => seen.length > 0)

const blind: Answer = {
  problem: {
    status: 403,
    title: 'You may not see this',
    detail: 'You must be allowed to list one of the kinds that are shown, in one of the namespaces.',
    reason: 'Forbidden',
  },
}

const textOf = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'string' && value.length <= 64 ? value : undefined

async function sightOf({ sees }: Visit['visitor']): Promise<Sight> {
  const names = Object.keys(views) as View[]
  return Object.fromEntries(await Promise.all(names.map(async (view) => [view, await sees(view)] as const)))
}
