/** The controller's world in memory: what is stored outlives the processes that work on it. */
import type { Action } from '../../src/api/action.ts'
import type { ControlPorts, CountedResult, EventNote, SeenName } from '../../src/control/ports.ts'
import type { Performing } from '../../src/core/run/performing.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import { seenObjectOf } from '../../src/core/post.ts'
import { idempotencyKey, undoKey } from '../../src/core/run/names.ts'
import { textAt, type Json, type VeleroKind } from '../../src/core/velero.ts'
import { clusterUid, type VeleroObject } from './build.ts'
import { FakeClock, newYear } from './fake-clock.ts'
import { veleroUser } from './fake-gate.ts'
import { FakeLog } from './fake-log.ts'
import { FakeProcess } from './fake-process.ts'
import { FakeRuns } from './fake-runs.ts'
import { aDone } from './outcomes.ts'

/** One action that reached the other side. */
export type Performed = {
  readonly action: string
  readonly key: string
  readonly owner: string
  readonly at: number
}

const keyOf = (kind: string, namespace: string, name: string) => `${kind}/${namespace}/${name}`

/** A merge patch (RFC 7386). */
function merged(target: unknown, patch: Json): Json {
  const result: Record<string, unknown> = { ...(target as Json) }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else if (typeof value === 'object' && !Array.isArray(value))
      result[key] = merged(result[key], value as Json)
    else result[key] = value
  }
  return result
}

/** Stores, and what was done to the outside. */
export class FakeControl {
  readonly clock = new FakeClock()
  readonly log = new FakeLog()
  readonly runs = new FakeRuns(this.clock)
  readonly performed: Performed[] = []
  /** Events by what names them: the same one told twice is one. */
  readonly events = new Map<string, EventNote>()
  readonly released: string[] = []
  readonly counted: string[] = []
  actions: readonly Action[] = []
  changedAt = newYear - 3_600_000
  installedAt = newYear - 3_600_000
  unwatchedSince = 0
  /** As `unwatchedSince` unless told: the former leader looked at everything. */
  lookedUntil: number | undefined
  unsure: string | undefined
  /** Why runs cannot be understood, by name. */
  unread: Readonly<Record<string, string>> = {}
  readonly unguarded: string[] = []
  readonly orphaned: string[] = []
  /** Who led before, as the leader knows. */
  formers: string[] = []
  /** Exclusive keys that were given back, with their object. */
  readonly freed: string[] = []
  readonly patches: Json[] = []
  /** What another does between a read and the patch after it. */
  beforePatch: () => void = () => {}
  /** How many objects Velero works on at once. */
  slots = 1
  /** How far the clock was ahead of the API server's when that was heard last; one that is set since changes nothing of it. */
  aheadMs = 0
  readonly absentSince = new Map<string, number>()
  schedules: Readonly<Record<string, Readonly<Record<string, string>>>> = {}
  /** What performing does; it may let time pass. */
  act: (performing: Performing) => Outcome | Promise<Outcome> = () => aDone()
  readonly #objects = new Map<string, VeleroObject>()

  /** Stores a Backup or Restore. */
  store(object: VeleroObject): void {
    const { namespace, name } = object.metadata
    this.#objects.set(keyOf(object.kind, namespace, name), object)
  }

  remove(object: VeleroObject): void {
    this.#objects.delete(keyOf(object.kind, object.metadata.namespace, object.metadata.name))
  }

  object(kind: VeleroKind, name: string): VeleroObject | undefined {
    return this.#objects.get(keyOf(kind, 'velero', name))
  }

  annotation(
    object: VeleroObject,
    key: string,
  ): { readonly phase?: string; readonly run?: string; readonly unguarded?: boolean } {
    const found = this.object(object.kind, object.metadata.name)
    const text = textAt(found, 'metadata', 'annotations', key)
    return text === '' ? {} : (JSON.parse(text) as { phase: string; run: string })
  }

