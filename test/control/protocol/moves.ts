/** Who may do what next: tidewaiter by its own code, Velero and a person as the API server lets them. */
import { reconcilePre } from '../../../src/control/pre.ts'
import { performClaimed } from '../../../src/control/perform.ts'
import type { ControlPorts } from '../../../src/control/ports.ts'
import { whyCut } from '../../../src/core/hold/step.ts'
import { notBegun, type Outcome } from '../../../src/core/outcome.ts'
import { drive } from '../../../src/core/run/drive.ts'
import { holds } from '../../../src/core/run/conditions.ts'
import { endedPhase } from '../../../src/core/run/ending.ts'
import { hasEnded, type AbortReason } from '../../../src/core/run/machine.ts'
import { isStuck } from '../../../src/core/hold/turn.ts'
import { aDone, aFailed, anAborted } from '../../support/outcomes.ts'
import {
  aged,
  keyOf,
  longestMs,
  now,
  oldestMs,
  seen,
  stuckAfterMs,
  tickMs,
  withItem,
  type Setting,
  type State,
  type Thing,
  type Truth,
  type Work,
} from './state.ts'
import { Died, restOf, Suspended, World, type Behind } from './world.ts'

/** One move. */
export type Move = {
  readonly name: string
  readonly to: State
  /** The time, or tidewaiter: what must come to an end by itself. */
  readonly by: 'tidewaiter' | 'time' | 'others'
  /** Something was written. */
  readonly wrote?: boolean
  /** What is wrong about it. */
  readonly wrong?: string
  /** The look asked for no other look. */
  readonly sleeps?: boolean
}

/** Puts a mistake into the replicas: what they are given to work with is wrapped. */
export type Wrap = (ports: ControlPorts, world: World) => ControlPorts
/** How an exploration plays. */
export type Play = {
  readonly setting: Setting
  readonly wrap: Wrap
  /** Whether keys keep others out: false plants that mistake. */
  readonly keys: boolean
}

const signal = new AbortController().signal
const inFault = (state: State): State => ({ ...state, faults: state.faults - 1 })
const indices = (list: readonly unknown[]) => list.map((_, index) => index)
const replicas = [0, 1]

/** All that may happen next. */
export async function movesFrom(state: State, play: Play): Promise<readonly Move[]> {
  const moves: Move[] = [...ofTime(state), ...ofReplicas(state)]
  for (const thing of indices(state.things)) {
    moves.push(
      ...ofVelero(state, thing),
      ...ofPeople(state, thing),
      ...(await ofAdmission(state, thing, play)),
    )
    if (state.leader !== -1) moves.push(...(await looks(state, thing, play)))
  }
  for (const work of state.works) moves.push(...(await ofWork(state, work, play)))
  const possible = moves.filter(({ to }) => to.faults >= 0)
  return play.setting.behind === false ? possible.map(inTime) : possible
}

/** Where copies are never behind. */
const inTime = (move: Move): Move => ({
  ...move,
  to: { ...move.to, oldRuns: [undefined, undefined], oldThings: [undefined, undefined] },
})

// --- time, replicas ---

function ofTime(state: State): readonly Move[] {
  const next = aged(state)
  if (keyOf(next) === keyOf(state)) return []
  // What is begun is over before a tick is: it takes something slow for it not to be.
  if (state.works.length > 0)
    return [{ name: 'a tick passes while something is slow', to: inFault(next), by: 'others' }]
  return [{ name: 'a tick passes', to: next, by: 'time' }]
}

function ofReplicas(state: State): readonly Move[] {
  if (state.leader === -1)
    return replicas.map((one) => ({ name: `r${one} leads`, to: { ...state, leader: one }, by: 'tidewaiter' }))
  const resigned = inFault({ ...state, leader: -1 })
  const busy = replicas.filter((one) => one === state.leader || state.works.some(({ by }) => by === one))
  return [
    { name: `r${state.leader} leads no more`, to: resigned, by: 'others' },
    ...busy.map((one) => ({ name: `r${one} dies`, to: died(state, one), by: 'others' as const })),
  ]
}

