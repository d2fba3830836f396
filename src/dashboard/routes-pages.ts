/** The pages. Each asks what its visitor may see before it reads anything. */
import type { FastifyInstance } from 'fastify'
import type { AdmissionDecision } from '../api/admission-decision.ts'
import { actionRows } from './action-rows.ts'
import { certificateRows } from './certificates.ts'
import { HistoryError, type Gaps, type Page as Found } from './history/store.ts'
import { actionsPage } from './pages/actions.ts'
import { decisionPage } from './pages/decision.ts'
import { decisionsPage } from './pages/decisions.ts'
import { pluginsPage } from './pages/plugins.ts'
import { systemPage } from './pages/system.ts'
import { askedIn } from './query.ts'
import { viewOf, views, type View } from './rights.ts'
import { object, objects } from './routes-objects.ts'
import { overview } from './routes-overview.ts'
import { gapsSeen, missing, runsSeen, seenBy } from './seen.ts'
import { forbidden, forVisitors, type Answer, type Site, type Visit } from './site.ts'

type Show = (site: Site, visit: Visit) => Promise<Answer>

/** Adds the routes. */
export function pageRoutes(app: FastifyInstance, site: Site): void {
  const page = (path: string, show: Show) =>
    app.get(
      path,
      forVisitors(site, (visit) => show(site, visit)),
    )
  page('/', overview)
  page('/decisions', decisions)
  page('/decisions/:id', decision)
  for (const kind of ['Backup', 'Restore'] as const) {
    page(`/${viewOf[kind]}`, (site, visit) => objects(site, visit, kind))
    page(`/${viewOf[kind]}/:namespace/:name`, (site, visit) => object(site, visit, kind))
  }
  page('/actions', actions)
  page('/plugins', plugins)
  page('/system', system)
}

async function decisions(site: Site, visit: Visit): Promise<Answer> {
  const sight = await visit.visitor.sees('decisions')
  if (sight.length === 0) return forbidden(site, visit, 'decisions')
  const { now, search } = visit
  const asked = askedIn(search, now)
  const { filter, size, cursor, problems } = asked
  if (problems.length > 0) return { page: decisionsPage({ asked, problems, now }), status: 400 }
  try {
    const query = { sight, filter, size, ...(cursor === undefined ? {} : { cursor }) }
    const [found, { gaps }]: readonly [Found, Gaps] = await Promise.all([
      site.ports.history.page(query),
      gapsSeen(site, sight, filter),
    ])
    return { page: decisionsPage({ asked, found, gaps, problems: [], now }) }
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error
    const status = error.code === 'BAD_QUERY' ? 400 : 503
    return { page: decisionsPage({ asked, problems: [error.message], now }), status }
  }
}

async function decision(site: Site, visit: Visit): Promise<Answer> {
  const sight = await visit.visitor.sees('decisions')
  if (sight.length === 0) return forbidden(site, visit, 'decisions')
  const record = await site.ports.history.get(sight, visit.params['id'] ?? '')
  if (record === undefined) return missing('The history has no decision with this id.')
  return { page: decisionPage(record, { now: visit.now, hasObject: await hasPage(site, visit, record) }) }
}

/** Whether the object of a decision has a page that the visitor may see: it is there, or a run of it is. */
async function hasPage(
  site: Site,
  visit: Visit,
  { metadata, spec, status }: AdmissionDecision,
): Promise<boolean> {
  const { kind } = spec
  const { namespace } = metadata
  if (kind !== 'Backup' && kind !== 'Restore') return false
  const known = (await seenBy(site, visit, viewOf[kind])).find((one) => one.namespace === namespace)
  if (known === undefined) return false
  const isIt = (one: { readonly kind: string; readonly name: string }) =>
    one.kind === kind && one.name === status.last.name
  const runs = (await runsSeen(site, visit)).get(namespace) ?? []
  return known.objects(kind).some(isIt) || runs.some((run) => isIt(run.spec.objectRef))
}

async function actions(site: Site, visit: Visit): Promise<Answer> {
  const seen = await seenBy(site, visit, 'actions')
  if (seen.length === 0) return forbidden(site, visit, 'actions')
  const runs = await runsSeen(site, visit)
  const rows = seen.flatMap((known) =>
    actionRows(known.namespace, known.actions(), runs.get(known.namespace) ?? []),
  )
  return { page: actionsPage(rows, { now: visit.now, rates: runs.size > 0, several: seen.length > 1 }) }
}

async function plugins(site: Site, visit: Visit): Promise<Answer> {
  if (site.ports.known.every((known) => known.plugins() === undefined))
    return missing('Plugins are not watched over here: the gate VELERO_PLUGINS_ENABLED is off.')
  const seen = await seenBy(site, visit, 'plugins')
  if (seen.length === 0) return forbidden(site, visit, 'plugins')
  return { page: pluginsPage(seen.flatMap((known) => known.plugins() ?? [])) }
}

async function system(site: Site, { visitor, now }: Visit): Promise<Answer> {
  const { ports } = site
  const { system, known, history, progress, log } = ports
  const sight = await visitor.sees('decisions')
  const [lease, served, extent, gaps, rights] = await Promise.all([
    system.lease().catch((err: unknown) => {
      log.warn({ err }, 'who leads could not be asked')
      return undefined
    }),
    system.served(),
    history.extent().catch(() => undefined),
    sight.length === 0 ? undefined : gapsSeen(site, sight, {}).catch(() => undefined),
    Promise.all(
      (Object.keys(views) as View[]).map(async (view) => ({ view, namespaces: await visitor.sees(view) })),
    ),
  ])
  const { version, replica, cluster, startedAt } = system
  const seesRuns = rights.find(({ view }) => view === 'runs')?.namespaces ?? []
  const copies = known.map((one) => ({
    namespace: one.namespace,
    synced: one.synced(),
    silentMs: one.silentMs(),
    trouble: one.trouble(),
    unreadRuns: seesRuns.includes(one.namespace) ? one.unreadRuns() : [],
  }))
  const view = {
    version,
    replica,
    cluster,
    startedAt,
    leader: lease?.leader,
    certificates: certificateRows(lease?.certificates, served),
    trouble: served.trouble,
    extent,
    gaps,
    copies,
    progress: progress(),
    rights,
    now,
  }
  return { page: systemPage(view) }
}
