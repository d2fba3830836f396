/** The conditions of a run: what came to be known of its object after the run was written. */
import type { ActionRun, RunStatus } from '../../api/action-run.ts'
import { time } from './ending.ts'

/**
 * Seen: the object came to be. Started: Velero began with it. Unguarded: it began although its pre actions did not succeed. Orphaned: it never came to be
 * after it was admitted. UndoStuck: an undo fails for long.
 */
export type ConditionType = 'Seen' | 'Started' | 'Unguarded' | 'Orphaned' | 'UndoStuck'

/** Whether a condition of the run is True. */
export const holds = (run: ActionRun, wanted: ConditionType): boolean =>
  (run.status.conditions ?? []).some(({ type, status }) => type === wanted && status === 'True')

/** Whether the object of the run came to be. */
export const wasSeen = (run: ActionRun): boolean => holds(run, 'Seen') || holds(run, 'Started')

/** The status that says that the object came to be. */
export const withSeen = (run: ActionRun, now: number): RunStatus =>
  withCondition(run, { type: 'Seen', reason: 'ObjectSeen', message: 'the object came to be' }, now)

/** The status without a condition. */
export const withoutCondition = (run: ActionRun, unwanted: ConditionType): RunStatus => ({
  ...run.status,
  conditions: (run.status.conditions ?? []).filter(({ type }) => type !== unwanted),
})

/** The status with a condition that is True. */
export function withCondition(
  run: ActionRun,
  condition: { readonly type: ConditionType; readonly reason: string; readonly message: string },
  now: number,
): RunStatus {
  const others = (run.status.conditions ?? []).filter(({ type }) => type !== condition.type)
  const made = { ...condition, status: 'True', lastTransitionTime: time(now) } as const
  return { ...run.status, phase: run.status.phase ?? 'Pending', conditions: [...others, made] }
}
