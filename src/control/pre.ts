/** Pre runs after the fact: their result is shown on the object, and a run whose owner is gone is settled. Leader only. */
import type { ActionRun } from '../api/action-run.ts'
import { clockMarginMs, isSynced, speaksOf, type SeenObject } from '../core/post.ts'
import { holds, wasSeen, withCondition } from '../core/run/conditions.ts'
import { drive } from '../core/run/drive.ts'
import { endedPhase } from '../core/run/ending.ts'
import { hasEnded, type Seen } from '../core/run/machine.ts'
import { runName, stagesOf } from '../core/run/names.ts'
import { textAt } from '../core/velero.ts'
import { tellPre, tellSchedule } from './announce.ts'
import { markUnguarded, writeUnguarded } from './plan.ts'
import type { Again, ObjectKey } from './post.ts'
import { abortGone, concernsHold, reconcileHold } from './hold.ts'
import { isSame } from './perform.ts'
import type { ControlPorts } from './ports.ts'
import { reconcileUndo } from './undo.ts'

/** A run that was created and never claimed: its owner ended in between. No admission request lasts this long. */
const unclaimedMs = 60_000

/** Looks at the pre stage of one object. */
export async function reconcilePre(key: ObjectKey, ports: ControlPorts, signal: AbortSignal): Promise<Again> {
  const { pre } = stagesOf(key.kind)
  const run = ports.runs.ofObject(key.uid).find(({ spec }) => spec.stage === pre)
  const object = ports.objects.seen(key.kind, key.namespace, key.name)
  const here = object !== undefined && object.uid === key.uid ? object : undefined
  if (run !== undefined && run.spec.cluster !== ports.cluster) return undefined
  if (concernsHold(here, run)) return ofHold(here, run, { ports, signal })
  if (run === undefined) return here === undefined ? undefined : withoutRun(here, ports)
  if (!hasEnded(run)) return unsettled(run, here !== undefined, ports)
  const told = await tellEnded(run, here, ports)
  const undone = await reconcileUndo(run, { object: here, ports, signal })
  return sooner(told, undone)
}

/** The earlier of two looks. */
export function sooner(one: Again, other: Again): Again {
  if (one === undefined || other === undefined) return one ?? other
  return one.inMs < other.inMs ? one : other
}

async function ofHold(
  here: SeenObject | undefined,
  run: ActionRun | undefined,
  at: { readonly ports: ControlPorts; readonly signal: AbortSignal },
): Promise<Again> {
  if (here !== undefined) return reconcileHold(here, run, at)
  return run === undefined ? undefined : goneWhileHeld(run, at.ports)
}

/** The copy may be behind, or the object not be stored yet. */
async function goneWhileHeld(run: ActionRun, ports: ControlPorts): Promise<Again> {
  const { kind, name, uid } = run.spec.objectRef
  const { namespace, creationTimestamp } = run.metadata
  const live = await ports.objects.read(kind, namespace, name)
  if (live !== undefined && isSame(live, uid)) return { inMs: clockMarginMs }
  const wait = Date.parse(creationTimestamp) + unclaimedMs - ports.clock.now()
  if (!wasSeen(run) && run.status.startTimestamp === undefined && wait > 0) return { inMs: wait }
  return abortGone(run, ports)
}

/** Tells how it went where users look. */
async function tellEnded(run: ActionRun, here: SeenObject | undefined, ports: ControlPorts): Promise<Again> {
  if (here === undefined) return tellSchedule(run, ports)
  const noted = await noteUnguarded(run, here, ports)
  // Another wrote the run, or the copy is behind: looked at again.
  if (typeof noted === 'string') return { inMs: clockMarginMs }
  await tellPre(noted, here, ports)
  // What failed while it was held is there, and yet its Schedule looks healthy.
  return noted.spec.held === true ? tellSchedule(noted, ports) : undefined
}

/**
 * Refused, or still held, and yet it works: nobody waited for the answer (failurePolicy Ignore), or somebody went round us. It may
 * have been told as Refused before it began. Written down in the run first, so that no later look or leader counts it again.
 */