/** It comes back under another name: what it owned is nobody's. */
function died(state: State, replica: number): State {
  const left = state.works.filter(({ by }) => by !== replica)
  const runs = state.runs.map((kept) =>
    kept?.status.owner === `r${replica}` ? { ...kept, status: { ...kept.status, owner: 'dead' } } : kept,
  )
  return inFault({ ...state, runs, works: left, leader: state.leader === replica ? -1 : state.leader })
}

// --- Velero and people ---

const put = (state: State, index: number, thing: Thing): State => ({
  ...state,
  things: withItem(state.things, index, thing),
  oldThings: withItem(state.oldThings, index, state.things[index]),
})

const withTruth = (state: State, index: number, truth: Partial<Truth>): State => ({
  ...state,
  truth: state.truth.map((one, at) => (at === index ? { ...one, ...truth } : one)),
})

function ofVelero(state: State, index: number): readonly Move[] {
  const thing = state.things[index]
  if (thing?.is !== 'there') return []
  const to = (phase: Thing['phase'], more: Partial<Thing> = {}) =>
    put(state, index, { ...thing, phase, ...more })
  if (thing.phase === 'InProgress')
    return [
      {
        name: `b${index} completes`,
        to: put(state, index, restOf({ ...thing, phase: 'Completed' })),
        by: 'others',
      },
    ]
  if (thing.phase === 'Deleting')
    return [{ name: `b${index} is removed`, to: put(state, index, gone(thing)), by: 'others' }]
  if (thing.phase !== '' && thing.phase !== 'New') return []
  const invalid = inFault(put(state, index, restOf({ ...thing, phase: 'FailedValidation' })))
  const fails: Move = { name: `Velero finds b${index} invalid`, to: invalid, by: 'others' }
  const busy = state.things.some(({ is, phase }) => is === 'there' && phase === 'InProgress')
  // The policy hold.tidewaiter.io refuses the start of what is held; with the gate off it is not asked.
  if (busy || (thing.held && !state.gateOff)) return [fails]
  const begun = to('InProgress', { startedAt: now, createdAt: now - oldestMs })
  const started = withTruth(begun, index, { started: true })
  return [fails, { name: `Velero starts b${index}`, to: started, by: 'others', ...wrongStart(state, index) }]
}

const good: ReadonlySet<string> = new Set(['Succeeded', 'Skipped'])

function wrongStart(state: State, index: number): { readonly wrong?: string } {
  const truth = state.truth[index]
  if (truth === undefined || truth.freed || state.gateOff) return {}
  const kept = state.runs[index]
  const phase = kept?.status.undoneFrom ?? kept?.status.phase ?? 'none'
  if (!good.has(phase)) return { wrong: `Velero starts b${index}, and its pre run is ${phase}` }
  return truth.effects.includes('undone')
    ? { wrong: `Velero starts b${index}, whose actions were undone` }
    : {}
}

const gone = (thing: Thing): Thing => ({ ...restOf(thing), is: 'gone', held: false })

function ofPeople(state: State, index: number): readonly Move[] {
  const thing = state.things[index]
  if (thing?.is !== 'there') return []
  const moves: Move[] = []
  const others = (name: string, to: State) => void moves.push({ name, to: inFault(to), by: 'others' })
  others(`b${index} is deleted`, put(state, index, gone(thing)))
  if (thing.phase !== 'Deleting' && thing.phase !== 'InProgress')
    others(`b${index} is deleted through Velero`, put(state, index, restOf({ ...thing, phase: 'Deleting' })))
  if (thing.held && thing.phase !== 'Completed') {
    const lifted = withTruth(put(state, index, { ...thing, held: false }), index, { freed: true })
    others(`the hold of b${index} is lifted`, lifted)
    if (!thing.aborted) others(`b${index} is to be aborted`, put(state, index, { ...thing, aborted: true }))
    if (!state.gateOff) {
      const open = { ...state, gateOff: true, truth: state.truth.map((one) => ({ ...one, freed: true })) }
      others('the gate is switched off', open)
    }
  }
  return moves
}

// --- admission ---

const asked: Thing = { is: 'asked', phase: 'New', held: false, aborted: false, createdAt: now, startedAt: 0 }
/** The API server ends a whole write after 34 s. */
const longestWriteMs = tickMs

