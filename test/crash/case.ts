/** One object of a run: its story, the faults that wait for it, and what the API server has of it. */
import type { ApiServer } from '../../src/sandbox/apiserver/server.ts'
import type { Loose } from '../support/asking.ts'
import { carriedBy } from './carried.ts'
import { claimLeaseOf, keyLeasesOf, type Lane } from './cluster.ts'
import type { Armed } from './coverage.ts'
import type { Triple } from './faults.ts'
import { actorUser, hasFollowed, sorts, targetName } from './targets.ts'
import { roleOf, type Happening } from './history.ts'
import { began } from './story.ts'

type Reader = Pick<ApiServer, 'read'>

const settledPhases = ['Succeeded', 'Refused', 'Failed', 'Undone', 'Skipped', 'Unknown']
const terminal = ['Completed', 'PartiallyFailed', 'Failed', 'FailedValidation']

const isOver = (run: Loose): boolean => run === undefined || settledPhases.includes(run.status?.phase)

/** What Velero's phases come to for us; it goes through some of them so fast that a call falls now into one, now into the next. */
const moments: Readonly<Record<string, string>> = {
  InProgress: 'runs',
  Finalizing: 'runs',
  FinalizingPartiallyFailed: 'runs',
  Completed: 'ended',
  PartiallyFailed: 'ended',
  Failed: 'ended',
  FailedValidation: 'failed validation',
}

/** One object. */
export class Case {
  readonly name: string
  readonly lane: Lane
  readonly story: Happening[] = []
  readonly fired: Triple[] = []
  /** Faults that have not happened yet; of `anyOf` one happens. */
  #armed: readonly Triple[]
  #anyOf: readonly Triple[]
  /** By stage. */
  readonly runs = new Map<string, string>()
  readonly #api: Reader
  /** The Leases of its exclusive keys, and who had each when that was last looked at. */
  readonly #keys: readonly string[]
  #holders: readonly (string | undefined)[] = []
  /** When one of them last went from hand to hand, milliseconds of the wall. */
  keyMovedAt = 0
  uid = ''
  isOver = false
  #last = ''
  readonly #noted = new Map<string, string>()

  readonly #outputsKeys: () => readonly string[]

  constructor(
    name: string,
    lane: Lane,
    at: Armed & { readonly api: Reader; readonly keys: () => readonly string[] },
  ) {
    this.name = name
    this.lane = lane
    this.#keys = keyLeasesOf(lane)
    this.#api = at.api
    this.#outputsKeys = at.keys
    this.#armed = at.armed
    this.#anyOf = at.anyOf ?? []
  }