async function noteUnguarded(
  run: ActionRun,
  object: SeenObject,
  ports: ControlPorts,
): Promise<ActionRun | 'conflict' | 'gone'> {
  const { reason } = run.status
  const phase = endedPhase(run)
  // Released: somebody lifted its hold, or the gate was off, before its actions had ended.
  const said = phase === 'Refused' || reason === 'Released' || (phase === 'Unknown' && reason !== 'Unguarded')
  const began = !notBegun.has(textAt(object.progress, 'status', 'phase'))
  if (!said || !began || holds(run, 'Unguarded')) return run
  const message = `the ${object.kind} began although its ${run.spec.stage} actions did not succeed`
  const condition = { type: 'Unguarded', reason: 'Began', message } as const
  const written = await ports.runs.write(run, withCondition(run, condition, ports.clock.now()))
  if (typeof written === 'string') return written
  ports.unguarded(object)
  ports.log.error(
    { run: run.metadata.name, object: object.name },
    'unguarded: it began although its pre actions did not succeed',
  )
  return written
}

const notBegun: ReadonlySet<string> = new Set([
  '',
  'New',
  'Queued',
  'ReadyToStart',
  'FailedValidation',
  'Deleting',
])

async function withoutRun(object: SeenObject, ports: ControlPorts): Promise<Again> {
  // Only what was created here, after the install, and began to work. A run that is there and not seen yet keeps its name.
  const ours = object.createdAt > ports.installedAt && !isSynced(object)
  const told = speaksOf(object.pre, runName(object, stagesOf(object.kind).pre))
  if (!ours || told || notBegun.has(textAt(object.progress, 'status', 'phase'))) return undefined
  // Judged once, when it is first seen at work: what is written on it later does not make it one that should have been asked for.
  const decided = `pre/${object.uid}`
  const began = Number.isFinite(object.startedAt)
    ? Math.max(object.createdAt, object.startedAt)
    : object.createdAt
  if (began < ports.lookedUntil || ports.decided.has(decided)) return undefined
  const run = await writeUnguarded(object, ports)
  ports.decided.add(decided)
  if (run === undefined) return undefined
  ports.count(run)
  ports.unguarded(object)
  ports.log.error(
    { run: run.metadata.name, object: object.name },
    'unguarded: it was admitted without its pre actions',
  )
  await tellPre(run, object, ports)
  return undefined
}

/** Until when a run is its owner's. */
const freeAt = ({ status, metadata }: ActionRun): number =>
  status.deadline === undefined
    ? Date.parse(metadata.creationTimestamp) + unclaimedMs
    : Date.parse(status.deadline) + clockMarginMs

async function unsettled(known: ActionRun, isHere: boolean, ports: ControlPorts): Promise<Again> {
  const now = ports.clock.now()
  if (now < freeAt(known)) return { inMs: freeAt(known) - now }
  // Read anew: the cache may be behind, and its owner at work.
  const run = await ports.runs.read(known.metadata.namespace, known.metadata.name)
  if (run === undefined || hasEnded(run)) return undefined
  if (now < freeAt(run)) return { inMs: freeAt(run) - now }
  const ended = await abandoned(run, isHere, ports)
  if (typeof ended === 'string') return { inMs: clockMarginMs }
  ports.count(ended)
  // Nobody waits under this name any more: it is free for another try.
  await ports.releaseName({ ...run.spec.objectRef, namespace: run.metadata.namespace })
  ports.log.error(
    { run: run.metadata.name, phase: ended.status.phase },
    'a pre stage was left over by a replica that ended',
  )
  return undefined
}

async function abandoned(run: ActionRun, isHere: boolean, ports: ControlPorts) {
  const began = run.status.phase === 'Running'
  // The API server was told to admit it although nobody answered (failurePolicy Ignore).
  if (!began && isHere) return markUnguarded(run, ports)
  const message = 'the replica that was asked ended before it began'
  const seen: Seen = began
    ? { see: 'overdue', owner: ports.owner, until: ports.clock.now() }
    : { see: 'abort', reason: 'Stopping', message }
  const driven = await drive(run, seen, {
    now: ports.clock.now,
    write: ports.runs.write,
    perform: () => Promise.reject(new Error('a pre stage is never performed after its admission request')),
  })
  return driven.lost ?? driven.run
}
