/** Which runs may go. Results outlive them: the annotations on the Backup or Restore stay. Pure. */
import type { ActionRun } from '../api/action-run.ts'
import { holdingCooldowns } from './cooldown.ts'
import { speaksOf, type SeenObject } from './post.ts'
import { endedAt } from './run/ending.ts'
import { settled } from './run/machine.ts'
import { progressOf } from './velero.ts'

/** How long runs are kept, and how many of each Action. */
export type Keeping = { readonly days: number; readonly perAction: number }

const dayMs = 24 * 3_600_000

/** What of an object says whether a run of it may go. */
export type Owner = Pick<SeenObject, 'uid' | 'pre' | 'post' | 'progress'>

/** What is known besides the runs. */
export type GarbageFacts = {
  /** What has the name of the run's object now. */
  readonly objectOf: (run: ActionRun) => Owner | undefined
  /** Whether something of the run is still to be undone. */
  readonly owesUndo: (run: ActionRun) => boolean
  readonly keep: Keeping
  readonly now: number
}

/** A run that may go, and why it is one too many. */
export type Prunable = { readonly run: ActionRun; readonly because: 'age' | 'number' }

/** The runs that are too old or too many and whose work is done, the oldest first. */
export function prunable(runs: readonly ActionRun[], facts: GarbageFacts): readonly Prunable[] {
  const { keep, now } = facts
  const aged = runs.map((run) => ({ run, at: endedAt(run) })).sort((a, b) => b.at - a.at)
  const isOfNewest = counter(keep.perAction)
  const spare = aged.flatMap(({ run, at }): Prunable[] => {
    const isTooMany = !isOfNewest(run)
    if (now - at > keep.days * dayMs) return [{ run, because: 'age' }]
    return isTooMany ? [{ run, because: 'number' }] : []
  })
  const held = spare.length === 0 ? new Set<string>() : holdingCooldowns(runs, now)
  return spare.filter(({ run }) => !held.has(run.metadata.uid) && isDone(run, facts)).reverse()
}

/** Says of runs, given the newest first, whether one is among the newest of any of its actions: a rare Action keeps its history beside a busy one. */
function counter(most: number): (run: ActionRun) => boolean {
  const counts = new Map<string, number>()
  return ({ spec }) => {
    const names = spec.actions.map(({ name }) => name)
    for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
    return names.some((name) => (counts.get(name) ?? 0) <= most)
  }
}

/** Nothing is left to be done or told by it, and by it alone is known that nothing fires again. */
function isDone(run: ActionRun, { objectOf, owesUndo, now }: GarbageFacts): boolean {
  if (!settled.has(run.status.phase ?? 'Pending') || owesUndo(run)) return false
  const object = objectOf(run)
  if (object === undefined || object.uid !== run.spec.objectRef.uid) return true
  const isPre = run.spec.stage.startsWith('Pre')
  // Until the end the pre run says what is held for the object, and what may have to be undone.
  if (isPre && progressOf(object.progress, now).ended === undefined) return false
  return speaksOf(isPre ? object.pre : object.post, run.metadata.name)
}
