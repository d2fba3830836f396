/** One replica at work in a state: the ports of the controller, as the drivers of src/control use them. */
import type { ActionRun, RunStatus } from '../../../src/api/action-run.ts'
import type { ControlPorts } from '../../../src/control/ports.ts'
import { holds } from '../../../src/core/run/conditions.ts'
import { hasEnded } from '../../../src/core/run/machine.ts'
import type { Performing } from '../../../src/core/run/performing.ts'
import { at, type Json } from '../../../src/core/velero.ts'
import { anAction, aRun, clusterUid } from '../../support/build.ts'
import {
  essence,
  iso,
  longestMs,
  now,
  oldestMs,
  runsOf,
  seen,
  stuckAfterMs,
  withItem,
  type Kept,
  type Setting,
  type State,
  type Thing,
} from './state.ts'

/** An action was sent off: what comes after it is another move. */
export class Suspended extends Error {}
/** The replica died. */
export class Died extends Error {}

const never = new AbortController().signal
const over = AbortSignal.abort()
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
let versions = 0

/** Which copies a look is given that are one write behind. */
export type Behind = { readonly run: boolean; readonly thing: boolean }

/** A replica and the state that it works on. */
export class World {
  state: State
  /** How many writes were made, and after which one the replica dies. */
  writes = 0
  /** What must not be, where it was done. */
  wrong: string | undefined
  dieAfter = Number.POSITIVE_INFINITY
  readonly setting: Setting
  readonly #specs: readonly ActionRun[]
  readonly #by: number
  readonly #behind: Behind & { readonly of: number }
  readonly #read = new WeakMap<Kept, ActionRun>()

  constructor(
    state: State,
    setting: Setting,
    at: { readonly by: number; readonly of: number; readonly behind?: Behind },
  ) {
    this.state = state
    this.setting = setting
    this.#specs = specsOf(setting)
    this.#by = at.by
    this.#behind = { run: false, thing: false, ...at.behind, of: at.of }
  }

  get owner(): string {
    return `r${this.#by}`
  }

  /** The run of a Backup as it is stored. */
  run(of: number): ActionRun | undefined {
    return this.#asRun(this.state.runs[of], of)
  }

  /** As the copy shows it. */
  seenRun(of: number): ActionRun | undefined {
    const old = this.#behind.run && this.#behind.of === of ? this.state.oldRuns[of] : undefined
    return this.#asRun(old ?? this.state.runs[of], of)
  }

