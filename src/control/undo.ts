/** Undoes what a pre stage did, once it is due, with retries until it is done; then gives its exclusive keys back. Leader only. */
import type { ActionRun } from '../api/action-run.ts'
import { keysAreOver, keysOf } from '../core/hold/exclusive.ts'
import { cares, undoDue, type UndoDue } from '../core/hold/undo-scope.ts'
import { heldForMs, type SeenObject } from '../core/post.ts'
import { holds, wasSeen, withCondition, withoutCondition, withSeen } from '../core/run/conditions.ts'
import { drive, type Driven } from '../core/run/drive.ts'
import { hasEnded } from '../core/run/machine.ts'
import { isStuck, owesUndo, undoDueAt, type UndoScope } from '../core/run/undo.ts'
import { progressOf } from '../core/velero.ts'
import { tellStuck } from './announce.ts'
import { isSame, leadOf, performClaimed } from './perform.ts'
import type { ControlPorts } from './ports.ts'
import { postStageOf, type Again } from './post.ts'

const soonMs = 2_000
const minuteMs = 60_000

type At = {
  /** As the copy shows it; undefined if it is not there. */
  readonly object: SeenObject | undefined
  readonly ports: ControlPorts
  readonly signal: AbortSignal
}

/** It was admitted, was never seen, and nobody was told. */
const neverCame = (run: ActionRun): boolean =>
  (run.status.phase === 'Succeeded' || run.status.reason === 'NeverAppeared') &&
  !wasSeen(run) &&
  !holds(run, 'Orphaned')

/** Whether something may still have to be done: most runs have nothing to undo, and their object was seen. */
const isOpen = (run: ActionRun): boolean => cares(run) || neverCame(run)

/** Looks at the pre run of one object, once its stage has ended. */
export async function reconcileUndo(run: ActionRun, at: At): Promise<Again> {
  if (!hasEnded(run) || !isOpen(run) || at.ports.decided.has(over(run))) return undefined
  const noted = await noteFate(run, at)
  if (typeof noted === 'string') return { inMs: soonMs }
  // Not left for the next look: post actions would come first, and one may wait for what the undo brings back.
  return cares(noted) || at.object === undefined ? afterFate(noted, at) : undefined
}

function dueOf(run: ActionRun, { object, ports }: At): UndoDue {
  const { absentSince, clock, stuckAfterMs } = ports
  const { uid } = run.spec.objectRef
  if (object !== undefined) absentSince.delete(uid)
  else if (!absentSince.has(uid)) absentSince.set(uid, clock.steady())
  const absentForMs = clock.steady() - (absentSince.get(uid) ?? clock.steady())
  return undoDue({ run, object, stuckAfterMs, now: ports.serverTime(), absentForMs })
}

async function afterFate(run: ActionRun, at: At): Promise<Again> {
  const { object, ports } = at
  const due = dueOf(run, at)
  if ('notYet' in due && run.status.phase !== 'Undoing') return waiting(due, object)
  if (object === undefined && ((await isThere(run, ports)) || (await orphaned(run, ports))))
    return { inMs: soonMs }
  return undoOrEnd(run, due, at)
}

const over = (run: ActionRun): string => `undo/${run.spec.objectRef.uid}`

function waiting(due: Extract<UndoDue, { readonly notYet: true }>, object: SeenObject | undefined): Again {
  if (due.inMs !== undefined) return { inMs: due.inMs }
  // Stuck is what nothing is heard of: no event will tell.
  return object === undefined ? undefined : { inMs: 5 * minuteMs }
}

/** Writes down that the object was seen, and that Velero began with it: it may be gone when that counts. */
async function noteFate(run: ActionRun, { object, ports }: At): Promise<ActionRun | 'conflict' | 'gone'> {
  if (object === undefined) return run
  const now = ports.clock.now()
  const { started } = progressOf(object.progress, now)
  const began = started && (Number.isFinite(object.startedAt) || !object.leaving)
  if (began && cares(run) && !holds(run, 'Started')) {
    const message = `Velero began with the ${object.kind}`
    return ports.runs.write(run, withCondition(run, { type: 'Started', reason: 'Began', message }, now))
  }
  if (wasSeen(run)) return run
  return ports.runs.write(run, withSeen(run, now))
}

