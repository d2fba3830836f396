/** One action to perform for a run: what the gate and the controller ask of whoever performs it. */
import type { ActionRun, PlannedAction } from '../../api/action-run.ts'
import type { Json } from '../velero.ts'
import type { Remember } from './before.ts'

/** One action of a run as it was written. */
export type Performing = {
  readonly run: ActionRun
  readonly action: PlannedAction
  /** The Backup or Restore as expressions are to see it. */
  readonly object: Json
  /** Render, and change nothing. */
  readonly renderOnly: boolean
  /** With renderOnly, where the actions before it were performed: what can be asked without any effect (a server-side dry run) is asked too. */
  readonly rehearse?: boolean
  /** Keeps what it finds before it changes anything. */
  readonly remember?: Remember
  /** Its undo is to be performed, not the action itself. */
  readonly undo?: boolean
  /** Whether the run is still ours to act for: asked right before anything is sent. Absent: until `endsAt`. */
  readonly isOurs?: () => boolean
  /** Milliseconds since the epoch: the end of the time there is. */
  readonly endsAt: number
  readonly signal: AbortSignal
}
