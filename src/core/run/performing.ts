/** One action to perform for a run: what the gate and the controller ask of whoever performs it. */
import type { ActionRun, PlannedAction } from '../../api/action-run.ts'
import type { Json } from '../velero.ts'

/** One action of a run as it was written. */
export type Performing = {
  readonly run: ActionRun
  readonly action: PlannedAction
  /** The Backup or Restore as expressions are to see it. */
  readonly object: Json
  /** Render, and send nothing. */
  readonly renderOnly: boolean
  /** Its undo is to be performed, not the action itself. */
  readonly undo?: boolean
  /** Milliseconds since the epoch: the end of the time there is. */
  readonly endsAt: number
  readonly signal: AbortSignal
}
