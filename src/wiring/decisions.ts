/** The records of decisions: written by every replica in AdmissionDecisions, pruned by the leader. */
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { outOfRing } from '../core/decision/ring.ts'
import { textAt } from '../core/velero.ts'
import { isKubeError, type KubeErrorCode } from '../kube/errors.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { createRecorder, type DecisionStore, type Recorder, type Write } from '../observe/recorder.ts'
import { hash, signingKey } from './crypto.ts'
import type { Calls } from './kinds.ts'
import type { World } from './world.ts'

const plural = 'admissiondecisions'
const writeMs = 5_000

/** What recording is made of. */
export type Recording = {
  readonly calls: Calls
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly config: Pick<Config, 'veleroNamespaces'>
  readonly owner: string
  readonly macKey: () => Uint8Array
}

/** The recorder of this process. */
export function recorderOf({ calls, clock, log, metrics, config, owner, macKey }: Recording): Recorder {
  // One key for the life of the process: what it signs names it.
  let key: ReturnType<typeof signingKey> | undefined
  return createRecorder({
    clock,
    log,
    metrics,
    hash,
    replica: owner,
    namespaces: config.veleroNamespaces,
    signing: () => (key ??= signingKey(macKey())),
    store: decisionsBy(calls),
  })
}

/** Records by these calls. */
export function decisionsBy(calls: Pick<Calls, 'own'>): DecisionStore {
  return {
    create: async (body) => {
      const wrote = await tried(() =>
        calls.own(plural, body.metadata.namespace).create(body, { timeoutMs: writeMs }),
      )
      // Not the record is gone, but its kind or its namespace.
      return 'failed' in wrote && wrote.failed === 'gone' ? { ...wrote, failed: 'away' } : wrote
    },
    replace: ({ metadata, ...body }, resourceVersion) =>
      tried(() =>
        calls
          .own(plural, metadata.namespace)
          .replace(
            metadata.name,
            { ...body, metadata: { ...metadata, resourceVersion } },
            { timeoutMs: writeMs },
          ),
      ),
    versionOf: async (namespace, name) => {
      try {
        const found = await calls.own(plural, namespace).find(name, { timeoutMs: writeMs })
        return found === undefined ? undefined : textAt(found, 'metadata', 'resourceVersion')
      } catch (error) {
        // Asked again in the next round, by a write that cannot succeed.
        if (isKubeError(error)) return undefined
        throw error
      }
    },
  }
}

async function tried(write: () => Promise<unknown>): Promise<Write> {
  try {
    return { version: textAt(await write(), 'metadata', 'resourceVersion') }
  } catch (error) {
    if (!isKubeError(error)) throw error
    const { message: why, retryAfterMs } = error
    return {
      failed: failures[error.code] ?? 'away',
      why,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    }
  }
}

type Failed = Exclude<Write, { readonly version: string }>['failed']

/** What nobody can write now, and may write later, is everything else: no rights, too many requests, no answer. */
const failures: Partial<Readonly<Record<KubeErrorCode, Failed>>> = {
  ALREADY_EXISTS: 'exists',
  CONFLICT: 'conflict',
  NOT_FOUND: 'gone',
  INVALID: 'refused',
  TOO_LARGE: 'refused',
  DENIED: 'refused',
}

const pruneMs = 60_000

/** Prunes until the signal aborts, a minute apart: in a storm the replicas write faster than the ring is long. Leader only. */
export async function pruneDecisions(
  { calls, clock, log, caches }: Pick<World, 'calls' | 'clock' | 'log' | 'caches'>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    for (const namespace of caches.keys()) {
      try {
        await pruneNamespace(calls, { namespace, now: clock.now(), signal })
      } catch (error) {
        if (!signal.aborted) log.warn({ namespace, err: error }, 'old decisions could not be pruned')
      }
    }
    await clock.sleep(pruneMs, signal).catch(() => undefined)
  }
}

async function pruneNamespace(
  calls: Calls,
  {
    namespace,
    now,
    signal,
  }: { readonly namespace: string; readonly now: number; readonly signal: AbortSignal },
): Promise<void> {
  const decisions = calls.own(plural, namespace)
  const { items } = await decisions.list({ signal })
  const records = items.map((record) => ({
    name: textAt(record, 'metadata', 'name'),
    uid: textAt(record, 'metadata', 'uid'),
    resourceVersion: textAt(record, 'metadata', 'resourceVersion'),
    lastAt: Date.parse(textAt(record, 'status', 'last', 'time')),
  }))
  for (const { name, uid, resourceVersion } of outOfRing(records, now)) {
    signal.throwIfAborted()
    try {
      // One that counted up in the meantime stays.
      await decisions.delete(name, { uid, resourceVersion, signal })
    } catch (error) {
      if (!isKubeError(error, 'NOT_FOUND', 'CONFLICT')) throw error
    }
  }
}