/** Whether the object is there after all: the copy may be behind. */
async function isThere({ metadata, spec }: ActionRun, ports: ControlPorts): Promise<boolean> {
  const live = await ports.objects.read(spec.objectRef.kind, metadata.namespace, spec.objectRef.name)
  return live !== undefined && isSame(live, spec.objectRef.uid)
}

/** It was admitted, and the object never came to be: another webhook refused it, or its client had gone. */
async function orphaned(run: ActionRun, ports: ControlPorts): Promise<boolean> {
  if (!neverCame(run)) return false
  const did = run.status.phase === 'Succeeded' ? 'its actions succeeded, and ' : ''
  const message = `${did}the ${run.spec.objectRef.kind} never came to be: it was refused after tidewaiter had admitted it`
  const condition = { type: 'Orphaned', reason: 'NeverAppeared', message } as const
  const written = await ports.runs.write(run, withCondition(run, condition, ports.clock.now()))
  // Another wrote the run: whoever looks again tells, and counts once.
  if (typeof written === 'string') return true
  ports.log.warn({ run: run.metadata.name }, message)
  ports.orphaned(run)
  return true
}

async function undoOrEnd(run: ActionRun, due: UndoDue, at: At): Promise<Again> {
  const { object, ports } = at
  const scope = scopeOf(due)
  const next = owesUndo(run, scope) ? undoDueAt(run, scope, ports.clock.now()) : undefined
  if (next !== undefined) {
    const inMs = next - ports.clock.now()
    return inMs > 0 ? { inMs } : undo(run, at)
  }
  const post = postStageOf(run, object, ports)
  if (!keysAreOver(run, { undo: due, postEnded: post === 'over' }))
    return { inMs: post === 'unplanned' ? soonMs : minuteMs }
  await ports.freeKeys(run, keysOf(run))
  ports.decided.add(over(run))
  return undefined
}

/** What was begun is finished, whatever became of the object since, and nothing is added to it. */
const scopeOf = (due: UndoDue): UndoScope => ('due' in due ? due.due : 'Always')

async function undo(known: ActionRun, at: At): Promise<Again> {
  const { object, ports, signal } = at
  const { namespace, name } = known.metadata
  const run = await ports.runs.read(namespace, name)
  if (run === undefined || !hasEnded(run)) return { inMs: soonMs }
  // Judged anew: the copy may not say yet that Velero began, and what served its purpose is not undone.
  const due = dueOf(run, at)
  if ('notYet' in due && run.status.phase !== 'Undoing') return { inMs: soonMs }
  const scope = scopeOf(due)
  const held = heldForMs(run, leadOf(ports))
  if (held > 0) return { inMs: held }
  const driven = await drive(
    run,
    { see: 'undo', owner: ports.owner, scope },
    {
      now: ports.clock.now,
      write: ports.runs.write,
      perform: (current, work) => performClaimed(current, work, { ports, signal }),
    },
  )
  return afterUndoing(driven, { object, ports, signal })
}

async function afterUndoing({ run, effects, lost }: Driven, { object, ports }: At): Promise<Again> {
  if (lost !== undefined) return { inMs: soonMs }
  if (effects.some((effect) => effect.do === 'report-stuck')) await tellStuck(run, object, ports)
  if (effects.some((effect) => effect.do === 'announce'))
    ports.log.info({ run: run.metadata.name }, 'what its pre actions did was undone')
  if (isStuck(run) === holds(run, 'UndoStuck')) return { inMs: soonMs }
  const message = 'an undo fails for long; it is tried again every ten minutes'
  await ports.runs.write(
    run,
    isStuck(run)
      ? withCondition(run, { type: 'UndoStuck', reason: 'UndoFails', message }, ports.clock.now())
      : withoutCondition(run, 'UndoStuck'),
  )
  return { inMs: soonMs }
}
