/** What the controllers of one life of Velero share: client, copies, tracker, bucket, queues. A restart makes it all anew but the bucket. */
import type { Clock } from '../apiserver/clock.ts'
import type { Client } from './client.ts'
import { Informer } from './informer.ts'
import type { ObjectStore } from './object-store.ts'
import { WorkQueue, type QueueOptions } from './queue.ts'
import { every } from './timing.ts'
import { Tracker } from './tracker.ts'

/** How often Velero looks by itself, and how long things take. */
export type Settings = {
  /** How long a Backup or Restore is InProgress unless its annotation says otherwise. */
  readonly runMs: number
  /** `--concurrent-backups`. */
  readonly concurrentBackups: number
  readonly scheduleMs: number
  readonly queuedMs: number
  readonly syncMs: number
  readonly collectMs: number
  readonly locationMs: number
}

/** Velero 1.18.3's own. */
export const usualSettings: Settings = {
  runMs: 500,
  concurrentBackups: 1,
  scheduleMs: 60_000,
  queuedMs: 60_000,
  syncMs: 60_000,
  collectMs: 3_600_000,
  locationMs: 60_000,
}

/** The kinds that Velero follows. */
export const followed = [
  'backups',
  'restores',
  'schedules',
  'backupstoragelocations',
  'volumesnapshotlocations',
  'deletebackuprequests',
  'downloadrequests',
  'serverstatusrequests',
  'namespaces',
] as const
/** A kind that Velero follows. */
export type Followed = (typeof followed)[number]

/** What went wrong in a controller; for tests and `--verbose`. */
export type Trouble = { readonly controller: string; readonly key: string; readonly error: unknown }

/** What one life needs. */
export type LifeOptions = {
  readonly client: Client
  readonly clock: Clock
  readonly store: ObjectStore
  readonly settings: Settings
  /** Of the API server: `{major, minor, gitVersion}`. */
  readonly version: Readonly<Record<string, string>>
  /** Where files of the bucket can be had. */
  readonly urlOf: (key: string) => string
  /** Ends this life and begins another; does not wait. */
  readonly restart: () => void
  readonly onTrouble: (trouble: Trouble) => void
}

type Naming = { readonly name: string } & Pick<QueueOptions, 'workers' | 'reconcile'>

/** One life of the server. */
export class Life {
  readonly options: LifeOptions
  readonly client: Client
  readonly clock: Clock
  readonly store: ObjectStore
  readonly settings: Settings
  readonly tracker = new Tracker()
  readonly #ended = new AbortController()
  readonly #copies: ReadonlyMap<Followed, Informer>
  readonly #queues: WorkQueue[] = []
  readonly #running: Promise<void>[] = []

  constructor(options: LifeOptions) {
    this.options = options
    this.client = options.client
    this.clock = options.clock
    this.store = options.store
    this.settings = options.settings
    this.#copies = new Map(
      followed.map((plural) => [plural, new Informer(options.client, plural, options.clock)]),
    )
  }

  /** Aborts when this life ends. */
  get signal(): AbortSignal {
    return this.#ended.signal
  }

  /** The copy of a kind. */
  copy(plural: Followed): Informer {
    const found = this.#copies.get(plural)
    if (found === undefined) throw new TypeError(`${plural} is not followed`)
    return found
  }

  /** A queue that ends with this life. */
  queue({ name, ...options }: Naming): WorkQueue {
    const onError = (key: string, error: unknown): void =>
      this.options.onTrouble({ controller: name, key, error })
    const queue = new WorkQueue({ ...options, clock: this.clock, onError })
    this.#queues.push(queue)
    return queue
  }

  /** Calls at once and then every so often, for this life. */
  every(ms: number, call: () => Promise<void> | void): void {
    this.#running.push(every({ clock: this.clock, ms, signal: this.signal }, call))
  }

  /** Follows every kind; resolves when each was seen once. */
  async follow(): Promise<void> {
    for (const copy of this.#copies.values()) this.#running.push(copy.follow(this.signal))
    await Promise.all([...this.#copies.values()].map((copy) => copy.synced()))
  }

  /** Ends this life; resolves when nothing of it runs. */
  async end(): Promise<void> {
    this.#ended.abort(new Error('Velero stopped'))
    await Promise.all([...this.#queues.map((queue) => queue.stop()), ...this.#running])
  }
}
