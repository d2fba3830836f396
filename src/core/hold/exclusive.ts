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
import { compareNames } from '../order.ts'
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

/** What is not done, or only tried out, needs no key. */
const isDone = ({ action }: Entry): boolean => action.skip === undefined && !specOf(action).dryRun
const isBegun = ({ row }: Entry): boolean => row.startTimestamp !== undefined

/** It failed before it was sent, as for want of a key of its stage, and was passed over: it does not stand for all of them. */
const wasKeptAway = ({ row }: Entry): boolean => row.noEffect === true && row.attempts === 0

/** All keys of a run, each once, in one order for everybody. */
function wantedBy(run: ActionRun): readonly string[] {
  const done = entries(run.spec, run.status).filter(isDone)
  const keys = done.flatMap(({ action }) => keyOf(action.name, specOf(action)) ?? [])
  return [...new Set(keys)].sort(compareNames)
}

/** The keys that a run took, or may have taken: what was claimed once may have, also if it was put back and skipped since. */
export function keysOf(run: ActionRun): readonly string[] {
  if (!isPre(run)) return []
  return entries(run.spec, run.status).some((entry) => isDone(entry) && isBegun(entry)) ? wantedBy(run) : []
}

/**
 * The keys that are taken before an action of a run is performed. The first one takes all of the stage: what it quietens must not
 * wait, quiet, until another object gives the next key back; and as all take them in one order, no two wait for each other.
 */
export function keysFor(run: ActionRun, name: string): readonly string[] {
  const others = entries(run.spec, run.status).filter(({ action }) => action.name !== name)
  if (!others.some((entry) => isDone(entry) && isBegun(entry) && !wasKeptAway(entry))) return wantedBy(run)
  return ownKey(run, name)
}

/** The key of one action of a run. */
export function ownKey(run: ActionRun, name: string): readonly string[] {
  const action = run.spec.actions.find((one) => one.name === name)
  const key = action === undefined ? undefined : keyOf(action.name, specOf(action))
  return key === undefined ? [] : [key]
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