async function ofAdmission(state: State, index: number, play: Play): Promise<readonly Move[]> {
  const thing = state.things[index]
  const held = play.setting.held[index] === true
  if (thing?.is === 'no') return held ? held1(state, index, play) : inline(state, index, play)
  if (thing?.is !== 'asked') return []
  const lost: Move = { name: `b${index} never comes`, to: put(state, index, gone(thing)), by: 'others' }
  const late = now - thing.createdAt > longestWriteMs
  return late || !isAdmitted(state, index, held) ? [lost] : [stored(state, index, thing, held), lost]
}

const isAdmitted = ({ runs }: State, index: number, held: boolean): boolean =>
  held || good.has(runs[index]?.status.phase ?? '')

const stored = (state: State, index: number, thing: Thing, held: boolean): Move => ({
  name: `b${index} is stored`,
  to: put(state, index, { ...thing, is: 'there', held }),
  by: 'others',
})

/** Its webhook writes the run and lets it pass; or it is stored without (failurePolicy Ignore, and the webhook away). */
function held1(state: State, index: number, play: Play): readonly Move[] {
  const world = new World(withPost(state, index, play), play.setting, { by: 0, of: index })
  world.setThing(index, asked)
  world.create(index)
  const alone = inFault(put(withPost(state, index, play), index, { ...asked, is: 'there', held: true }))
  return [
    { name: `b${index} is held`, to: world.state, by: 'others' },
    { name: `b${index} is stored held, and has no run`, to: alone, by: 'others' },
  ]
}

const withPost = (state: State, index: number, { setting }: Play): State =>
  setting.post === true ? { ...state, posts: withItem(state.posts, index, 'open') } : state

async function inline(state: State, index: number, play: Play): Promise<readonly Move[]> {
  const moves: Move[] = []
  for (const by of replicas) {
    const world = new World(withPost(state, index, play), play.setting, { by, of: index })
    world.setThing(index, asked)
    const run = world.create(index)
    if (run === 'exists') continue
    const until = now + 10_000
    const seen = { see: 'claim', owner: world.owner, until } as const
    await carryOn(() => drive(run, seen, portsOf(world, play, until)))
    moves.push({ name: `r${by} is asked about b${index}`, to: world.state, by: 'others' })
  }
  return moves
}

// --- what was begun ---

function portsOf(world: World, play: Play, endsAt: number) {
  const ports = play.wrap(world.ports(), world)
  // Who performs inside an admission request need not lead.
  const any = { ...ports, leading: signal }
  return {
    now: () => now,
    write: ports.runs.write,
    perform: (run: Work['run'], work: Parameters<typeof performClaimed>[1]) => {
      const inline = run.spec.held !== true && work.do === 'perform'
      return performClaimed(run, work, { ports: inline ? any : ports, signal, endsAt })
    },
  }
}

/** Runs a driver until it is through, sends an action off, or dies. */
async function carryOn(what: () => Promise<unknown>): Promise<unknown> {
  try {
    return await what()
  } catch (error) {
    if (error instanceof Suspended || error instanceof Died) return undefined
    throw error
  }
}

async function ofWork(state: State, work: Work, play: Play): Promise<readonly Move[]> {
  const name = `r${work.by}: ${work.do} ${work.action} of b${work.thing}`
  const moves: Move[] = []
  const ends = async (how: string, outcome: Outcome, fault = false) =>
    void moves.push({
      name: `${name} ${how}`,
      ...(await outcomeOf(state, { work, outcome }, play)),
      ...(fault ? { by: 'others' as const } : {}),
    })
  if (work.sent) {
    await ends('is done', aDone())
    if (state.faults > 0) await ends('fails', aFailed(), true)
    if (cutOf(state, work) !== undefined) await ends('is cut short', anAborted())
  } else if (work.endsAt > now) {
    const isFree = state.key === -1 || state.key === work.thing || !play.keys
    if (isFree) moves.push(send(state, work, name))
    else await ends('finds its key taken', notBegun('exclusive', 'taken'))
    if (cutOf(state, work) !== undefined) await ends('is cut short', notBegun('aborted', 'cut'))
    if (state.faults > 0) {
      await ends('could not begin', notBegun('internal', 'no answer'), true)
      if (isFree && work.do === 'perform') {
        const withKey = { ...state, key: work.thing }
        const broken = await outcomeOf(withKey, { work, outcome: notBegun('internal', 'no answer') }, play)
        moves.push({ name: `${name} has its key, and could not begin`, ...broken, by: 'others' })
      }
    }
  } else await ends('is too late', { ...aFailed({ cause: 'timeout', mayHaveHadEffect: false, attempts: 0 }) })
  return moves.map((move) => (move.by === 'others' ? { ...move, to: inFault(move.to) } : move))
}

