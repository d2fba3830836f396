/** What a reflector is made of, and what it gives. */
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { KubeClient } from './client.ts'
import type { Change, Indexes } from './store.ts'

/** What to reflect. */
export type ReflectorOptions<T> = {
  readonly client: KubeClient
  /** The collection: `/apis/velero.io/v1/namespaces/velero/backups`. */
  readonly path: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** What is kept of an object; undefined: nothing. Must not throw for any object that can be stored: what it throws for is logged and left out. */
  readonly project: (raw: unknown) => T | undefined
  /** `namespace/name` unless told; what `get` looks for. */
  readonly key?: (namespace: string, name: string) => string
  readonly clock: Clock
  readonly log: Log
  /** Told of each change after it was made, in order. Synchronous and quick: it notes a key down, no more. */
  readonly onChange?: (change: Change<T>) => void
  readonly pageSize?: number
  readonly indexes?: Indexes<T>
}

/** How often things happened, for metrics. */
export type ReflectorCounts = {
  readonly lists: number
  readonly watches: number
  readonly events: number
  /** Answers that made no sense: bad JSON, objects without a name, lines without an end. */
  readonly garbled: number
  /** Objects that `project` threw for. */
  readonly unprojected: number
}

/** A copy of a collection that follows the API server. */
export type Reflector<T> = {
  /** Follows until the signal aborts; resolves once everything has ended, and never rejects. To be called once. */
  readonly start: (signal: AbortSignal) => Promise<void>
  /** Whether the collection was seen whole at least once. */
  readonly synced: () => boolean
  /** Milliseconds since the copy was last known to be current: an event, a bookmark (one a minute), or the end of a list. Infinity before. */
  readonly silentMs: () => number
  /** Why it does not follow now, as far as that was seen. */
  readonly trouble: () => string | undefined
  readonly get: (namespace: string, name: string) => T | undefined
  readonly list: () => readonly T[]
  readonly byIndex: (name: string, value: string) => readonly T[]
  /** Resolves when `synced`; rejects with the signal's reason. */
  readonly whenSynced: (signal: AbortSignal) => Promise<void>
  readonly counts: () => ReflectorCounts
}
