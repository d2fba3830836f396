/**
 * A state of the protocol between tidewaiter, Velero and a person, small enough to be explored exhaustively. Time stands still at
 * `now`: what is remembered ages instead, by whole ticks, so that states that differ only in when they came to be are one.
 */
import type { ActionRun, RunRow, RunStatus } from '../../../src/api/action-run.ts'
import type { SeenObject } from '../../../src/core/post.ts'
import { aPlannedAction, aRun, anHttp, type ActionGiven } from '../../support/build.ts'
import { newYear } from '../../support/fake-clock.ts'

/** The moment in which everything happens, milliseconds. */
export const now = newYear
/** One step of time: the deadline of an action (10 s, 5 s of slack, 5 s of margin for clocks) has passed after it. */
export const tickMs = 20_000
/** What lies further back than this, milliseconds, is all the same to everybody. */
export const oldestMs = 3 * tickMs
/** The longest life of a hold here, milliseconds; and after how long what Velero works on is stuck. */
export const longestMs = 2 * tickMs
/** After this long without a sign of life, what Velero works on is stuck, milliseconds. */
export const stuckAfterMs = 2 * tickMs

/** A Backup. Times are milliseconds. */
export type Thing = {
  /** Not created; asked for and not stored yet; stored; gone, or never stored. */
  readonly is: 'no' | 'asked' | 'there' | 'gone'
  readonly phase: '' | 'New' | 'InProgress' | 'Completed' | 'FailedValidation' | 'Deleting'
  readonly held: boolean
  /** A person wants it to fail instead of starting. */
  readonly aborted: boolean
  readonly createdAt: number
  /** When Velero began, 0 if it did not. */
  readonly startedAt: number
}

/** The record of a stage. */
export type Kept = { readonly status: RunStatus; readonly createdAt: number; readonly version: number }

/** An action, or its undo, that a replica is about. */
export type Work = {
  readonly by: number
  readonly thing: number
  readonly do: 'perform' | 'undo'
  readonly action: string
  /** The run as it was when this was claimed. */
  readonly run: ActionRun
  /** Whether it reached the other side. */
  readonly sent: boolean
  /** Until when it may be sent, milliseconds. */
  readonly endsAt: number
}

/** What really happened to the application, which nobody of those who act can see. */
export type Truth = {
  /** By action: the effect is there, it was taken back, or neither. */
  readonly effects: readonly ('none' | 'there' | 'undone')[]
  /** A person lifted the hold, or switched the gate off while it stood: what follows is theirs. */
  readonly freed: boolean
  /** Its undo began while nobody had seen that Velero began with it. */
  readonly owed: boolean
  readonly started: boolean
}

/** Everything. */
export type State = {
  readonly things: readonly Thing[]
  readonly runs: readonly (Kept | undefined)[]
  /** Copies that are one write behind; undefined where they are not. */
  readonly oldThings: readonly (Thing | undefined)[]
  readonly oldRuns: readonly (Kept | undefined)[]
  /** The post stage of each. */
  readonly posts: readonly ('none' | 'open' | 'ended')[]
  /** Which of them has the exclusive key, -1 if none. */
  readonly key: number
  /** Which replica leads, -1 if none. */
  readonly leader: number
  readonly works: readonly Work[]
  readonly gateOff: boolean
  readonly truth: readonly Truth[]
  /** How much may still go wrong, or be done by people. */
  readonly faults: number
}

/** What is particular about the Backups of an exploration. */
export type Setting = {
  readonly name: string
  /** For each Backup whether it is held; otherwise its actions run inside its admission request. */
  readonly held: readonly boolean[]
  readonly actions: readonly ActionGiven[]
  /** Whether it has a post stage. */
  readonly post?: boolean
  /** How much goes wrong, or is done by people. */
  readonly faults: number
  /** Whether copies may be one write behind. */
  readonly behind?: boolean
}

const undo = { http: anHttp() }
/** An action with an undo and a key that all share. */
export const anUndoable = (given: ActionGiven = {}): ActionGiven => ({
  name: 'a',
  exclusive: 'shop',
  undo,
  undoAt: 'Abort',
  ...given,
})

