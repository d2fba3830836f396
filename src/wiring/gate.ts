/** The gate's world, from the process's. */
import type { GatePorts } from '../admission/gate-ports.ts'
import type { Action } from '../api/action.ts'
import type { ActionRun } from '../api/action-run.ts'
import { parseActionRun } from '../api/parse.ts'
import { cooldownKeysOf } from '../core/cooldown.ts'
import type { Subject } from '../core/refusal.ts'
import { at } from '../core/velero.ts'
import { isFresh, keptAction, readable, type KeptAction, type UnreadAction } from './caches.ts'
import { claimsBy } from './claims.ts'
import { count } from './control.ts'
import { hash } from './crypto.ts'
import { exportedBy } from './exported.ts'
import { insistOnList } from './insist.ts'
import { veleroPlural } from './kinds.ts'
import type { Performing } from '../core/run/performing.ts'
import {
  annotationsOfSchedule,
  authorOfKept,
  cachesOf,
  defaultsOf,
  isUnreadAdopted,
  isVelero,
  scheduleOfBackup,
  type World,
} from './world.ts'
import type { Outcome } from '../core/outcome.ts'

/** The gate's ports. */
export function gatePorts(world: World, perform: (performing: Performing) => Promise<Outcome>): GatePorts {
  const claims = claimsBy({ calls: world.calls, clock: world.clock, hash })
  return {
    clock: world.clock,
    log: world.log,
    owner: world.owner,
    cluster: world.cluster,
    holdMaxMs: world.config.holdMaxSeconds * 1000,
    hash,
    evaluate: world.cel.evaluate,
    namesVariable: world.cel.names,
    runs: { ...world.runs, recent: (namespace, key) => recentRuns(world, namespace, key) },
    count: (run) => count(world, run),
    actionsOf: (namespace) => actionsOf(world, namespace),
    authorOf: (action) => authorOfKept(world, action),
    defaultsOf: (namespace) => defaultsOf(world, namespace),
    scheduleOfBackup: (namespace, backup) => scheduleOfBackup(world, namespace, backup),
    annotationsOfSchedule: (namespace, schedule) => annotationsOfSchedule(world, namespace, schedule),
    exportedFor: exportedBy(world),
    isVelero: (user, namespace) => isVelero(world, user, namespace),
    maySkip: (user, namespace) =>
      world.review.may(
        { ...user, user: user.username },
        { verb: 'skip', group: 'tidewaiter.io', resource: 'actions', namespace },
      ),
    exists: async (subject: Subject) =>
      (await world.calls.velero(veleroPlural[subject.kind], subject.namespace).find(subject.name)) !==
      undefined,
    guardClosed: world.guards,
    claimName: claims.claim,
    releaseName: claims.release,
    perform,
  }
}

type Answer = Awaited<ReturnType<GatePorts['actionsOf']>>

/** From the copy while it is fresh, else asked for: never "no action matches" from a stale copy. */
async function actionsOf(world: World, namespace: string): Promise<Answer> {
  const caches = cachesOf(world, namespace)
  if (caches === undefined)
    return { unknown: `tidewaiter does not look after namespace ${namespace} (--velero-namespace)` }
  const wasAdopted = (one: UnreadAction): boolean => isUnreadAdopted(world, namespace, one)
  if (isFresh(caches)) return knownActions(caches.actions.list(), wasAdopted)
  try {
    const listed = await insistOnList(world.calls.own('actions', namespace))
    return knownActions(listed.map(keptAction), wasAdopted)
  } catch (error) {
    return {
      unknown: `the copy of them is stale, and the API server did not answer (${String(at({ error }, 'error', 'message') ?? error)})`,
    }
  }
}

/** Runs by `cooldownKey`: from the copy while it is fresh, else asked for; a cool-down must not be dodged by a stale one. */
async function recentRuns(world: World, namespace: string, key: string): Promise<readonly ActionRun[]> {
  const caches = cachesOf(world, namespace)
  if (caches === undefined) return []
  if (isFresh(caches)) return readable(caches.runs.byIndex('cooldown', key))
  const listed = await insistOnList(world.calls.own('actionruns', namespace))
  return listed.flatMap((raw) => {
    const parsed = parseActionRun(raw)
    return 'ok' in parsed && cooldownKeysOf(parsed.ok).includes(key) ? [parsed.ok] : []
  })
}

type Sorted = { readonly ok: readonly Action[]; readonly unread: readonly UnreadAction[] }

const known = new WeakMap<readonly KeptAction[], Sorted>()

/**
 * What an answer of the API server says of the Actions: one that cannot be understood makes all of them unknown, unless nobody
 * adopted it. The same list gives the same Actions, so that what is made of them (core/action-index.ts) lasts as long as nothing
 * changes.
 */
export function knownActions(
  kept: readonly KeptAction[],
  wasAdopted: (one: UnreadAction) => boolean,
): Answer {
  const sorted = known.get(kept) ?? sortedOut(kept)
  known.set(kept, sorted)
  const { ok, unread } = sorted
  const broken = unread.find(wasAdopted)
  if (broken === undefined) return { ok, unadopted: unread.map(({ name }) => name) }
  return {
    unknown: `the Action ${broken.name} cannot be understood (${broken.problem}): mend or delete it`,
  }
}

const sortedOut = (kept: readonly KeptAction[]): Sorted => ({
  ok: kept.flatMap((one) => ('action' in one ? [one.action] : [])),
  unread: kept.flatMap((one) => ('problem' in one ? [one] : [])),
})
