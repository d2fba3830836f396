/**
 * Carries a run on: write what the machine says, then do it, until nothing is left to do now. The writing and the
 * doing arrive as functions; this is the one place that keeps their order (claim, act, record, announce).
 */
import type { ActionRun, RunStatus } from '../../api/action-run.ts'
import type { Outcome } from '../outcome.ts'
import type { Progress } from '../velero.ts'
import { beforeRefusal, remembered, type Remember } from './before.ts'
import { step, type AbortReason, type Effect, type Seen } from './machine.ts'

/** What a driver of runs needs. */
export type DrivePorts = {
  /** Writes the status with the resourceVersion of `run`; 'conflict' if somebody else wrote it, 'gone' if it is no more. */
  readonly write: (run: ActionRun, status: RunStatus) => Promise<ActionRun | 'conflict' | 'gone'>
  /** Performs, or undoes, one action of the run as it was written. */
  readonly perform: (run: ActionRun, work: Work, remember: Remember) => Promise<Outcome>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** How the object is now (post stages); undefined at pre stages. */
  readonly progress?: () => Progress
  /** Why the work was cut short, once it was. */
  readonly because?: () => AbortReason | undefined
  /** Who cut it short, and why, where somebody said so. */
  readonly words?: () => string | undefined
}

/** How far a run was carried. `lost`: another owner wrote it, and everything after that write was left undone. */
export type Driven = {
  readonly run: ActionRun
  readonly effects: readonly Effect[]
  readonly lost?: 'conflict' | 'gone'
}

// A machine that never settles would spin: each action gives at most three steps, and a run has at most 256 actions.
const mostSteps = 1024

/** Steps the run with what was seen, and goes on until it rests. Effects other than performing are handed back. */
export async function drive(run: ActionRun, first: Seen, ports: DrivePorts): Promise<Driven> {
  let current = run
  let seen: Seen = first
  const told: Effect[] = []
  for (let steps = 0; steps < mostSteps; steps++) {
    const next = step(current, seen, ports.now())
    const written = next.status === current.status ? current : await ports.write(current, next.status)
    if (typeof written === 'string') return { run: current, effects: told, lost: written }
    current = written
    told.push(...next.effects.filter((effect) => !works(effect)))
    const work = next.effects.find(works)
    if (work === undefined) return { run: current, effects: told }
    const worked = await performed(current, work, ports)
    if (worked.lost !== undefined) return { run: worked.run, effects: told, lost: worked.lost }
    current = worked.run
    seen = sightOf(work, worked.outcome, ports)
  }
  throw new Error(`run ${run.metadata.name} did not settle in ${mostSteps} steps`)
}

/** An effect that takes time and has an outcome. */
export type Work = Extract<Effect, { readonly do: 'perform' | 'undo' }>
const works = (effect: Effect): effect is Work => effect.do === 'perform' || effect.do === 'undo'

type Worked = Pick<Driven, 'run' | 'lost'> & { readonly outcome: Outcome }

/** Performs, and writes down on the way what the action found before it changes anything. */
async function performed(run: ActionRun, work: Work, ports: DrivePorts): Promise<Worked> {
  let current: ActionRun | 'conflict' | 'gone' = run
  let last = run
  let writing: Promise<unknown> = Promise.resolve()
  let over = false
  const keep: Remember = async (before) => {
    if (over || typeof current === 'string') return { refused: 'its run goes on without it' }
    const refused = beforeRefusal(current, work.action, before)
    if (refused !== undefined) return { refused }
    current = await ports.write(current, remembered(current, work.action, before))
    if (typeof current === 'string') return { refused: 'its run was written by another, or deleted' }
    last = current
    return { ok: true }
  }
  const remember: Remember = (before) => {
    const kept = keep(before)
    writing = kept.catch(() => {})
    return kept
  }
  const outcome = await ports.perform(run, work, remember)
  over = true
  // An action that is waited for no longer may still be writing: its end must not be written from the version before.
  await writing
  return { run: last, outcome, ...(typeof current === 'string' ? { lost: current } : {}) }
}

function sightOf(work: Work, outcome: Outcome, ports: DrivePorts): Seen {
  if (work.do === 'undo') return { see: 'undone', action: work.action, outcome }
  const progress = ports.progress?.()
  const because = ports.because?.()
  const words = ports.words?.()
  return {
    see: 'outcome',
    action: work.action,
    outcome,
    ...(progress === undefined ? {} : { progress }),
    ...(because === undefined ? {} : { because }),
    ...(words === undefined ? {} : { words }),
  }
}
