/** The first page: what is asked for it. */
import type { ActionRun } from '../api/action-run.ts'
import type { VeleroKind } from '../core/velero.ts'
import { HistoryError, type DecisionRow, type Gap, type Stats } from './history/store.ts'
import { holdRows, type HoldRow } from './holds.ts'
import { objectRows, type ObjectRow } from './objects.ts'
import { dayMs, overviewOf } from './overview.ts'
import { overviewPage } from './pages/overview.ts'
import { hiddenPart } from './pages/problem.ts'
import { viewOf, type View } from './rights.ts'
import { scheduleRows } from './schedules.ts'
import { doubtsOf, scopeOf, type Seen } from './scope.ts'
import { gapsSeen, runsSeen, seenBy } from './seen.ts'
import type { Answer, Site, Visit } from './site.ts'

const chartHours = 48
const latestShown = 8
const shown = ['runs', 'backups', 'restores', 'schedules', 'decisions'] as const
const gapsShownMs = 7 * dayMs

type RunsSeen = ReadonlyMap<string, readonly ActionRun[]>

/** Answers with it. */
export async function overview(site: Site, visit: Visit): Promise<Answer> {
  const { now, visitor } = visit
  const { known } = site.ports
  // All rights in one go: asked one after another by whoever needs them, they take six round trips to the API server.
  const asking = shown.map(async (view) => [view, await visitor.sees(view)] as const)
  const seen: Seen = Object.fromEntries(await Promise.all(asking))
  const runs = await runsSeen(site, visit)
  const rows = await rowsSeen(site, visit, runs)
  const schedules = await schedulesSeen(site, visit, runs)
  const sight = seen.decisions ?? []
  const asked: Asked = sight.length === 0 ? nothing : await historyOf(site, sight, now)
  const overview = overviewOf({
    rows,
    held: await heldSeen(site, visit, runs),
    runs: runs.size === 0 ? undefined : [...runs.values()].flat(),
    schedules,
    refused: asked.refused,
    doubts: [
      ...doubtsOf(known, seen),
      ...(asked.trouble === undefined ? [] : ['the history does not answer']),
    ],
    now,
  })
  const namespace = known[0]?.namespace ?? ''
  const hiddenOf = (view: View) =>
    seen[view]?.length === 0 ? hiddenPart(view, { name: visitor.name, namespace }) : undefined
  const view = {
    overview,
    schedules,
    ...asked,
    hidden: { decisions: hiddenOf('decisions'), schedules: hiddenOf('schedules') },
    scopes: {
      objects: scopeOf(known, seen, ['backups', 'restores']),
      runs: scopeOf(known, seen, ['runs']),
      decisions: scopeOf(known, seen, ['decisions']),
    },
    hours: chartHours,
    now,
  }
  return { page: overviewPage(view) }
}

async function rowsSeen(site: Site, visit: Visit, runs: RunsSeen): Promise<readonly ObjectRow[]> {
  const moment = { now: visit.now, stuckAfterMs: site.ports.stuckAfterMs }
  const rows: ObjectRow[] = []
  for (const kind of ['Backup', 'Restore'] as const)
    for (const known of await seenBy(site, visit, viewOf[kind]))
      for (const row of objectRows(known, kind, { ...moment, runs: runs.get(known.namespace) ?? [] }))
        rows.push(row)
  return rows
}

async function heldSeen(site: Site, visit: Visit, runs: RunsSeen): Promise<readonly HoldRow[]> {
  const held: HoldRow[] = []
  const moment = { now: visit.now, stuckAfterMs: site.ports.stuckAfterMs }
  for (const kind of ['Backup', 'Restore'] as const)
    for (const known of await seenBy(site, visit, viewOf[kind]))
      held.push(...holdRows(known, kind, { ...moment, runs: runs.get(known.namespace) }))
  return held
}

type Asked = {
  readonly stats: Stats | undefined
  readonly refused: number | undefined
  readonly latest: readonly DecisionRow[]
  readonly gaps: readonly Gap[]
  readonly trouble: string | undefined
}

const nothing: Asked = { stats: undefined, refused: undefined, latest: [], gaps: [], trouble: undefined }

async function schedulesSeen(site: Site, visit: Visit, runs: RunsSeen) {
  const [bySchedules, byDecisions, byBackups] = await Promise.all(
    (['schedules', 'decisions', 'backups'] as const).map((view) => visit.visitor.sees(view)),
  )
  return site.ports.known.flatMap((known) => {
    const { namespace } = known
    return scheduleRows({
      namespace,
      schedules: bySchedules?.includes(namespace) === true ? known.schedules() : [],
      decisions: byDecisions?.includes(namespace) === true ? known.decisions() : [],
      backups: byBackups?.includes(namespace) === true ? known.objects('Backup') : [],
      runs: runs.get(namespace) ?? [],
      veleroUsers: known.veleroUsers,
      now: visit.now,
    })
  })
}

/** What the overview shows of the history; a history that does not answer takes nothing else with it. */
async function historyOf(site: Site, sight: readonly string[], now: number): Promise<Asked> {
  const { history } = site.ports
  try {
    // What concerns people; that Actions were written is in the whole list.
    const newest = (kind: VeleroKind) => history.page({ sight, filter: { kind }, size: 50 })
    const [stats, day, backups, restores, { gaps }] = await Promise.all([
      history.stats({ sight, filter: {}, from: now - (chartHours - 1) * 3_600_000, to: now, bucketHours: 1 }),
      history.stats({ sight, filter: {}, from: now - dayMs, to: now, bucketHours: 1 }),
      newest('Backup'),
      newest('Restore'),
      gapsSeen(site, sight, { from: now - gapsShownMs }),
    ])
    const latest = [...backups.rows, ...restores.rows].sort((a, b) => b.last - a.last).slice(0, latestShown)
    const refused = day.buckets.reduce(
      (sum, { verdicts }) => sum + (verdicts['Refused'] ?? 0) + (verdicts['Error'] ?? 0),
      0,
    )
    return { stats, refused, latest, gaps, trouble: undefined }
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error
    return { ...nothing, trouble: `The history does not answer: ${error.message}` }
  }
}