  #seenThing(of: number): Thing | undefined {
    const old = this.#behind.thing && this.#behind.of === of ? this.state.oldThings[of] : undefined
    const thing = old ?? this.state.things[of]
    return thing?.is === 'there' ? thing : undefined
  }

  #asRun(kept: Kept | undefined, of: number): ActionRun | undefined {
    const spec = this.#specs[of]
    if (kept === undefined || spec === undefined) return undefined
    const known = this.#read.get(kept)
    if (known !== undefined) return known
    const { status, createdAt, version } = kept
    const metadata = {
      ...spec.metadata,
      creationTimestamp: iso(createdAt),
      resourceVersion: String(version),
    }
    const run = { ...spec, metadata, status }
    this.#read.set(kept, run)
    return run
  }

  /** Replaces one Backup; copies are behind from now on. */
  setThing(of: number, thing: Thing): void {
    const { things, oldThings } = this.state
    this.state = {
      ...this.state,
      things: withItem(things, of, thing),
      oldThings: withItem(oldThings, of, things[of]),
    }
  }

  /** Writes a run, or its first version. */
  setRun(of: number, status: RunStatus): ActionRun | undefined {
    const { runs, oldRuns } = this.state
    const before = runs[of]
    const lean = essence(status)
    const ended = hasEnded({ ...(this.#specs[of] ?? aRun()), status: lean })
    const createdAt = ended ? now - oldestMs : (before?.createdAt ?? now)
    const kept = { status: lean, createdAt, version: ++versions }
    this.state = {
      ...this.state,
      runs: withItem(runs, of, kept),
      oldRuns: withItem(oldRuns, of, before),
    }
    return this.run(of)
  }

  /** A call that has an effect: the replica may die after it. */
  #effect<T>(effect: () => T): T {
    if (this.writes >= this.dieAfter) throw new Died()
    const result = effect()
    this.writes += 1
    if (this.writes >= this.dieAfter) throw new Died()
    return result
  }

  ports(): ControlPorts {
    const of = (uid: string) => Number(uid.slice(1))
    const ofName = (name: string) => Number(name.slice(1, 2))
    const runs: ControlPorts['runs'] = {
      ofObject: (uid) => this.#ofObject(of(uid)),
      unread: () => undefined,
      ofNamespace: () => [],
      read: async (_namespace, name) => this.run(ofName(name)),
      create: async (run) => this.#effect(() => this.create(of(run.spec.objectRef.uid))),
      write: async (run, status) => this.#effect(() => this.write(run, status)),
    }
    const objects: ControlPorts['objects'] = {
      seen: (_kind, _namespace, name) => this.#seen(ofName(name)),
      read: async (_kind, _namespace, name) => this.live(ofName(name)),
      annotate: async () => true,
      // No action of the model counts against the result.
      count: async () => 'gone',
      patch: async ({ uid }, patch) => this.#effect(() => this.patch(of(uid), patch)),
      open: () => this.state.things.flatMap((_, index) => this.#seen(index) ?? []),
    }
    return {
      clock: {
        now: () => now,
        steady: () => now,
        random: () => 0,
        sleep,
        abortAfter: () => ({ signal: never, release }),
        after: () => release,
      },
      log: quiet,
      owner: this.owner,
      holds: () => true,
      serverTime: () => now,
      // Time stands still here, and whatever is waited for is over.
      absentSince: Object.assign(new Map<string, number>(), { has: () => true, get: () => now - oldestMs }),
      formers: () => new Set(),
      cluster: clusterUid,
      hash: (text) => `h${text.length}`,
      evaluate: () => ({ ok: true }),
      authorOf: () => ({ username: 'ann', groups: [] }),
      exportedFor: async () => undefined,
      signOutputs: async () => '',
      installedAt: 0,
      unwatchedSince: 0,
      lookedUntil: 0,
      // Where there are no post actions, that was found out.
      decided: new Set(this.state.posts.flatMap((post, of) => (post === 'none' ? [`post/u${of}`] : []))),
      leading: this.state.leader === this.#by ? never : over,
      unguarded: release,
      orphaned: release,
      unsure: () => undefined,
      actions: () => this.setting.actions.map((given) => ({ action: anAction(given), changedAt: 0 })),
      defaultsOf: async () => ({ storageLocation: 'default' }),
      scheduleOfBackup: async () => '',
      isVelero: () => false,
      uidOfSchedule: async () => undefined,
      annotationsOfSchedule: async () => ({}),
      runs,
      objects,
      holdMaxMs: longestMs,
      stuckAfterMs,
      slots: () => 1,
      freeKeys: async (run, keys) => this.#effect(() => this.free(of(run.spec.objectRef.uid), keys)),
      perform: async (performing) => this.#effect(() => this.suspend(performing)),
      tell: async () => {},
      count: release,
      releaseName: async () => {},
    }
  }

  #seen(of: number) {
    const thing = this.#seenThing(of)
    return thing === undefined ? undefined : seen(thing, of)
  }

  #ofObject(of: number): readonly ActionRun[] {
    const run = this.seenRun(of)
    const post = this.state.posts[of]
    const after = post === 'none' || run === undefined ? [] : [postRun(run, post === 'ended')]
    return run === undefined ? [] : [run, ...after]
  }

  /** As the API server gives it. */
  live(of: number): Json | undefined {
    const thing = this.state.things[of]
    if (thing?.is !== 'there') return undefined
    const annotations = {
      ...(thing.held ? { 'tidewaiter.io/hold': 'pre-actions' } : {}),
      ...(thing.aborted ? { 'tidewaiter.io/abort': 'ann' } : {}),
    }
    const metadata = {
      namespace: 'velero',
      name: `b${of}`,
      uid: `u${of}`,
      resourceVersion: 'now',
      annotations,
    }
    return { metadata, spec: {}, status: { phase: thing.phase } }
  }

  /** Whose run this is. */
  of(run: ActionRun): number {
    return Number(run.spec.objectRef.uid.slice(1))
  }

  create(of: number): ActionRun | 'exists' {
    if (this.state.runs[of] !== undefined) return 'exists'
    return this.setRun(of, {}) ?? 'exists'
  }

  write(run: ActionRun, status: RunStatus): ActionRun | 'conflict' | 'gone' {
    const of = this.of(run)
    const stored = this.state.runs[of]
    if (stored === undefined) return 'gone'
    if (String(stored.version) !== run.metadata.resourceVersion) return 'conflict'
    return this.setRun(of, status) ?? 'gone'
  }

  patch(of: number, patch: Json): boolean {
    const thing = this.state.things[of]
    if (thing?.is !== 'there' || at(patch, 'metadata', 'resourceVersion') !== 'now') return false
    const failed = at(patch, 'status', 'phase') === 'FailedValidation'
    const what = failed ? 'failed' : 'let go'
    if (!thing.held) this.wrong = `b${of} is ${what}, and was not held any more`
    else if (thing.aborted && !failed) this.wrong = `b${of} is let go, and was to be aborted`
    const next: Thing = { ...thing, held: false }
    this.setThing(of, failed ? restOf({ ...next, phase: 'FailedValidation' }) : next)
    return true
  }

  free(of: number, keys: readonly string[]): void {
    if (keys.length > 0 && this.state.key === of) this.state = { ...this.state, key: -1 }
  }

  #owes(thing: number): void {
    const truth = this.state.truth.map((one, index) => (index === thing ? { ...one, owed: true } : one))
    this.state = { ...this.state, truth }
  }

  suspend({ run, action, undo = false, endsAt }: Performing): never {
    const thing = this.of(run)
    const work = { by: this.#by, thing, action: action.name, run, sent: false, endsAt }
    this.state = {
      ...this.state,
      works: [...this.state.works, { ...work, do: undo ? 'undo' : 'perform' }],
    }
    if (undo && !holds(run, 'Started')) this.#owes(thing)
    throw new Suspended()
  }
}

/** An end: its times make no difference any more. */
export const restOf = (thing: Thing): Thing => ({
  ...thing,
  createdAt: now - oldestMs,
  startedAt: thing.startedAt === 0 ? 0 : now - oldestMs,
})

const release = () => {}

const sleep = (_ms: number, signal?: AbortSignal) =>
  new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }))

const known = new WeakMap<Setting, readonly ActionRun[]>()
function specsOf(setting: Setting): readonly ActionRun[] {
  const found = known.get(setting) ?? runsOf(setting)
  known.set(setting, found)
  return found
}

const postRun = (pre: ActionRun, ended: boolean): ActionRun => ({
  ...pre,
  spec: { ...pre.spec, stage: 'PostBackup' },
  status: { phase: ended ? 'Succeeded' : 'Pending' },
})
