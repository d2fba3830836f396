/** What tidewaiter has in hand: what would be lost, or would start unguarded, if it were taken away now. */
import type { ActionRun } from '../../api/action-run.ts'
import { isHeld } from '../hold/turn.ts'
import { mayStillOwe } from '../hold/undo-scope.ts'
import { seenObjectOf, type SeenObject } from '../post.ts'
import { head } from '../refusal.ts'
import { holds } from '../run/conditions.ts'
import { endedPhase } from '../run/ending.ts'
import { hasEnded } from '../run/machine.ts'
import { isStuck, owesUndo } from '../run/undo.ts'
import { progressOf, type Json, type VeleroKind } from '../velero.ts'

/** One thing in hand. */
export type InHand = {
  /** The Backup or Restore that it is for. */
  readonly uid: string
  readonly text: string
  /** The Backup or Restore itself, if it may not start yet. */
  readonly held?: { readonly kind: VeleroKind; readonly object: Json }
}

/** What is known beside a run. */
export type RunFacts = {
  /** The uid of this cluster: what came out of a Restore is never acted on. */
  readonly cluster: string
  /** The object of the run (by uid); undefined if it is not there. */
  readonly object: SeenObject | undefined
  readonly now: number
}

/** The run, if it is not done. */
export function runInHand(run: ActionRun, facts: RunFacts): InHand | undefined {
  const { spec, status, metadata } = run
  if (spec.cluster !== facts.cluster) return undefined
  const why = hasEnded(run) ? undoOf(run, facts) : (status.phase ?? 'Pending')
  if (why === undefined) return undefined
  const { kind, name, uid } = spec.objectRef
  const text = `run ${metadata.namespace}/${metadata.name} (${why}, ${spec.stage} of ${kind} ${name})`
  return { uid, text }
}

const hasBegun = (run: ActionRun, { object, now }: RunFacts): boolean =>
  holds(run, 'Started') || (object !== undefined && progressOf(object.progress, now).started)

/** What is to be undone of a run that has ended: now, or when its object has ended. */
function undoOf(run: ActionRun, facts: RunFacts): string | undefined {
  const { object, now } = facts
  if (run.status.phase === 'Undoing') return isStuck(run) ? 'Undoing, stuck' : 'Undoing'
  // After how long an object counts as stuck is not known here; what is owed then is owed when it ends, too.
  if (!mayStillOwe({ run, object, stuckAfterMs: Number.POSITIVE_INFINITY, now })) return undefined
  const served = endedPhase(run) === 'Succeeded' && hasBegun(run, facts)
  if (!owesUndo(run, served ? 'Always' : 'All')) return undefined
  return `${endedPhase(run)}, ${served && object !== undefined ? 'undone when it ends' : 'may be undone'}`
}

/** The Backup or Restore, if it is held. */
export function heldInHand(kind: VeleroKind, object: Json): InHand | undefined {
  const seen = seenObjectOf(kind, object)
  if (!isHeld(seen)) return undefined
  return { uid: seen.uid, text: `${kind} ${seen.namespace}/${seen.name} (held)`, held: { kind, object } }
}

const mostShown = 10

/** All of it in one line. */
export function inHandText(all: readonly InHand[]): string {
  const more = all.length > mostShown ? ` and ${all.length - mostShown} more` : ''
  return `${all
    .slice(0, mostShown)
    .map(({ text }) => text)
    .join(', ')}${more}`
}

/** Why a held object that is abandoned may not start: its pre actions did not run. */
export function abandonedText(kind: VeleroKind, object: Json): string {
  const { namespace, name } = seenObjectOf(kind, object)
  const why = 'tidewaiter was uninstalled while this was held, before its pre actions had run'
  return `${head({ kind, namespace, name })}: ${why}. The ${kind} was not started. Create another`
}
