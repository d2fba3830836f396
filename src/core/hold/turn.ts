/**
 * Whose turn it is. Velero works on few objects at a time; actions that ran for all held ones at once would keep an
 * application quiet for hours before its Backup starts. So they run just in time: only while Velero has room, and in order
 * of creation. Backups and Restores do not wait for each other.
 */
import type { ActionRun } from '../../api/action-run.ts'
import { toldAt, type SeenObject } from '../post.ts'
import { specOf } from '../run/rows.ts'
import { keyOf } from './keys.ts'
import { compareNames } from '../order.ts'
import { progressOf } from '../velero.ts'

/** What decides. Times are milliseconds. */
export type TurnFacts = {
  /** All objects of one kind in the namespace. */
  readonly objects: readonly SeenObject[]
  /** How many of them Velero works on at once. */
  readonly slots: number
  /** After this long without a sign of life, what Velero works on no longer counts. */
  readonly stuckAfterMs: number
  readonly now: number
  /** The run of a held object. */
  readonly runOf: (uid: string) => ActionRun | undefined
}

/** Whether the actions of a run have begun. */
const hasBegun = (run: ActionRun | undefined): boolean => run?.status.startTimestamp !== undefined

/** Whether a run waits for an exclusive key that another object has. */
export const waitsForKey = (run: ActionRun | undefined): boolean =>
  run?.status.phase === 'Pending' &&
  (run.status.actions ?? []).some((row) => row.phase === 'Pending' && row.completionTimestamp !== undefined)

/** Whether an object is held: the annotation is there, and Velero has not begun. */
export const isHeld = (object: SeenObject): boolean => object.held && hasNotBegun(object)

/** Whether Velero has not even queued it. */
export const hasNotBegun = ({ progress }: SeenObject): boolean =>
  ['', 'New'].includes(progressOf(progress, 0).phase)

/** Whether Velero began with it, did not end it, and nothing was heard of it for so long; it may have been let go hours after it was created. */
export function isStuck(
  { createdAt, startedAt, statusWrittenAt, pre, progress }: SeenObject,
  { stuckAfterMs, now }: Pick<TurnFacts, 'stuckAfterMs' | 'now'>,
): boolean {
  // A time that nobody told is NaN, and no sign of life.
  const isFresh = (time: number): boolean => now - time <= stuckAfterMs
  if ([createdAt, startedAt, statusWrittenAt].some(isFresh) || isFresh(toldAt(pre))) return false
  const { ended, phase } = progressOf(progress, now)
  return ended === undefined && phase !== 'Deleting'
}

const working: ReadonlySet<string> = new Set(['', 'New', 'Queued', 'ReadyToStart', 'InProgress'])

/** Takes room in Velero: it works on it, or is about to. After InProgress Velero goes on with the next. */
const takesRoom = (object: SeenObject, facts: Pick<TurnFacts, 'stuckAfterMs' | 'now'>): boolean =>
  !isHeld(object) &&
  !object.leaving &&
  working.has(progressOf(object.progress, facts.now).phase) &&
  !isStuck(object, facts)

/** What takes room in Velero now. */
export const busyIn = (facts: Pick<TurnFacts, 'objects' | 'stuckAfterMs' | 'now'>): readonly SeenObject[] =>
  facts.objects.filter((object) => takesRoom(object, facts))

/** The held objects in the order of their creation. */
export const inLine = (objects: readonly SeenObject[]): readonly SeenObject[] =>
  objects
    .filter((object) => isHeld(object) && !object.leaving)
    .sort((a, b) => a.createdAt - b.createdAt || compareNames(a.name, b.name))

/** The exclusive keys that the actions of a run want. */
const wantedBy = (run: ActionRun | undefined): readonly string[] =>
  (run?.spec.actions ?? []).flatMap((action) => keyOf(action.name, specOf(action)) ?? [])

type Waiting = { readonly uid: string; readonly run: ActionRun | undefined }

/** For how many more of those in line Velero has room. Where nobody waits, as in most installs, what it works on is not looked through. */
function roomFor(line: readonly Waiting[], facts: TurnFacts): number {
  if (line.length === 0) return 0
  const acting = line.filter(({ run }) => hasBegun(run) && !waitsForKey(run)).length
  return Math.max(0, facts.slots - busyIn(facts).length - acting)
}

/**
 * The uids of the held objects whose actions may run now: those that have begun, and the next ones while there is room. Of
 * those that want one exclusive key only the first: else all others would begin too, and whoever asks first would get it.
 */
export function turnOf(facts: TurnFacts): ReadonlySet<string> {
  const line = inLine(facts.objects).map(({ uid }) => ({ uid, run: facts.runOf(uid) }))
  let room = roomFor(line, facts)
  const wanted = new Set<string>()
  const turns = new Set<string>()
  for (const { uid, run } of line) {
    const keys = wantedBy(run)
    const isBehind = keys.some((key) => wanted.has(key))
    const acts = hasBegun(run) && !waitsForKey(run)
    if (acts || (!isBehind && (hasBegun(run) || room > 0))) {
      turns.add(uid)
      if (!hasBegun(run)) room -= 1
    }
    if (turns.has(uid)) for (const key of keys) wanted.add(key)
  }
  return turns
}
