/** What became of a run after its stage had ended, in words: undone or still to be, held for how long, and what else is known. */
import type { ActionRun, RunRow } from '../api/action-run.ts'
import { spell } from '../core/refusal.ts'
import { endedPhase } from '../core/run/ending.ts'
import { hasEnded } from '../core/run/machine.ts'
import { isStuck } from '../core/run/undo.ts'
import { toneOfPhase } from './phases.ts'
import type { Tone } from './screen.ts'
import type { Fact } from './sheet.ts'
import { agoOf } from './when.ts'

/** The phase in a table: an undo that is stuck must not look like one that goes on. */
export const phaseCell = (run: ActionRun): string =>
  isStuck(run) ? `${run.status.phase ?? 'Pending'} (stuck)` : (run.status.phase ?? 'Pending')

/** Its tone: what was undone is told by how it had ended. */
export const toneOfRun = (run: ActionRun): Tone | undefined =>
  isStuck(run)
    ? 'bad'
    : toneOfPhase(run.status.phase === 'Undone' ? endedPhase(run) : (run.status.phase ?? 'Pending'))

/** The phase in a sentence. */
export function phaseFact(run: ActionRun): Fact {
  const { phase = 'Pending', reason, undoneFrom } = run.status
  const ended = endedPhase(run)
  const why = reason === undefined ? '' : ` (${reason})`
  const text = undoneFrom === undefined ? `${phase}${why}` : `${phase}, after it had ended as ${ended}${why}`
  return ['Phase', text, toneOfRun(run)]
}

/** For how long its object was, or is, held. */
export function heldFact({ spec, status, metadata }: ActionRun, now: number): Fact {
  if (spec.held !== true) return ['Held', undefined]
  const from = Date.parse(metadata.creationTimestamp)
  const began = Date.parse(status.startTimestamp ?? '')
  const ended = Date.parse(status.completionTimestamp ?? '')
  if (Number.isFinite(ended)) {
    const took = Number.isFinite(began)
      ? `of which its actions took ${spell(ended - began)}`
      : 'and none of its actions began'
    return ['Held', `${spell(Math.max(0, ended - from))}, ${took}`]
  }
  const most = spec.holdMaxSeconds
  const until = most === undefined ? '' : `, at most until ${new Date(from + most * 1000).toISOString()}`
  return [
    'Held',
    `since ${agoOf(metadata.creationTimestamp, now)}${until}; \`holds list\` says what it waits for`,
  ]
}

const serious: ReadonlySet<string> = new Set(['Unguarded', 'Orphaned', 'UndoStuck'])

/** What came to be known later, a sentence each. */
export const conditionFacts = ({ status }: ActionRun): readonly Fact[] =>
  (status.conditions ?? []).map(({ type, status: holds, reason, message }) => {
    const said = message === '' ? reason : message
    const isTrue = holds === 'True'
    return [type, isTrue ? said : `${holds}: ${said}`, isTrue && serious.has(type) ? 'bad' : undefined]
  })

/** What a table says of them: the serious ones by name. */
export const notesOf = ({ status }: ActionRun): string =>
  (status.conditions ?? [])
    .filter(({ type, status: holds }) => holds === 'True' && serious.has(type))
    .map(({ type }) => type)
    .join(',') || '-'

/** How many of the actions whose undo is owed are undone. */
export function undoTally({ status }: ActionRun): string {
  const owed = (status.actions ?? []).flatMap(({ undo }) => (undo === undefined ? [] : [undo]))
  const done = owed.filter(({ phase }) => phase === 'Undone').length
  return owed.length === 0 ? '-' : `${done}/${owed.length}`
}

const undoTones = { Undoing: 'warn', Undone: 'good', Stuck: 'bad' } as const

/** The undo of one action. */
export function undoFacts({ undo, noEffect }: RunRow, run: ActionRun, now: number): readonly Fact[] {
  const none = noEffect === true ? 'nothing reached the other side, so there is nothing to undo' : undefined
  if (undo === undefined) return [['Effect', hasEnded(run) ? none : undefined]]
  const { phase, attempts, lastTimestamp, message } = undo
  const times = attempts === 1 ? '1 attempt' : `${attempts} attempts`
  const last = lastTimestamp === undefined ? '' : `, the last ${agoOf(lastTimestamp, now)} ago`
  const next = phase === 'Stuck' ? '; it is tried again every ten minutes' : ''
  const tried = attempts === 0 ? 'not tried yet' : `${times}${last}${next}`
  return [
    ['Undo', `${phase} (${tried})`, undoTones[phase]],
    ['Answer', message],
  ]
}