/** Why it would be cut short now: what its watch sees, and that its replica leads no more. */
function cutOf(state: State, { by, thing: index, do: what, run }: Work): AbortReason | undefined {
  const stops = state.leader === by ? undefined : 'Stopping'
  if (run.spec.held !== true && what === 'perform') return undefined
  if (what === 'undo') return stops
  const thing = state.things[index]
  const object = thing?.is === 'there' ? seen(thing, index) : undefined
  const created = thing?.createdAt ?? now
  return whyCut(object, { uid: `u${index}`, endsAt: created + longestMs, now }) ?? stops
}

async function outcomeOf(
  state: State,
  { work, outcome }: { readonly work: Work; readonly outcome: Outcome },
  play: Play,
): Promise<Omit<Move, 'name'>> {
  const others = state.works.filter((one) => one !== work)
  const world = new World({ ...state, works: others }, play.setting, { by: work.by, of: work.thing })
  const { action, run } = work
  const cut = cutOf(state, work) ?? (work.endsAt <= now && run.spec.held !== true ? 'OutOfTime' : undefined)
  const ports = portsOf(world, play, nextEnd(state, work))
  const seenNow =
    work.do === 'undo'
      ? ({ see: 'undone', action, outcome } as const)
      : ({ see: 'outcome', action, outcome, ...(cut === undefined ? {} : { because: cut }) } as const)
  await carryOn(() => drive(run, seenNow, ports))
  return { to: world.state, by: 'tidewaiter', wrote: world.writes > 0 }
}

/** Until when the action after this one may go on. */
function nextEnd(state: State, { do: what, thing, run, endsAt }: Work): number {
  if (what === 'undo') return Number.POSITIVE_INFINITY
  if (run.spec.held !== true) return endsAt
  const { createdAt = now } = state.things[thing] ?? {}
  return createdAt + longestMs
}

/** It reaches the other side. */
function send(state: State, work: Work, name: string): Move {
  const works = state.works.map((one) => (one === work ? { ...work, sent: true } : one))
  const at = work.run.spec.actions.findIndex((action) => action.name === work.action)
  const effects = state.truth[work.thing]?.effects ?? []
  const effect = work.do === 'undo' ? 'undone' : 'there'
  const next = withTruth({ ...state, works, key: work.thing }, work.thing, {
    effects: withItem(effects, at, effect),
  })
  const wrong = work.do === 'undo' ? wrongUndo(state, work) : wrongSend(state, work)
  return { name: `${name} is sent`, to: next, by: 'tidewaiter', ...(wrong === undefined ? {} : { wrong }) }
}

function wrongSend(state: State, { by, thing: index, action }: Work): string | undefined {
  const { status } = state.runs[index] ?? {}
  const row = status?.actions?.find(({ name }) => name === action)
  if (status?.phase !== 'Running' || row?.phase !== 'Running' || status.owner !== `r${by}`)
    return `an action of b${index} is sent, and its record does not say that r${by} does it`
  const other = state.truth.findIndex((_, at) => at !== index && isBetween(state, at))
  if (other !== -1) return `an action of b${index} begins between start and end of b${other}'s`
  const thing = state.things[index]
  const waits = thing?.is === 'there' && thing.held && ['', 'New'].includes(thing.phase)
  return waits && now - thing.createdAt >= longestMs
    ? `an action of b${index} begins after the longest life of its hold`
    : undefined
}

/** The effect of its actions is there, and has not served its purpose yet. */
function isBetween(state: State, index: number): boolean {
  const truth = state.truth[index]
  if (truth === undefined || !truth.effects.includes('there')) return false
  const thing = state.things[index]
  if (thing === undefined || !truth.started) return true
  const over = thing.is === 'gone' || ['Completed', 'Deleting'].includes(thing.phase) || stuck(thing, index)
  const served = endedPhaseOf(state, index) === 'Succeeded'
  return !over || !served || state.posts[index] === 'open'
}

