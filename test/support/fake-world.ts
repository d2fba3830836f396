/** The world of one process in memory, as far as what a leader does needs it. */
import type { ActionRun } from '../../src/api/action-run.ts'
import { seenObjectOf, type SeenObject } from '../../src/core/post.ts'
import type { Json } from '../../src/core/velero.ts'
import type { Call, KubeClient } from '../../src/kube/client.ts'
import { KubeError } from '../../src/kube/errors.ts'
import type { DeleteOptions } from '../../src/kube/resource.ts'
import type { Reflector } from '../../src/kube/reflector-options.ts'
import type { KeptAction } from '../../src/wiring/caches.ts'
import type { World } from '../../src/wiring/world.ts'
import { clusterUid, type VeleroObject } from './build.ts'
import { FakeClock } from './fake-clock.ts'
import { FakeLog } from './fake-log.ts'

type Meta = { readonly name: string; readonly namespace: string }

/** A copy that holds what a test put into it. */
class FakeCopy<T> {
  readonly items = new Map<string, T>()
  readonly list = () => [...this.items.values()]
  readonly get = (namespace: string, name: string) => this.items.get(`${namespace}/${name}`)
  readonly byIndex = () => this.list()
  readonly whenSynced = () => Promise.resolve()
  readonly silentMs = () => 0

  put({ namespace, name }: Meta, item: T): void {
    this.items.set(`${namespace}/${name}`, item)
  }

  /** What is asked of a copy by the parts that these tests are about. */
  asReflector(): Reflector<T> {
    return this as unknown as Reflector<T>
  }
}

/** One Lease, as the API server keeps it: a patch leaves alone what it does not name. */
export class FakeLeaseServer {
  lease: Json | undefined
  /** The annotations of every write, in order. */
  readonly written: Json[] = []

  readonly request = async ({ method, body }: Call): Promise<unknown> => {
    if (method === 'GET' || body === undefined) {
      if (this.lease === undefined) throw new KubeError('NOT_FOUND', 'there is no lease')
      return this.lease
    }
    const { metadata, ...rest } = body as { readonly metadata: Json }
    const annotations = (metadata['annotations'] ?? {}) as Json
    this.written.push(annotations)
    const kept = (this.lease?.['metadata'] as Json | undefined)?.['annotations'] as Json | undefined
    this.lease = { ...rest, metadata: { ...metadata, annotations: { ...kept, ...annotations } } }
    return this.lease
  }
}

/** Stores, and what was done to the outside. */
export class FakeWorld {
  readonly clock: FakeClock
  readonly log = new FakeLog()
  readonly lease = new FakeLeaseServer()
  readonly runs = new FakeCopy<ActionRun>()
  readonly actions = new FakeCopy<KeptAction>()
  readonly backups = new FakeCopy<SeenObject>()
  readonly deleted: string[] = []
  /** Exclusive keys. */
  leases: Json[] = []
  /** The names of runs that cannot be read. */
  readonly unreadable: string[] = []
  /** Statuses that were patched, in order. */
  readonly patched: { readonly name: string; readonly patch: unknown }[] = []

  /** The API server's time as it was heard when the world began: a clock that is set does not move it. */
  readonly #serverTime: () => number

  constructor(clock = new FakeClock()) {
    this.clock = clock
    const began = clock.now() - clock.steady()
    this.#serverTime = () => began + clock.steady()
  }

  store(object: VeleroObject): void {
    this.backups.put(object.metadata, seenObjectOf(object.kind, object))
  }

  /** Whatever is not here is never asked for. */
  world(): World {
    const { clock, log } = this
    const empty = new FakeCopy<never>().asReflector()
    const objects = { Backup: this.backups.asReflector(), Restore: empty }
    const own = { runs: this.runs.asReflector(), actions: this.actions.asReflector() }
    const caches = { namespace: 'velero', ...own, objects, locations: empty }
    const gauge = { set: () => {}, inc: () => {}, reset: () => {} }
    const metrics = new Proxy({}, { get: () => gauge })
    const macKey = () => new Uint8Array(32)
    const client = { request: this.lease.request } as unknown as KubeClient
    const config = { stuckAfterSeconds: 3_600, runsDays: 14, runsPerAction: 500 }
    const cel = { evaluate: () => ({ ok: true }), unknownFields: () => [] }
    const one = { cel, caches: new Map([['velero', caches]]), client, config, cluster: clusterUid }
    const read = async (namespace: string, name: string) => {
      if (this.unreadable.includes(name)) throw new Error('an ActionRun of another version')
      return this.runs.get(namespace, name)
    }
    return {
      ...one,
      runs: { read },
      clock,
      serverTime: this.#serverTime,
      log,
      metrics,
      calls: this.#calls(),
      owner: 'one',
      macKey,
    } as unknown as World
  }

  #calls() {
    const own = {
      delete: async (name: string, { uid, resourceVersion }: DeleteOptions) =>
        void this.deleted.push(`${name} ${uid} ${resourceVersion}`),
      mergePatch: async (name: string, patch: unknown) => void this.patched.push({ name, patch }),
    }
    return {
      own: () => own,
      leases: () => ({
        list: async ({ labelSelector }: { readonly labelSelector: string }) => ({
          items: labelSelector.endsWith('exclusive') ? this.leases : [],
        }),
        delete: async (name: string, { resourceVersion }: DeleteOptions) =>
          void this.deleted.push(`${name} ${resourceVersion}`),
      }),
      configMaps: () => ({ find: async () => ({ metadata: { creationTimestamp: '2026-01-01T00:00:00Z' } }) }),
      admission: () => ({ find: async () => undefined }),
    }
  }
}
