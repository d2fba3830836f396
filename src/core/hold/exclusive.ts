/**
 * Exclusive keys: from the start of an action until its undo, or its object's post stage, has ended, no action with the same
 * key starts for another object. Else the undo of a refused Backup would thaw an application in the middle of another one.
 * A key is a Lease that names its object; only the leader takes it away, once it is over.
 */
import type { ActionRun } from '../../api/action-run.ts'
import { isPre } from '../run/ending.ts'
import { hasEnded } from '../run/machine.ts'
import { entries, specOf, type Entry } from '../run/rows.ts'
import { owesUndo } from '../run/undo.ts'
import { keyOf } from './keys.ts'
import type { UndoDue } from './undo-scope.ts'

/** The label of such Leases. */
export const keyLabels = { 'tidewaiter.io/claim': 'exclusive' } as const
/** Their annotation with the key itself. */
export const keyAnnotation = 'tidewaiter.io/exclusive-key'
/** Their annotation that says which object has it. */
export const holderAnnotation = 'tidewaiter.io/held-by'

/** The name of the Lease: `hash` gives lower-case hex. */
export const keyLeaseName = (key: string, hash: (text: string) => string): string =>
  `tidewaiter-exclusive-${hash(key).slice(0, 24)}`

/** What was claimed once may have taken its key, also if it was put back since, and skipped in the end. */
const mayHave = ({ action, row }: Entry): boolean =>
  keyOf(action.name, specOf(action)) !== undefined &&
  !specOf(action).dryRun &&
  row.startTimestamp !== undefined

/** The keys that a run took, or may have taken. */
export function keysOf(run: ActionRun): readonly string[] {
  if (!isPre(run)) return []
  const keys = entries(run.spec, run.status)
    .filter(mayHave)
    .map(({ action }) => keyOf(action.name, specOf(action)) ?? '')
  return [...new Set(keys)]
}

/** Whether a pre run needs its keys no more. */
export function keysAreOver(
  run: ActionRun,
  {
    undo,
    postEnded,
  }: {
    readonly undo: UndoDue
    /** Whether the post stage of its object has ended, or there is none. */
    readonly postEnded: boolean
  },
): boolean {
  if (!hasEnded(run) || 'notYet' in undo) return false
  return !owesUndo(run, undo.due) && (undo.due === 'All' || postEnded)
}