  /** The ports of one process of this world. */
  ports(owner = 'one', life = new FakeProcess()): ControlPorts {
    const { clock, log, runs } = this
    return {
      clock,
      log,
      owner,
      cluster: clusterUid,
      hash: (text) => `h${text.length}`,
      evaluate: (source) => (source === 'broken' ? { error: 'no such key' } : { ok: source === 'true' }),
      authorOf: () => ({ username: 'ann', groups: [] }),
      exportedFor: async () => undefined,
      // What is signed can be read: the signature has tests of its own.
      signOutputs: async (statement) => JSON.stringify(statement),
      installedAt: this.installedAt,
      unwatchedSince: this.unwatchedSince,
      lookedUntil: this.lookedUntil ?? this.unwatchedSince,
      decided: new Set(),
      absentSince: this.absentSince,
      leading: new AbortController().signal,
      holds: () => true,
      serverTime: () => newYear + clock.steady() - this.aheadMs,
      formers: () => new Set(this.formers),
      unguarded: (object) => void this.unguarded.push(object.name),
      unsure: () => this.unsure,
      actions: () => this.actions.map((action) => ({ action, changedAt: this.changedAt })),
      defaultsOf: async () => ({ storageLocation: 'default' }),
      scheduleOfBackup: async () => '',
      isVelero: (username) => username === veleroUser,
      uidOfSchedule: async (_namespace, schedule) =>
        schedule in this.schedules ? `uid-of-${schedule}` : undefined,
      annotationsOfSchedule: async (_namespace, schedule) => this.schedules[schedule] ?? {},
      runs: {
        ofObject: runs.ofObject,
        unread: (_namespace, name) => this.unread[name],
        ofNamespace: runs.known,
        read: (...at) => life.call('runs.read', () => runs.read(...at)),
        create: (run) => life.call('runs.create', () => runs.create(run)),
        write: (run, status) => life.call('runs.write', () => runs.write(run, status)),
      },
      objects: {
        seen: (kind, namespace, name) => {
          const found = this.#objects.get(keyOf(kind, namespace, name))
          return found === undefined ? undefined : seenObjectOf(kind, found)
        },
        read: (kind, namespace, name) =>
          life.call('objects.read', () => this.#objects.get(keyOf(kind, namespace, name))),
        annotate: (object, key, value) =>
          life.call('objects.annotate', () => this.#annotate(object, key, value)),
        patch: (object, patch) =>
          life.call('objects.patch', () => {
            this.beforePatch()
            return this.#patch(object, patch)
          }),
        open: (kind) =>
          [...this.#objects.values()]
            .filter((one) => one.kind === kind)
            .map((one) => seenObjectOf(kind, one))
            .filter(({ progress }) =>
              ['', 'New', 'Queued', 'ReadyToStart', 'InProgress'].includes(
                textAt(progress, 'status', 'phase'),
              ),
            ),
        count: (object, counted) => life.call('objects.count', () => this.#count(object, counted)),
      },
      holdMaxMs: 3_600_000,
      stuckAfterMs: 24 * 3_600_000,
      slots: () => this.slots,
      freeKeys: (run, keys) =>
        life.call(
          'freeKeys',
          () => void this.freed.push(...keys.map((key) => `${run.spec.objectRef.name} ${key}`)),
        ),
      orphaned: (run) => void this.orphaned.push(run.metadata.name),
      perform: (performing) => life.call('perform', () => this.#perform(performing, owner)),
      tell: (note) =>
        life.call(
          'tell',
          () =>
            void this.events.set(
              `${note.regarding.uid} ${note.reason} ${note.series?.cause ?? note.message}`,
              note,
            ),
        ),
      count: (run) => void this.counted.push(`${run.spec.stage} ${run.status.phase}`),
      releaseName: (object) => life.call('releaseName', () => void this.released.push(object.name)),
    }
  }

  async #perform(performing: Performing, owner: string): Promise<Outcome> {
    const { run, action, renderOnly } = performing
    const { stage, objectRef } = run.spec
    if (!renderOnly) {
      // What is performed was claimed on record before.
      const stored = await this.runs.read(run.metadata.namespace, run.metadata.name)
      const row = stored?.status.actions?.find(({ name }) => name === action.name)
      const isClaimed = performing.undo
        ? stored?.status.phase === 'Undoing' && row?.undo?.phase !== 'Undone' && row?.undo !== undefined
        : stored?.status.phase === 'Running' && row?.phase === 'Running'
      if (!isClaimed || stored?.status.owner !== owner)
        throw new Error(`${action.name} is performed by ${owner} without a claim on record`)
      const key = (performing.undo ? undoKey : idempotencyKey)(objectRef.uid, stage, action.name)
      this.performed.push({ action: action.name, key, owner, at: this.clock.now() })
    }
    return this.act(performing)
  }

  #patch(object: { kind: VeleroKind; namespace: string; name: string }, patch: Json): boolean {
    const found = this.#objects.get(keyOf(object.kind, object.namespace, object.name))
    const { uid, resourceVersion } = found?.metadata ?? {}
    const isSame = (key: string, value: unknown) => textAt(patch, 'metadata', key) === value
    if (found === undefined || !isSame('uid', uid) || !isSame('resourceVersion', resourceVersion))
      return false
    this.patches.push(patch)
    this.store(merged(found, patch) as VeleroObject)
    return true
  }

  #count(object: SeenName, { resourceVersion, errors, note }: CountedResult) {
    const found = this.#objects.get(keyOf(object.kind, object.namespace, object.name))
    if (found === undefined) return 'gone'
    if (found.metadata.resourceVersion !== resourceVersion || found.metadata.uid !== object.uid)
      return 'conflict'
    const annotations = { ...found.metadata.annotations, 'tidewaiter.io/post': note }
    const status = { ...found.status, phase: 'PartiallyFailed', errors }
    const written = { ...found.metadata, annotations, resourceVersion: `${resourceVersion}0` }
    this.store({ ...found, metadata: written, status })
    return 'written'
  }

  #annotate(
    object: { kind: VeleroKind; namespace: string; name: string; uid: string },
    key: string,
    value: string,
  ) {
    const found = this.#objects.get(keyOf(object.kind, object.namespace, object.name))
    if (found === undefined || found.metadata.uid !== object.uid) return false
    const annotations = { ...found.metadata.annotations, [key]: value }
    this.store({ ...found, metadata: { ...found.metadata, annotations } })
    return true
  }
}
