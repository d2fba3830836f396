/** Backups and Restores: what is asked for their lists, and for the page of one. */
import type { VeleroKind } from '../core/velero.ts'
import { holdRows } from './holds.ts'
import { objectRows, type ObjectRow } from './objects.ts'
import { objectPage, objectsPage } from './pages/objects.ts'
import { hiddenPart } from './pages/problem.ts'
import type { Known } from './ports.ts'
import { viewOf } from './rights.ts'
import { missing, runsSeen, seenBy } from './seen.ts'
import { forbidden, type Answer, type Site, type Visit } from './site.ts'

const pageSize = 100

/** Answers with a page of the list. */
export async function objects(site: Site, visit: Visit, kind: VeleroKind): Promise<Answer> {
  const seen = await seenBy(site, visit, viewOf[kind])
  if (seen.length === 0) return forbidden(site, visit, viewOf[kind])
  const all = await rowsOf(site, visit, { kind, seen })
  const { search, now } = visit
  const text = (search.get('q') ?? '').trim().slice(0, 253)
  const phase = (search.get('phase') ?? '').slice(0, 64)
  const matching = all.filter(
    (row) =>
      (row.name.includes(text) || row.schedule.includes(text)) && (phase === '' || row.phase === phase),
  )
  const before = search.get('before') ?? ''
  const rest = before === '' ? matching : matching.filter((row) => isBefore(row, before))
  const rows = rest.slice(0, pageSize)
  const last = rows.at(-1)
  return {
    page: objectsPage({
      kind,
      rows,
      count: matching.length,
      text,
      phase,
      phases: [...new Set(all.map((row) => row.phase))].sort(),
      older: last !== undefined && rest.length > pageSize ? placeOf(last) : undefined,
      isFirst: before === '',
      now,
    }),
  }
}

const placeOf = ({ at, uid }: ObjectRow): string => `${at}.${uid}`

/** Whether a row comes after a place in the order of the list. */
function isBefore({ at, uid }: ObjectRow, place: string): boolean {
  const dot = place.indexOf('.')
  const [time, id] = [Number(place.slice(0, dot)), place.slice(dot + 1)]
  return at < time || (at === time && uid > id)
}

type Wanted = { readonly kind: VeleroKind; readonly seen: readonly Known[] }

async function rowsOf(site: Site, visit: Visit, { kind, seen }: Wanted): Promise<readonly ObjectRow[]> {
  const runs = await runsSeen(site, visit)
  const moment = { now: visit.now, stuckAfterMs: site.ports.stuckAfterMs }
  const rows = seen.flatMap((known) =>
    objectRows(known, kind, { ...moment, runs: runs.get(known.namespace) ?? [] }),
  )
  return seen.length === 1 ? rows : [...rows].sort((a, b) => b.at - a.at || (a.uid < b.uid ? -1 : 1))
}

/** Answers with the page of one. */
export async function object(site: Site, visit: Visit, kind: VeleroKind): Promise<Answer> {
  const { namespace = '', name = '' } = visit.params
  const seen = (await seenBy(site, visit, viewOf[kind])).filter((known) => known.namespace === namespace)
  if (seen.length === 0) return forbidden(site, visit, viewOf[kind])
  const named = (await rowsOf(site, visit, { kind, seen })).filter((row) => row.name === name)
  const uid = visit.search.get('uid')
  const row = named.find((one) => one.uid === uid) ?? named[0]
  if (row === undefined) return missing(`There is no ${kind} of this name in namespace ${namespace}.`)
  const [known] = seen
  const runs = (await runsSeen(site, visit)).get(namespace)
  const held =
    known === undefined
      ? []
      : holdRows(known, kind, { runs, now: visit.now, stuckAfterMs: site.ports.stuckAfterMs })
  const seesRuns = (await visit.visitor.sees('runs')).includes(namespace)
  return {
    page: objectPage({
      row,
      hold: held.find((one) => one.uid === row.uid),
      others: named.filter((one) => one !== row),
      hidden: seesRuns ? undefined : hiddenPart('runs', { name: visit.visitor.name, namespace }),
      now: visit.now,
    }),
  }
}