/** The runs of a setting as they are written first. */
export function runsOf({ held, actions }: Setting): readonly ActionRun[] {
  return held.map((isHeld, thing) =>
    aRun({
      name: `b${thing}-prebackup`,
      uid: `run${thing}`,
      objectRef: { kind: 'Backup', name: `b${thing}`, uid: `u${thing}` },
      actions: actions.map((action) => aPlannedAction(action)),
      ...(isHeld ? { held: true } : {}),
    }),
  )
}

const nothing: Thing = { is: 'no', phase: '', held: false, aborted: false, createdAt: now, startedAt: 0 }

/** Nothing was created yet; the first replica leads. */
export function firstOf({ held, actions, faults }: Setting): State {
  const each = <T>(value: T) => held.map(() => value)
  return {
    things: each(nothing),
    runs: each(undefined),
    oldThings: each(undefined),
    oldRuns: each(undefined),
    posts: each('none'),
    key: -1,
    leader: 0,
    works: [],
    gateOff: false,
    truth: each({ effects: actions.map(() => 'none' as const), freed: false, owed: false, started: false }),
    faults,
  }
}

/** A list with one item replaced. */
export const withItem = <T>(list: readonly T[], index: number, item: T): readonly T[] =>
  list.map((old, at) => (at === index ? item : old))

/** The Backup as the controller keeps it. */
export function seen(thing: Thing, index: number): SeenObject {
  const { phase, held, createdAt, startedAt } = thing
  const started = startedAt === 0 ? '' : iso(startedAt)
  return {
    kind: 'Backup',
    namespace: 'velero',
    name: `b${index}`,
    uid: `u${index}`,
    abort: thing.aborted ? 'ann' : undefined,
    createdAt,
    startedAt: startedAt === 0 ? Number.NaN : startedAt,
    completedAt: Number.NaN,
    statusWrittenAt: Number.NaN,
    schedule: '',
    progress: { status: { phase, failureReason: '', completionTimestamp: '', startTimestamp: started } },
    pre: '',
    post: '',
    held,
    leaving: phase === 'Deleting',
  }
}

/** A time as the API server writes it. */
export function iso(ms: number): string {
  const text = texts.get(ms) ?? new Date(ms).toISOString()
  texts.set(ms, text)
  return text
}

/** There are few times here, and they are asked for often. */
const texts = new Map<number, string>()

const older = (ms: number): number => Math.max(ms - tickMs, now - oldestMs)
const olderText = (text: string | undefined) =>
  text === undefined ? {} : { time: iso(older(Date.parse(text))) }

function agedRow(row: RunRow): RunRow {
  const { time: completionTimestamp } = olderText(row.completionTimestamp)
  const { time: lastTimestamp } = olderText(row.undo?.lastTimestamp)
  return {
    ...row,
    ...(completionTimestamp === undefined ? {} : { completionTimestamp }),
    ...(row.undo === undefined || lastTimestamp === undefined
      ? {}
      : { undo: { ...row.undo, lastTimestamp } }),
  }
}

function agedRun(kept: Kept | undefined): Kept | undefined {
  if (kept === undefined) return undefined
  const { status } = kept
  const { time: deadline } = olderText(status.deadline)
  const { time: completionTimestamp } = olderText(status.completionTimestamp)
  return {
    ...kept,
    createdAt: older(kept.createdAt),
    status: {
      ...status,
      ...(deadline === undefined ? {} : { deadline }),
      ...(completionTimestamp === undefined ? {} : { completionTimestamp }),
      ...(status.actions === undefined ? {} : { actions: status.actions.map(agedRow) }),
    },
  }
}

const agedThing = (thing: Thing): Thing =>
  thing.is === 'no'
    ? thing
    : {
        ...thing,
        createdAt: older(thing.createdAt),
        startedAt: thing.startedAt === 0 ? 0 : older(thing.startedAt),
      }

/** The same a tick later; copies catch up meanwhile. */
export function aged(state: State): State {
  const each = <T>(value: T) => state.things.map(() => value)
  return {
    ...state,
    things: state.things.map(agedThing),
    runs: state.runs.map(agedRun),
    oldThings: each(undefined),
    oldRuns: each(undefined),
    works: state.works.map((work) => ({ ...work, endsAt: older(work.endsAt), run: agedWork(work.run) })),
  }
}

