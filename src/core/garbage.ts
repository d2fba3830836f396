/** Which records may go. Results outlive them: the annotations on the Backup or Restore stay. */
import type { ActionRun } from '../api/action-run.ts'
import { speaksOf, type SeenObject } from './post.ts'
import { endedAt } from './run/ending.ts'
import { settled } from './run/machine.ts'

/** Settled runs are kept this long, milliseconds. */
export const keepRunsMs = 14 * 24 * 3_600_000
/** Most settled runs that are kept in a namespace. */
export const mostRuns = 2_000

/** What of an object says whether it carries the result of a run. */
export type Teller = Pick<SeenObject, 'uid' | 'pre' | 'post'>

/** A run whose object is there and does not carry its result yet must stay: by it alone is known that nothing fires again. */
function isTold({ metadata, spec }: ActionRun, object: Teller | undefined): boolean {
  if (object === undefined || object.uid !== spec.objectRef.uid) return true
  return speaksOf(spec.stage.startsWith('Pre') ? object.pre : object.post, metadata.name)
}

/** The settled and told runs that are too old or too many, the oldest first; `objectOf` gives what has the object's name now. */
export function prunable(
  runs: readonly ActionRun[],
  objectOf: (run: ActionRun) => Teller | undefined,
  now: number,
): readonly ActionRun[] {
  const oldestFirst = runs
    .filter((run) => settled.has(run.status.phase ?? 'Pending') && isTold(run, objectOf(run)))
    .sort((a, b) => endedAt(a) - endedAt(b))
  const tooMany = oldestFirst.length - mostRuns
  return oldestFirst.filter((run, i) => i < tooMany || now - endedAt(run) > keepRunsMs)
}
