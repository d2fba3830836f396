/** What to do about a held object: write its run, let it wait, run its actions, let it go, or fail it. Pure. */
import type { ActionRun } from '../../api/action-run.ts'
import { heldForMs, type SeenObject } from '../post.ts'
import { wasSeen } from '../run/conditions.ts'
import { endedPhase } from '../run/ending.ts'
import { hasEnded, type AbortReason } from '../run/machine.ts'
import { isHeld } from './turn.ts'

/** What is known. Times are milliseconds. */
export type HoldFacts = {
  readonly object: SeenObject
  /** The run of its pre stage. */
  readonly run: ActionRun | undefined
  /** Whether it may begin now: see turn.ts. */
  readonly hasTurn: boolean
  readonly owner: string
  /** Who led before this process does. */
  readonly formers: ReadonlySet<string>
  /** The longest life of a hold. */
  readonly longestMs: number
  /** By the API server's time, as the life of the object is. */
  readonly now: number
  /** By the clock of this process, as those of its owner's are. */
  readonly here: number
}

/** What to do. */
export type HoldStep =
  | { readonly do: 'nothing' }
  /** It has no run (its admission was not finished): what is to be done is planned now. */
  | { readonly do: 'write-run' }
  | { readonly do: 'wait'; readonly forMs: number }
  | { readonly do: 'drive' }
  | { readonly do: 'abort'; readonly reason: AbortReason; readonly message: string }
  | { readonly do: 'release' }
  | { readonly do: 'fail' }

const good: ReadonlySet<string> = new Set(['Succeeded', 'Skipped'])

/** What is said of a hold that lasted for too long. */
export const heldTooLong = 'it was held for longer than a hold may last (--hold-max-seconds)'

/** When a hold ends whatever becomes of its actions. */
export const holdEndsAt = ({ object, longestMs }: Pick<HoldFacts, 'object' | 'longestMs'>): number =>
  object.createdAt + longestMs

/** Decides. Level-triggered: the same facts give the same step. */
export function holdStep(facts: HoldFacts): HoldStep {
  const { object, run } = facts
  if (!isHeld(object)) return lifted(run, object)
  if (object.leaving) return abortedFor('Deleted', run)
  if (run === undefined) return { do: 'write-run' }
  if (hasEnded(run))
    return { do: good.has(endedPhase(run)) && object.abort === undefined ? 'release' : 'fail' }
  const held = heldForMs(run, { ...facts, now: facts.here })
  if (held > 0) return { do: 'wait', forMs: held }
  return ofWaiting(run, facts)
}

/** Why a hold ends now also where there is no run that could say so; undefined while it may go on. */
export function endsWithoutRun(facts: Pick<HoldFacts, 'object' | 'longestMs' | 'now'>): string | undefined {
  const { abort } = facts.object
  if (abort !== undefined) return abortedWords(abort)
  return leftOf(facts) <= 0 ? heldTooLong : undefined
}

/** For how long the hold may still last, milliseconds. */
const leftOf = (facts: Pick<HoldFacts, 'object' | 'longestMs' | 'now'>): number =>
  holdEndsAt(facts) - facts.now

/** Nobody else acts for it. */
function ofWaiting(run: ActionRun, facts: HoldFacts): HoldStep {
  const { object } = facts
  const left = leftOf(facts)
  if (object.abort !== undefined) return abortedFor('Aborted', run, object.abort)
  if (left <= 0) return abortedFor('HeldTooLong', run)
  if (run.status.phase === 'Running' || facts.hasTurn) return { do: 'drive' }
  return { do: 'wait', forMs: left }
}

const words = {
  NeverAppeared: 'it never came to be: it was refused after tidewaiter had admitted it',
  Deleted: 'it was deleted before its actions had ended',
  HeldTooLong: heldTooLong,
  Released: 'the hold was lifted, or the gate switched off, before its actions had ended',
}

/** What is said of an abort; `by`: who, and why. */
export const abortedWords = (by: string): string =>
  by.trim() === '' ? 'it was aborted by hand' : `it was aborted by hand (${by.trim()})`

/** What is said of an action that was cut short. Of a hold that lasted too long its refusal says so. */
export function cutWords(why: AbortReason | undefined, by: string): string | undefined {
  if (why === 'Aborted') return abortedWords(by)
  return why === 'Deleted' || why === 'Released' ? words[why] : undefined
}

/** Why an action of a held object is to be cut short while it runs; undefined while the hold stands. */
export function whyCut(
  seen: SeenObject | undefined,
  { uid, endsAt, now }: { readonly uid: string; readonly endsAt: number; readonly now: number },
): AbortReason | undefined {
  if (now >= endsAt) return 'HeldTooLong'
  if (seen === undefined || seen.uid !== uid || seen.leaving) return 'Deleted'
  if (!isHeld(seen)) return 'Released'
  return seen.abort === undefined ? undefined : 'Aborted'
}

/** How the run of a held object ends that is not there; what has begun was there. */
export const goneStep = (run: ActionRun): HoldStep =>
  abortedFor(wasSeen(run) || run.status.startTimestamp !== undefined ? 'Deleted' : 'NeverAppeared', run)

function abortedFor(
  reason: 'Deleted' | 'HeldTooLong' | 'Released' | 'Aborted' | 'NeverAppeared',
  run: ActionRun | undefined,
  by = '',
): HoldStep {
  if (run === undefined || hasEnded(run)) return { do: 'nothing' }
  return { do: 'abort', reason, message: reason === 'Aborted' ? abortedWords(by) : words[reason] }
}

/** The annotation is gone, or Velero began: somebody lifted the hold, or switched us off. */
function lifted(run: ActionRun | undefined, object: SeenObject): HoldStep {
  if (run?.spec.held !== true) return { do: 'nothing' }
  const failed = object.progress['status']
  const phase = typeof failed === 'object' && failed !== null && 'phase' in failed ? failed.phase : ''
  return abortedFor(phase === 'Deleting' || phase === 'FailedValidation' ? 'Deleted' : 'Released', run)
}
