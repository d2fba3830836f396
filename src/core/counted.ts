/** How failed post actions are shown in the Backup or Restore itself, where their Actions ask for it. Pure. */
import type { ActionRun } from '../api/action-run.ts'
import { speaksOf } from './post.ts'
import { entries, specOf } from './run/rows.ts'
import { at, progressOf, textAt, type Json } from './velero.ts'

// Of an Unknown one nobody can say that it succeeded.
const failed: ReadonlySet<string> = new Set(['Failed', 'Unknown'])

/** How many actions of a post run failed that count against the result (`countsAgainstResult`). */
export const countedFailures = ({ spec, status }: ActionRun): number =>
  entries(spec, status).filter(({ action, row }) => {
    const { countsAgainstResult, dryRun } = specOf(action)
    return countsAgainstResult === true && !dryRun && failed.has(row.phase)
  }).length

/** What to write on an object besides the annotation, which goes into the same write: it alone says that it was counted. */
export type Counting =
  | { readonly do: 'nothing' }
  /** It carries the result of this run already, or is gone. */
  | { readonly do: 'told' }
  /** Velero is not done with it: what it writes last would write over ours. */
  | { readonly do: 'wait' }
  /** The phase PartiallyFailed and so many errors, if the object is still at this resourceVersion. */
  | { readonly do: 'count'; readonly errors: number; readonly resourceVersion: string }

/** Decides from the object as the API server has it now; `undefined`: it is gone. */
export function countingOf(run: ActionRun, live: Json | undefined, now: number): Counting {
  const isIt = textAt(live, 'metadata', 'uid') === run.spec.objectRef.uid
  const told = speaksOf(textAt(live, 'metadata', 'annotations', 'tidewaiter.io/post'), run.metadata.name)
  if (live === undefined || !isIt || told) return { do: 'told' }
  const { ended, provisional, phase } = progressOf(live, now)
  if (phase === 'Deleting') return { do: 'nothing' }
  if (ended === undefined || provisional) return { do: 'wait' }
  // Failed and FailedValidation say worse already, and nobody counts errors of those.
  if (ended !== 'Completed' && ended !== 'PartiallyFailed') return { do: 'nothing' }
  const before = at(live, 'status', 'errors')
  return {
    do: 'count',
    errors: (typeof before === 'number' ? before : 0) + countedFailures(run),
    resourceVersion: textAt(live, 'metadata', 'resourceVersion'),
  }
}