  /** The faults that it may still meet. */
  awaited(): readonly Triple[] {
    return this.isOver ? [] : [...this.#armed, ...this.#anyOf]
  }

  /** A call is made: the fault that it meets. */
  meet(site: string, phase: string): Triple | undefined {
    const triple = this.awaited().find((one) => one.site === site && one.phase === phase)
    if (triple === undefined) return undefined
    if (!this.#armed.includes(triple)) this.#anyOf = []
    this.#armed = this.#armed.filter((one) => one !== triple)
    this.fired.push(triple)
    this.story.push({ is: 'fault', ...triple })
    return triple
  }

  get #kind(): 'Backup' | 'Restore' {
    return this.lane.scenario.kind ?? 'Backup'
  }

  /** The Leases that are about it. */
  leases(): readonly string[] {
    return [claimLeaseOf(this.#kind, this.name), ...this.#keys]
  }

  /** Whether it and another object want one exclusive key. */
  isRivalOf(other: Case): boolean {
    return this !== other && this.#keys.some((lease) => other.#keys.includes(lease))
  }

  /** Writes down that it gave an exclusive key back, if it has. */
  noteKeys(): void {
    const [before, holders] = [this.#holders, this.#keys.map((lease) => this.#holderOf(lease))]
    const went = holders.map((holder, at) => (holder === before[at] ? undefined : before[at]))
    if (this.uid !== '' && went.includes(this.uid)) this.story.push({ is: 'freed' })
    if (holders.some((holder, at) => holder !== before[at])) this.keyMovedAt = Date.now()
    this.#holders = holders
  }

  #holderOf(lease: string): string | undefined {
    return (this.#api.read('coordination.k8s.io/leases', 'velero', lease) as Loose)?.spec?.holderIdentity
  }

  object(): Loose {
    return this.#api.read(`velero.io/${this.#kind.toLowerCase()}s`, 'velero', this.name)
  }

  run(stage: 'Pre' | 'Post'): Loose {
    const name = this.runs.get(`${stage}${this.#kind}`)
    return name === undefined ? undefined : this.#api.read('tidewaiter.io/actionruns', 'velero', name)
  }

  /** Where it is in its life: what Velero does with it, and the run that is not over yet. */
  phase(): string {
    const object = this.object()
    const held = object?.metadata?.annotations?.['tidewaiter.io/hold'] === undefined ? '' : 'held, '
    const phase = object === undefined ? 'absent' : (moments[object.status?.phase ?? ''] ?? 'waits')
    const open = (['Pre', 'Post'] as const).find((stage) => !isOver(this.run(stage)))
    const run = open === undefined ? 'no run is open' : `${open} ${this.run(open).status?.phase ?? 'Pending'}`
    return `${held}${phase}, ${run}`
  }

  /** Writes down what the API server has now, if that is news. */
  note(): void {
    const object = this.object()
    if (object !== undefined) {
      this.uid = object.metadata.uid
      const carried = carriedBy(object, { keys: this.#outputsKeys(), run: this.runs.get('PreBackup') })
      this.#push({ ...happeningOf(object), ...(carried === undefined ? {} : { carried }) })
    } else if (
      this.story.some(({ is }) => is === 'object') &&
      !this.story.some(({ is }) => is === 'deleted')
    ) {
      this.story.push({ is: 'deleted' })
    }
  }

  /** Somebody wrote the object that its actions act on: what changed of what they change. Answers the actions whose change it is. */
  noteTarget(resource: string, user: string): readonly string[] {
    const changed: string[] = []
    for (const { role, stage, on } of this.lane.scenario.roles) {
      if (on === undefined || sorts[on].resource !== resource) continue
      const key = resource === 'deployments' ? 'apps/deployments' : `/${resource}`
      const object = this.#api.read(key, 'shop', targetName(this.lane.name)) as Loose
      if (on === 'wait') {
        if (hasFollowed(object) && !this.#followed.has(role)) this.story.push({ is: 'followed', role })
        if (hasFollowed(object)) this.#followed.add(role)
        continue
      }
      const { before, after, valueIn } = sorts[on]
      const [from, to] = [this.#values.get(role) ?? before, valueIn(object)]
      if (from === to) continue
      this.#values.set(role, to)
      if (user !== actorUser) this.story.push({ is: 'changed', role, to })
      else {
        this.story.push({ is: 'effect', stage, role, undo: to !== after, copy: false, from, to })
        if (to === after) changed.push(role)
      }
    }
    return changed
  }
  readonly #values = new Map<string, string>()
  readonly #followed = new Set<string>()

  /** Writes down what the records say now: the one of this name, or all. */
  noteRuns(only: string): void {
    for (const [stage, name] of this.runs) {
      if (only !== '' && only !== name) continue
      const run = this.#api.read('tidewaiter.io/actionruns', 'velero', name) as Loose
      const status = run?.status ?? {}
      const text = JSON.stringify(status)
      if (run === undefined || this.#noted.get(stage) === text) continue
      this.#noted.set(stage, text)
      this.story.push({ is: 'record', stage, status })
    }
  }

  #push(one: Happening): void {
    const text = JSON.stringify(one)
    if (text !== this.#last) this.story.push(one)
    this.#last = text
  }

  /** Whether an action that began, and is not known to be without effect, waits for its undo; its record decides, not its effect. */
  #owesUndo(): boolean {
    const status = this.run('Pre')?.status
    if (status?.phase === 'Undone') return false
    const ran = this.story.some((one) => one.is === 'object' && began.includes(one.phase))
    return (status?.actions ?? []).some(({ name, phase, noEffect }: Loose) => {
      const role = this.lane.scenario.roles.find((one) => one.hasUndo === true && one.role === roleOf(name))
      const isOwed = role !== undefined && (!ran || role.spec?.undoAt === 'Always')
      return isOwed && noEffect !== true && !['Pending', 'Skipped'].includes(phase)
    })
  }

  /** What it still waits for; undefined: nothing. */
  waitsFor(): string | undefined {
    if (!this.story.some(({ is }) => is === 'answered')) return 'its creator has no answer'
    const object = this.object()
    if (object !== undefined && !terminal.includes(object.status?.phase)) return `it is ${this.phase()}`
    for (const stage of ['Pre', 'Post'] as const) {
      const run = this.run(stage)
      if (run === undefined) continue
      if (!isOver(run)) return `the ${stage} run is ${run.status?.phase ?? 'Pending'}`
      const note = object?.metadata?.annotations?.[`tidewaiter.io/${stage.toLowerCase()}`]
      if (object !== undefined && note === undefined) return `the ${stage} run is not told on the object`
    }
    if (this.#owesUndo()) return 'an undo is owed'
    const key = this.uid === '' ? undefined : this.#keys.find((lease) => this.#holderOf(lease) === this.uid)
    return key === undefined ? undefined : `an exclusive key of it is not given back (${key})`
  }
}

function happeningOf({ metadata, status }: Loose): Extract<Happening, { readonly is: 'object' }> {
  const annotations = metadata.annotations ?? {}
  const notes = Object.fromEntries(
    ['pre', 'post'].flatMap((stage) => {
      const note: string | undefined = annotations[`tidewaiter.io/${stage}`]
      return note === undefined ? [] : [[stage, JSON.parse(note).phase]]
    }),
  )
  return {
    is: 'object',
    phase: status?.phase ?? '',
    held: 'tidewaiter.io/hold' in annotations,
    notes,
    ...(status?.errors === undefined ? {} : { errors: status.errors }),
  }
}
