/** Which records may go. Results outlive them: the annotations on the Backup or Restore stay. */
import type { ActionRun } from '../api/action-run.ts'
import { settled } from './run/machine.ts'

/** Settled runs are kept this long, milliseconds. */
export const keepRunsMs = 14 * 24 * 3_600_000
/** Most settled runs that are kept in a namespace. */
export const mostRuns = 2_000

const endedAt = (run: ActionRun): number =>
  Date.parse(run.status.completionTimestamp ?? run.metadata.creationTimestamp)

/** The settled runs that are too old or too many, the oldest first. */
export function prunable(runs: readonly ActionRun[], now: number): readonly ActionRun[] {
  const oldestFirst = runs
    .filter((run) => settled.has(run.status.phase ?? 'Pending'))
    .sort((a, b) => endedAt(a) - endedAt(b))
  const tooMany = oldestFirst.length - mostRuns
  return oldestFirst.filter((run, i) => i < tooMany || now - endedAt(run) > keepRunsMs)
}
