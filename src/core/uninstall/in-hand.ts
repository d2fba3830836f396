/** What tidewaiter has in hand: what would be lost, or would start unguarded, if it were taken away now. */
import type { ActionRun } from '../../api/action-run.ts'
import { settled } from '../run/machine.ts'
import { at, objectAt, textAt, textMapAt, type Json, type VeleroKind } from '../velero.ts'

/** One thing in hand. */
export type InHand = {
  /** The Backup or Restore that it is for. */
  readonly uid: string
  readonly text: string
  /** The Backup or Restore itself, if it may not start yet. */
  readonly held?: { readonly kind: VeleroKind; readonly object: Json }
}

const holdAnnotation = 'tidewaiter.io/hold'

// The leader looks for an object that was admitted and did not come 60 s after the request, and undoes then.
const undoWithinMs = 120_000

/** The run, if it is not done; `cluster` is the uid of this one: what came out of a Restore is never acted on. */
export function runInHand(run: ActionRun, cluster: string, now: number): InHand | undefined {
  const { spec, status, metadata } = run
  if (spec.cluster !== cluster) return undefined
  const phase = status.phase ?? 'Pending'
  const why = settled.has(phase) ? undoOf(run, phase, now) : phase
  if (why === undefined) return undefined
  const { kind, name, uid } = spec.objectRef
  const text = `run ${metadata.namespace}/${metadata.name} (${why}, ${spec.stage} of ${kind} ${name})`
  return { uid, text }
}

/** Whether it has ended, and may yet be undone: only what the leader has not had the time to look at. */
function undoOf({ spec, status }: ActionRun, phase: string, now: number): string | undefined {
  const hasUndo = spec.actions.some((action) => at(action, 'spec', 'undo') !== undefined)
  const ended = Date.parse(status.completionTimestamp ?? '')
  const recent = Math.abs(now - ended) < undoWithinMs
  const seen = (status.conditions ?? []).some((one) => one.type === 'Seen' && one.status === 'True')
  const isDone = phase === 'Undone' || phase === 'Skipped' || (phase === 'Succeeded' && seen)
  return hasUndo && recent && !isDone ? `${phase}, may be undone` : undefined
}

/** The Backup or Restore, if it is held. */
export function heldInHand(kind: VeleroKind, object: Json): InHand | undefined {
  const isHeld = textMapAt(object, 'metadata', 'annotations')[holdAnnotation] !== undefined
  if (!isHeld || !['', 'New'].includes(textAt(object, 'status', 'phase'))) return undefined
  const { namespace, name, uid } = objectAt(object, 'metadata') as Readonly<Record<string, string>>
  return { uid: uid ?? '', text: `${kind} ${namespace}/${name} (held)`, held: { kind, object } }
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

/** How a held object that is abandoned ends: failed, for its pre actions did not run. */
export const abandonedPatch = (object: Json): Json => ({
  metadata: { resourceVersion: textAt(object, 'metadata', 'resourceVersion') },
  status: {
    phase: 'FailedValidation',
    validationErrors: [
      'tidewaiter was uninstalled while this was held, before its pre actions had run: create another',
    ],
  },
})
