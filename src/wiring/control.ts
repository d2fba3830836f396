/** The controller's world, from the process's. */
import { textAt, type Json } from '../core/velero.ts'
import type { ActionRun } from '../api/action-run.ts'
import type { SeenObject } from '../core/post.ts'
import type { ControlPorts, CountedResult, SeenName } from '../control/ports.ts'
import { isKubeError } from '../kube/errors.ts'
import type { Outcome } from '../core/outcome.ts'
import { isFresh, readable } from './caches.ts'
import { claimsBy } from './claims.ts'
import { hash } from './crypto.ts'
import type { ExclusiveKeys } from './exclusive.ts'
import { exportedBy, signOutputs } from './exported.ts'
import { writeEvent } from './events.ts'
import { veleroPlural } from './kinds.ts'
import type { Slots } from './slots.ts'
import type { Performing } from '../core/run/performing.ts'
import {
  annotationsOfSchedule,
  authorOfKept,
  cachesOf,
  defaultsOf,
  isUnreadAdopted,
  isVelero,
  readObject,
  scheduleOfBackup,
  uidOfSchedule,
  type World,
} from './world.ts'

/** One time of leading: what was before it, and when it ends. Times are milliseconds. */
export type Term = Pick<
  ControlPorts,
  'installedAt' | 'unwatchedSince' | 'lookedUntil' | 'leading' | 'holds' | 'formers'
>

/** The controller's ports for one time of leading. */
export function controlPorts(
  world: World,
  term: Term,
  {
    perform,
    keys,
    slots,
  }: {
    readonly perform: (performing: Performing) => Promise<Outcome>
    readonly keys: ExclusiveKeys
    readonly slots: Pick<Slots, 'backups'>
  },
): ControlPorts {
  const claims = claimsBy({ calls: world.calls, clock: world.clock, hash })
  return {
    clock: world.clock,
    serverTime: world.serverTime,
    log: world.log,
    owner: world.owner,
    cluster: world.cluster,
    hash,
    evaluate: world.cel.evaluate,
    authorOf: (action) => authorOfKept(world, action),
    ...term,
    decided: new Set(),
    absentSince: new Map(),
    actions: (namespace) =>
      (cachesOf(world, namespace)?.actions.list() ?? []).flatMap((kept) => ('action' in kept ? [kept] : [])),
    defaultsOf: (namespace) => defaultsOf(world, namespace),
    scheduleOfBackup: (namespace, backup) => scheduleOfBackup(world, namespace, backup),
    exportedFor: exportedBy(world),
    signOutputs: (statement) => signOutputs(statement, world.outputsKeys()),
    isVelero: (username, namespace) => isVelero(world, { username }, namespace),
    uidOfSchedule: (namespace, schedule) => uidOfSchedule(world, namespace, schedule),
    annotationsOfSchedule: (namespace, schedule) => annotationsOfSchedule(world, namespace, schedule),
    runs: {
      ...world.runs,
      ofNamespace: (namespace) => readable(cachesOf(world, namespace)?.runs.list() ?? []),
      ofObject: (uid) => readable([...world.caches.values()].flatMap(({ runs }) => runs.byIndex('uid', uid))),
      unread: (namespace, name) => unread(world, namespace, name),
    },
    objects: {
      seen: (kind, namespace, name) => cachesOf(world, namespace)?.objects[kind].get(namespace, name),
      read: (kind, namespace, name) => readObject(world, veleroPlural[kind], { namespace, name }),
      annotate: (object, key, value) => annotate(world, object, { key, value }),
      patch: (object, patch) => patchObject(world, object, patch),
      open: (kind, namespace) => cachesOf(world, namespace)?.objects[kind].byIndex('open', 'yes') ?? [],
      count: (object, counted) => countAgainst(world, object, counted),
    },
    holdMaxMs: world.config.holdMaxSeconds * 1000,
    stuckAfterMs: world.config.stuckAfterSeconds * 1000,
    slots: (kind, namespace) => (kind === 'Backup' ? slots.backups(namespace) : 1),
    freeKeys: keys.free,
    perform,
    tell: (note) => writeEvent(world, note),
    count: (run) => count(world, run),
    orphaned: ({ spec }) => world.metrics.orphaned.inc({ kind: spec.objectRef.kind }),
    unguarded: ({ kind }) => world.metrics.unguarded.inc({ kind }),
    unsure: (namespace) => unsure(world, namespace),
    releaseName: ({ kind, namespace, name, uid }) => claims.release({ kind, namespace, name }, uid),
  }
}

/** By its name: of one that cannot be understood, nobody may know which object it is for. */
function unread(world: World, namespace: string, name: string): string | undefined {
  const run = cachesOf(world, namespace)?.runs.get(namespace, name)
  return run !== undefined && 'problem' in run ? run.problem : undefined
}

async function annotate(
  world: World,
  object: SeenObject,
  { key, value }: { readonly key: string; readonly value: string },
): Promise<boolean> {
  const calls = world.calls.velero(veleroPlural[object.kind], object.namespace)
  try {
    // The uid makes the API server refuse the patch if another object has the name by now (422, or 409).
    await calls.mergePatch(object.name, { metadata: { uid: object.uid, annotations: { [key]: value } } })
    return true
  } catch (error) {
    if (isKubeError(error, 'NOT_FOUND')) return false
    if (!isKubeError(error, 'INVALID', 'CONFLICT')) throw error
    const live = await calls.find(object.name)
    if (textAt(live, 'metadata', 'uid') !== object.uid) return false
    throw error
  }
}

/** Patches an object as it was read; false if it changed since, or is gone. */
async function patchObject(world: World, object: SeenName, patch: Json): Promise<boolean> {
  try {
    await world.calls.velero(veleroPlural[object.kind], object.namespace).mergePatch(object.name, patch)
    return true
  } catch (error) {
    if (isKubeError(error, 'NOT_FOUND', 'CONFLICT')) return false
    throw error
  }
}

/** Velero's kinds have no status subresource: annotation and phase are one write, and with the resourceVersion nothing of Velero's is lost. */
async function countAgainst(
  world: World,
  { kind, namespace, name, uid }: SeenObject,
  { resourceVersion, errors, note }: CountedResult,
): Promise<'written' | 'conflict' | 'gone'> {
  const metadata = { uid, resourceVersion, annotations: { 'tidewaiter.io/post': note } }
  const status = { phase: 'PartiallyFailed', errors }
  try {
    await world.calls.velero(veleroPlural[kind], namespace).mergePatch(name, { metadata, status })
    return 'written'
  } catch (error) {
    if (isKubeError(error, 'NOT_FOUND')) return 'gone'
    // Another object of this name has another resourceVersion too.
    if (isKubeError(error, 'CONFLICT')) return 'conflict'
    throw error
  }
}

/** An Action that cannot be understood must never look like none, unless nobody adopted it; nor may a copy that is behind. */
function unsure(world: World, namespace: string): string | undefined {
  const caches = cachesOf(world, namespace)
  if (caches === undefined || !isFresh(caches)) return 'the copy of the Actions is behind'
  const broken = caches.actions
    .list()
    .find((kept) => 'problem' in kept && isUnreadAdopted(world, namespace, kept))
  return broken === undefined
    ? undefined
    : `the Action ${broken.name} cannot be understood: mend or delete it`
}

/** Counts a run that ended. */
export function count(world: World, run: ActionRun): void {
  const { stage } = run.spec
  const phase = run.status.phase ?? 'Unknown'
  world.metrics.runs.inc({ stage, phase })
  if (phase === 'Unknown') world.metrics.unknown.inc({ stage })
}
