/** Decides what a new Backup or Restore sets in motion. Touches nothing. */
import type { Action, Stage } from '../api/action.ts'
import type { PlannedAction } from '../api/action-run.ts'
import { indexOf } from './action-index.ts'
import { match, type Evaluate, type MatchFacts } from './match.ts'
import { compareNames } from './order.ts'
import { skipReason } from './skip.ts'

/** Most actions of one stage for one object: their record must fit into one ActionRun. */
export const mostActions = 64

/** Who wrote an Action's spec, as stamped by us; undefined if the spec came in another way. */
export type Author = { readonly username: string; readonly groups: readonly string[] }

/** What planning needs to know. */
export type PlanInput = {
  readonly stage: Stage
  readonly actions: readonly Action[]
  readonly facts: MatchFacts
  /** Skip annotations that count (written by somebody who may skip). */
  readonly skips: Readonly<Record<string, string>>
  readonly authorOf: (action: Action) => Author | undefined
  readonly evaluate: Evaluate
}

/** An Action of the stage that does not run for the object, and why. */
export type LeftOut = {
  readonly name: string
  readonly reason: 'Suspended' | 'NotMatched' | 'Unadopted' | 'MatchFailed'
  readonly because: string
}

/** What one stage will do; `problems` refuse. */
export type StagePlan = {
  readonly actions: readonly PlannedAction[]
  readonly problems: readonly string[]
  /** Matching actions that are left out although they are not suspended: their spec came in another way. */
  readonly unadopted: readonly string[]
  /** The Actions of the stage that were looked at and are not run, in order. */
  readonly leftOut: readonly LeftOut[]
  /** Those that were not even looked at: what they ask for is nothing of the object. */
  readonly passedOver: PassedOver
}

/** Actions that were not looked at. Why not, is found out for those that somebody wants to read about. */
export type PassedOver = {
  readonly count: number
  /** The first ones, in order. */
  readonly first: (most: number) => readonly LeftOut[]
}

/** The actions of one stage that are for the object, in order, frozen. */
export function planStage(input: PlanInput): StagePlan {
  const planned: PlannedAction[] = []
  const problems: string[] = []
  const leftOut: LeftOut[] = []
  const index = indexOf(input.actions, input.stage)
  const looked = index.maybeFor(input.facts)
  for (const action of looked) {
    const { name } = action.metadata
    const placed = placeOf(action, input)
    if ('planned' in placed) planned.push(placed.planned)
    else {
      leftOut.push({ name, ...placed.leftOut })
      if (placed.problem !== undefined) problems.push(placed.problem)
    }
  }
  if (planned.length > mostActions)
    problems.push(`${planned.length} actions match, at most ${mostActions} can run in one stage`)
  const unadopted = leftOut.filter(({ reason }) => reason === 'Unadopted').map(({ name }) => name)
  const actions = planned.slice(0, mostActions)
  return { actions, problems, unadopted, leftOut, passedOver: passedOver(index.all, looked, input) }
}

function passedOver(all: readonly Action[], looked: readonly Action[], input: PlanInput): PassedOver {
  const first = (most: number) => {
    const seen = new Set(looked)
    const found: LeftOut[] = []
    for (const action of all) {
      if (found.length >= most) break
      const placed = seen.has(action) ? undefined : placeOf(action, input)
      if (placed !== undefined && 'leftOut' in placed)
        found.push({ name: action.metadata.name, ...placed.leftOut })
    }
    return found
  }
  return { count: all.length - looked.length, first }
}

/** Every Action of the stage that is not run, in order. */
export const allLeftOut = ({ leftOut, passedOver }: StagePlan): readonly LeftOut[] =>
  [...leftOut, ...passedOver.first(passedOver.count)].sort((a, b) => compareNames(a.name, b.name))

type Placed =
  { readonly planned: PlannedAction } | { readonly leftOut: Omit<LeftOut, 'name'>; readonly problem?: string }

function placeOf(action: Action, input: PlanInput): Placed {
  const { name } = action.metadata
  if (action.spec.suspend) return { leftOut: { reason: 'Suspended', because: 'spec.suspend is true' } }
  const matched = match(action.spec, input.facts, input.evaluate)
  if ('matched' in matched && !matched.matched)
    return { leftOut: { reason: 'NotMatched', because: matched.because } }
  const author = input.authorOf(action)
  // What waits to be adopted is not run, so it does not refuse either.
  if (author === undefined) return { leftOut: { reason: 'Unadopted', because: unadopted } }
  const skip = skipReason(input.skips, name, input.stage)
  if ('matched' in matched) return { planned: freeze(action, author, skip) }
  const because = `its match expression failed: ${matched.error}`
  // A skip is the way out of an expression that fails; without it, an expression that fails refuses.
  if (skip !== undefined) return { leftOut: { reason: 'MatchFailed', because: `${skip}; ${because}` } }
  return {
    leftOut: { reason: 'MatchFailed', because },
    problem: `the match expression of ${input.stage} action "${name}" failed: ${matched.error}`,
  }
}

const unadopted = 'its spec came in another way than through tidewaiter, and nobody adopted it'

function freeze(action: Action, author: Author, skip: string | undefined): PlannedAction {
  const { name, uid, generation } = action.metadata
  return {
    name,
    uid,
    generation: generation ?? 0,
    spec: action.spec,
    author: { username: author.username, groups: author.groups },
    ...(skip === undefined ? {} : { skip }),
  }
}

/** The seconds that a pre stage may take at most: the timeouts of the actions that will run. */
export function secondsOf(actions: readonly PlannedAction[]): number {
  // A dry run only renders: its timeout is nobody's wait.
  const run = actions.filter(({ skip, spec }) => skip === undefined && spec['dryRun'] !== true)
  return run.reduce((sum, { spec }) => sum + timeoutOf(spec), 0)
}

/** What is left of a time for timeouts, which are in whole seconds; in milliseconds. */
export const wholeSeconds = (ms: number): number => Math.floor(ms / 1000) * 1000

function timeoutOf(spec: PlannedAction['spec']): number {
  const seconds = spec['timeoutSeconds']
  return typeof seconds === 'number' ? seconds : 10
}

/** What the planned actions are known by: a change of any of them changes it. `hash` makes a short text of a long one. */
export function actionsHashOf(actions: readonly PlannedAction[], hash: (text: string) => string): string {
  return hash(
    JSON.stringify(actions.map(({ uid, generation, skip }) => [uid, generation, skip !== undefined])),
  )
}