const endedPhaseOf = ({ runs }: State, index: number) => {
  const status = runs[index]?.status
  return status === undefined ? undefined : (status.undoneFrom ?? status.phase)
}

const stuck = (thing: Thing, index: number) => isStuck(seen(thing, index), { stuckAfterMs, now })

function wrongUndo(state: State, { thing: index, run, action }: Work): string | undefined {
  const thing = state.things[index]
  const truth = state.truth[index]
  if (thing === undefined || truth === undefined) return undefined
  if (state.key !== -1 && state.key !== index)
    return `an action of b${index} is undone while b${state.key} has the key`
  if (thing.is === 'there' && thing.phase === 'InProgress' && !stuck(thing, index))
    return `an action of b${index} is undone while Velero works on it`
  if (thing.is === 'there' && ['', 'New'].includes(thing.phase))
    return `an action of b${index} is undone while it may still start`
  if (!hasEnded(run)) return `an action of b${index} is undone before its stage has ended`
  const spec = run.spec.actions.find(({ name }) => name === action)?.spec as { undoAt?: string } | undefined
  // Only what was seen counts: one that is deleted as soon as Velero began with it may be gone before anybody looked.
  return !truth.owed && holds(run, 'Started') && endedPhase(run) === 'Succeeded' && spec?.undoAt !== 'Always'
    ? `an action of b${index} is undone that has served its purpose`
    : undefined
}

// --- looks ---

async function looks(state: State, index: number, play: Play): Promise<readonly Move[]> {
  const { leader } = state
  // The queue looks at one key at a time: what its own replica is about is not looked at meanwhile.
  const isInline = play.setting.held[index] !== true
  const own = state.works.some(
    ({ by, thing, do: what }) => by === leader && thing === index && !(isInline && what === 'perform'),
  )
  if (own) return endOfPost(state, index)
  const moves: Move[] = [...endOfPost(state, index)]
  for (const behind of views(state, index)) {
    const whole = await look(state, index, { play, behind })
    moves.push(whole)
    if (state.faults === 0) continue
    for (let k = 1; k < (whole.count ?? 0); k++) {
      const cut = await look(state, index, { play, behind, dieAfter: k })
      moves.push({ name: `${cut.name}, dies after write ${k}`, to: died(cut.to, leader), by: 'others' })
    }
  }
  return moves.filter(({ to }) => to !== state)
}

function views({ oldRuns, oldThings }: State, index: number): readonly Behind[] {
  const runs = oldRuns[index] === undefined ? [false] : [false, true]
  const things = oldThings[index] === undefined ? [false] : [false, true]
  return runs.flatMap((run) => things.map((thing) => ({ run, thing })))
}

type Looking = { readonly play: Play; readonly behind: Behind; readonly dieAfter?: number }

/** The leader looks at one Backup. */
export async function look(
  state: State,
  index: number,
  { play, behind, dieAfter }: Looking,
): Promise<Move & { readonly count: number }> {
  const world = new World(state, play.setting, { by: state.leader, of: index, behind })
  if (dieAfter !== undefined) world.dieAfter = dieAfter
  const key = { kind: 'Backup', namespace: 'velero', name: `b${index}`, uid: `u${index}` } as const
  const again = await carryOn(() => reconcilePre(key, play.wrap(world.ports(), world), signal))
  const told = `${behind.run ? ', run behind' : ''}${behind.thing ? ', object behind' : ''}`
  const wrote = world.writes > 0
  const sleeps = again === undefined && world.state === state
  return {
    name: `r${state.leader} looks at b${index}${told}`,
    to: world.state,
    by: 'tidewaiter',
    wrote,
    ...(world.wrong === undefined ? {} : { wrong: world.wrong }),
    sleeps,
    count: world.writes,
  }
}

function endOfPost(state: State, index: number): readonly Move[] {
  const thing = state.things[index]
  const over = thing?.is === 'gone' || ['Completed', 'FailedValidation'].includes(thing?.phase ?? '')
  if (state.posts[index] !== 'open' || !over) return []
  const to = { ...state, posts: withItem(state.posts, index, 'ended' as const) }
  return [{ name: `the post actions of b${index} have ended`, to, by: 'tidewaiter' }]
}
