/** A row of objects, one after another: each is created, comes to its end, is judged, and is removed as a retention would. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isKubeError, KubeError } from '../../src/kube/errors.ts'
import { pathOf } from '../support/asking.ts'
import type { Application } from './application.ts'
import type { SoakCluster } from './cluster.ts'
import type { Counts, Effects } from './effects.ts'
import { mischanged, miscounted, missing, type Standing } from './fared.ts'
import { objectOf, type Kind } from './kinds.ts'
import { add, type Tally } from './tally.ts'

/** What a lane plays on. */
export type Stage = { readonly cluster: SoakCluster; readonly effects: Effects; readonly tally: Tally }

/** An object of a lane. */
export type Played = { readonly name: string; readonly kind: Kind; readonly lane: string }

// Longer than anything takes on a busy machine: an admission ends within 30 s, an undo is tried after 5 s.
const endMs = 180_000
const createMs = 40_000
// Nothing may come after the end: a record is removed, and its effects counted again, this long after it.
const graceMs = 5_000

/** Plays one object; what goes on after its end is over when the second promise resolves. */
export async function play(one: Played, stage: Stage): Promise<{ readonly removed: Promise<void> }> {
  const { tally } = stage
  const began = performance.now()
  const before = stage.cluster.application.changes(one.lane)
  add(tally.asked, one.kind.name)
  const answer = await created(one, stage)
  add(tally.answers, answer.as)
  const wanted = one.kind.ends === undefined ? 'refused' : 'admitted'
  const said = answer.as === wanted ? [] : [`it was ${answer.as}, not ${wanted}: ${answer.said}`]
  const changes = () => since(before, stage.cluster.application.changes(one.lane))
  const left = said.length > 0 ? said : await ended({ ...one, changes }, stage)
  // What is undone of it, and the keys that it keeps until then, must not be the next one's trouble.
  if (said.length > 0) await stage.cluster.until(one.name, endMs, () => isOver(standing(one, stage)))
  const { uid } = standing(one, stage)
  const counts = uid === '' ? {} : await stage.effects.counts(uid)
  const wrongs = [...left, ...miscounted(one.kind, counts)]
  tally.wrongs.push(...wrongs.map((wrong) => `${one.name}: ${wrong}`))
  const ms = performance.now() - began
  if (wrongs.length === 0) tally.end(one.kind, { effects: total(counts), ms })
  return { removed: removed(one, { uid, counts }, stage) }
}

const total = (counts: Counts): number => Object.values(counts).reduce((all, count) => all + count, 0)

type Changes = ReturnType<Application['changes']>

/** What changed from one look to another. */
const since = (before: Changes, now: Changes): Changes =>
  Object.fromEntries(
    Object.entries(now).map(([role, { times, isAsBefore }]) => [
      role,
      { times: times - (before[role]?.times ?? 0), isAsBefore },
    ]),
  )

type Answer = { readonly as: 'admitted' | 'refused' | 'failed'; readonly said: string }

async function created({ name, kind, lane }: Played, { cluster }: Stage): Promise<Answer> {
  const path = pathOf(kind.of === 'Backup' ? 'backups' : 'restores')
  try {
    const body = objectOf(name, kind, lane)
    await cluster.create({ method: 'POST', path, body, timeoutMs: createMs })
    return { as: 'admitted', said: '' }
  } catch (error) {
    if (!(error instanceof KubeError)) throw error
    const isOurs = error.message.includes('tidewaiter refused') && error.message.includes('20-check')
    return { as: isOurs ? 'refused' : 'failed', said: error.message }
  }
}

function standing({ name, kind }: Played, { cluster }: Stage): Standing & { readonly uid: string } {
  const object = cluster.objects[kind.of].get('velero', name)
  const runs = cluster.runs.byIndex('object', name)
  // Of one that was refused its runs alone know the uid.
  const uid = object?.uid ?? runs[0]?.uid ?? ''
  const claims = uid === '' ? [] : cluster.claims.byIndex('holder', uid)
  return { object, uid, runs, claims: claims.map((claim) => claim.name) }
}

const over: ReadonlySet<string> = new Set(['Succeeded', 'Refused', 'Undone', 'Failed', 'Skipped', 'Unknown'])

const isOver = ({ runs, claims }: Standing): boolean =>
  claims.length === 0 && runs.every(({ phase }) => over.has(phase))

/** Waits for its end; what is missing then. */
async function ended(
  one: Played & { readonly changes: () => Changes },
  stage: Stage,
): Promise<readonly string[]> {
  const left = () => [...missing(one.kind, standing(one, stage)), ...mischanged(one.kind, one.changes())]
  const isThere = await stage.cluster.until(one.name, endMs, () => left().length === 0)
  return isThere ? [] : [`after ${endMs / 1000} s ${left().join('; ')}`]
}

/** Removes the object, then its runs; its effects must not have become more. */
async function removed(
  { name, kind }: Played,
  { uid, counts }: { readonly uid: string; readonly counts: Counts },
  { cluster, effects, tally }: Stage,
): Promise<void> {
  const gone = (path: string) =>
    cluster.request({ method: 'DELETE', path }).catch((error: unknown) => {
      if (!isKubeError(error, 'NOT_FOUND')) throw error
    })
  if (kind.ends !== undefined) await gone(pathOf(kind.of === 'Backup' ? 'backups' : 'restores', name))
  await sleep(graceMs)
  for (const run of cluster.runs.byIndex('object', name)) await gone(pathOf('actionruns', run.name))
  if (uid === '') return
  const later = total(await effects.counts(uid)) - total(counts)
  if (later !== 0) tally.wrongs.push(`${name}: ${later} effects came after its end`)
  await effects.forget(uid)
}