function agedWork(run: ActionRun): ActionRun {
  const kept = agedRun({ status: run.status, createdAt: now, version: 0 })
  return kept === undefined ? run : { ...run, status: kept.status }
}

/** What of a status makes a difference: texts, and times that nobody compares with anything, are left out. */
export function essence(status: RunStatus): RunStatus {
  const { phase, owner, deadline, undoneFrom, completionTimestamp, startTimestamp } = status
  const owned = phase === 'Running' || phase === 'Undoing'
  const conditions = status.conditions ?? []
  const isAwaited = phase === 'Succeeded' && conditions.length === 0
  return {
    ...(phase === undefined ? {} : { phase }),
    ...(status.reason === 'NeverAppeared' ? { reason: status.reason } : {}),
    ...(owned && owner !== undefined ? { owner } : {}),
    ...(owned && deadline !== undefined ? { deadline } : {}),
    ...(undoneFrom === undefined ? {} : { undoneFrom }),
    ...(isAwaited && completionTimestamp !== undefined ? { completionTimestamp } : {}),
    ...(startTimestamp === undefined ? {} : { startTimestamp: iso(now) }),
    actions: (status.actions ?? []).map(essenceOfRow),
    conditions: conditions.map((one) => ({
      ...one,
      reason: '',
      message: '',
      lastTransitionTime: '',
    })),
  }
}

function essenceOfRow(row: RunRow): RunRow {
  const { name, phase, attempts, startTimestamp, completionTimestamp, noEffect, cutShort, undo } = row
  const waits = phase === 'Pending' && completionTimestamp !== undefined
  return {
    name,
    phase,
    attempts: Math.min(1, attempts),
    ...(waits ? { completionTimestamp } : {}),
    ...(startTimestamp === undefined ? {} : { startTimestamp: iso(now) }),
    ...(noEffect === undefined ? {} : { noEffect }),
    ...(cutShort === undefined ? {} : { cutShort }),
    ...(undo === undefined ? {} : { undo: essenceOfUndo(undo) }),
  }
}

function essenceOfUndo({ phase, attempts, lastTimestamp }: NonNullable<RunRow['undo']>) {
  const matters = lastTimestamp !== undefined && phase !== 'Undone'
  return { phase, attempts, ...(matters ? { lastTimestamp } : {}) }
}

const statusOf = (kept: Kept | undefined) => kept && [kept.status, kept.createdAt]

function textFor(state: State, name: (replica: number) => number): string {
  const { things, runs, oldThings, oldRuns, posts, key, gateOff, truth, faults } = state
  const works = state.works.map(({ by, thing, do: what, action, run, sent, endsAt }) => {
    const current = runs[thing]
    const isCurrent = current !== undefined && String(current.version) === run.metadata.resourceVersion
    return [name(by), thing, what, action, sent, endsAt, isCurrent || run.status]
  })
  const text = JSON.stringify([
    things,
    runs.map(statusOf),
    oldThings,
    oldRuns.map(statusOf),
    posts,
    key,
    state.leader === -1 ? -1 : name(state.leader),
    works.map((work) => JSON.stringify(work)).sort(),
    gateOff,
    truth,
    faults,
  ])
  return name(0) === 0
    ? text
    : text.replaceAll(/"owner":"r(\d)"/g, (_, replica) => `"owner":"r${name(Number(replica))}"`)
}

const keys = new WeakMap<State, string>()

/** What tells two states apart. The two replicas are alike: who leads is the first. */
export function keyOf(state: State): string {
  const known = keys.get(state)
  if (known !== undefined) return known
  const key = made(state)
  keys.set(state, key)
  return key
}

function made(state: State): string {
  if (state.leader === 0 || (state.leader === -1 && state.works.length === 0)) return textFor(state, same)
  if (state.leader === 1) return textFor(state, swapped)
  const [one, other] = [textFor(state, same), textFor(state, swapped)]
  return one < other ? one : other
}

const same = (replica: number) => replica
const swapped = (replica: number) => 1 - replica
