/** What of a pre stage is to be undone, given what became of its object. Pure. */
import type { ActionRun } from '../../api/action-run.ts'
import { isSynced, type SeenObject } from '../post.ts'
import { holds } from '../run/conditions.ts'
import { endedAt, endedPhase } from '../run/ending.ts'
import { hasEnded } from '../run/machine.ts'
import { specOf } from '../run/rows.ts'
import { owesUndo, type UndoScope } from '../run/undo.ts'
import { progressOf } from '../velero.ts'
import { keyOf } from './keys.ts'
import { isHeld, isStuck } from './turn.ts'

/** An object that was admitted is not looked for sooner, milliseconds: the API server ends a whole write after 34 s. */
export const appearMs = 60_000

/** What is known. Times are milliseconds. */
export type UndoFacts = {
  readonly run: ActionRun
  /** The object of the run (by uid); undefined if it is not there, by the API server's own word. */
  readonly object: SeenObject | undefined
  readonly stuckAfterMs: number
  readonly now: number
  /** For how long who asks has known that it ended without its object, however clocks are set; else by when it says that it ended. */
  readonly absentForMs?: number
}

/** Nothing yet; or what is to be undone now. */
export type UndoDue = { readonly due: UndoScope } | { readonly notYet: true; readonly inMs?: number }

const notYet: UndoDue = { notYet: true }

/** Whether a run has anything that may have to be undone or given back. */
export const cares = (run: ActionRun): boolean =>
  run.spec.actions.some((action) => keyOf(action.name, specOf(action)) !== undefined)

/** Whether something of a run may still have to be undone, now or later. */
export function mayStillOwe(facts: UndoFacts): boolean {
  const { run } = facts
  if (run.status.phase === 'Undoing') return true
  if (!run.spec.stage.startsWith('Pre') || !cares(run)) return false
  const due = undoDue(facts)
  return 'notYet' in due || owesUndo(run, due.due)
}

/** Decides. */
export function undoDue(facts: UndoFacts): UndoDue {
  const { run, object } = facts
  if (!hasEnded(run) || (object !== undefined && isSynced(object))) return notYet
  return object === undefined ? ofAbsent(facts) : ofPresent(object, facts)
}

const succeeded = (run: ActionRun): boolean => endedPhase(run) === 'Succeeded'
/** It started: its actions served their purpose if they had succeeded. */
const afterStart = (run: ActionRun): UndoDue => ({ due: succeeded(run) ? 'Always' : 'All' })

function ofAbsent({ run, now, absentForMs }: UndoFacts): UndoDue {
  if (holds(run, 'Started')) return afterStart(run)
  if (!succeeded(run) || holds(run, 'Seen')) return { due: 'All' }
  // The object may just be about to be stored. When the run ended stands there by the clock of a replica, which may be wrong.
  const left = absentForMs === undefined ? endedAt(run) + appearMs - now : appearMs - absentForMs
  return left > 0 ? { notYet: true, inMs: left } : { due: 'All' }
}

function ofPresent(object: SeenObject, facts: UndoFacts): UndoDue {
  const { run, now } = facts
  const { phase, started, ended, provisional } = progressOf(object.progress, now)
  if (phase === 'FailedValidation') return { due: 'All' }
  // Being deleted cannot be taken back, and while it is held it cannot start: a finalizer may keep it there for ever.
  if (object.leaving && isHeld(object)) return { due: 'All' }
  if (phase === 'Deleting') return Number.isFinite(object.startedAt) ? afterStart(run) : { due: 'All' }
  if (provisional) return { notYet: true, inMs: 60_000 }
  if (started && (ended !== undefined || isStuck(object, facts))) return afterStart(run)
  return notYet
}
