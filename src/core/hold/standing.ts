/** Where a held object stands, for people: what it waits for, or what runs. The same rules say whose turn it is. Pure. */
import type { ActionRun, RunRow } from '../../api/action-run.ts'
import type { SeenObject } from '../post.ts'
import { spell } from '../refusal.ts'
import { entries, specOf } from '../run/rows.ts'
import { endedPhase } from '../run/ending.ts'
import { hasEnded } from '../run/machine.ts'
import { progressOf } from '../velero.ts'
import { abortedWords } from './step.ts'
import { busyIn, inLine, turnOf, type TurnFacts } from './turn.ts'
import { wayOf } from './way.ts'

/**
 * New: its record is not written yet. Waiting: for its turn. Next: it is its turn. Running: an action runs. KeyTaken: another
 * object has its exclusive key. Ending: its actions have ended, and the leader is about to say so on it. Aborting, Deleting.
 */
export type StandingState =
  'New' | 'Waiting' | 'Next' | 'Running' | 'KeyTaken' | 'Ending' | 'Aborting' | 'Deleting'

/** In one word, and in a phrase. */
export type Standing = { readonly state: StandingState; readonly words: string }

/** The objects of one kind in one namespace, and their runs. */
export type StandingFacts = TurnFacts

/** One held object. */
export type StandingOf = {
  readonly object: SeenObject
  readonly run: ActionRun | undefined
  readonly standing: Standing
}

/** Every held object, in the order in which their turns come. */
export function standings(facts: StandingFacts): readonly StandingOf[] {
  const { runOf } = facts
  const line = inLine(facts.objects)
  const next = turnOf(facts)
  const busy = busyIn(facts)
  const leaving = facts.objects.filter(({ held, leaving: goes }) => held && goes)
  return [
    ...line.map((object, i) => {
      const run = runOf(object.uid)
      const ahead = { busy, held: line.slice(0, Math.min(i, 1)), count: i }
      const at = { now: facts.now, hasTurn: next.has(object.uid), ahead }
      return { object, run, standing: standingOf(object, run, at) }
    }),
    ...leaving.map((object) => ({
      object,
      run: runOf(object.uid),
      standing: { state: 'Deleting', words: 'is being deleted' } as const,
    })),
  ]
}

/** What comes before one: what Velero works on, the first of the held ones, and how many those are. */
type Ahead = {
  readonly busy: readonly SeenObject[]
  readonly held: readonly SeenObject[]
  readonly count: number
}
type At = { readonly now: number; readonly hasTurn: boolean; readonly ahead: Ahead }

function standingOf(object: SeenObject, run: ActionRun | undefined, at: At): Standing {
  if (object.abort !== undefined) return { state: 'Aborting', words: abortedWords(object.abort) }
  if (run === undefined) return { state: 'New', words: 'its run is not written yet' }
  if (hasEnded(run)) return ending(run)
  return run.status.phase === 'Running' ? running(run, at.now) : pending(run, at)
}

function ending(run: ActionRun): Standing {
  const phase = endedPhase(run)
  const fate = phase === 'Succeeded' || phase === 'Skipped' ? 'start' : 'fail'
  return { state: 'Ending', words: `about to ${fate}: its actions ended as ${phase}` }
}

function running(run: ActionRun, now: number): Standing {
  const row = (run.status.actions ?? []).find(({ phase }) => phase === 'Running')
  if (row === undefined) return { state: 'Running', words: 'between two actions' }
  const began = Date.parse(row.startTimestamp ?? '')
  const since = Number.isFinite(began) ? ` since ${spell(Math.max(0, now - began))}` : ''
  // Attempts are counted when they have ended: what was handed back before was one.
  const again = row.attempts > 0 ? `, attempt ${row.attempts + 1}` : ''
  return { state: 'Running', words: `runs ${row.name}${since}${again}` }
}

function pending(run: ActionRun, { hasTurn, ahead }: At): Standing {
  const row = (run.status.actions ?? []).find(isHandedBack)
  if (row !== undefined) return { state: 'KeyTaken', words: `${row.name} ${row.message ?? 'waits'}` }
  if (hasTurn) return { state: 'Next', words: 'it is its turn: its actions are about to run' }
  return { state: 'Waiting', words: `waits for its turn${behind(ahead)}` }
}

const isHandedBack = (row: RunRow): boolean =>
  row.phase === 'Pending' && row.completionTimestamp !== undefined

function behind({ busy, held, count }: Ahead): string {
  const [first, ...others] = busy
  const work = first === undefined ? [] : [`${first.name} (${phaseOf(first)})`]
  const more = others.length === 0 ? [] : [`${others.length} more at work`]
  const line = held.map(({ name }) => (count === 1 ? `${name} (held)` : `${count} held ones, ${name} first`))
  const all = [...work, ...more, ...line]
  return all.length === 0 ? '' : ` behind ${all.join(', ')}`
}

const phaseOf = ({ progress }: SeenObject): string => progressOf(progress, 0).phase || 'New'

/** Why it is held, as far as its run tells; undefined if it has none. */
export function whyHeld(run: ActionRun | undefined): string | undefined {
  if (run === undefined) return undefined
  const way = wayOf(run.spec.actions, false)
  if (way.hold) return way.why
  return run.spec.scheduleName === undefined ? undefined : `the Schedule ${run.spec.scheduleName} made it`
}

/** What is left undone where the hold is lifted now: actions that run, and those that have not begun. */
export function unfinishedIn(run: ActionRun): {
  readonly running: readonly string[]
  readonly waiting: readonly string[]
  readonly done: readonly string[]
} {
  const rows = entries(run.spec, run.status).filter(
    ({ action }) => action.skip === undefined && !specOf(action).dryRun,
  )
  const named = (wanted: string) => rows.filter(({ row }) => row.phase === wanted).map(({ row }) => row.name)
  return { running: named('Running'), waiting: named('Pending'), done: named('Succeeded') }
}
