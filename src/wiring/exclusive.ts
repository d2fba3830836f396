/** Exclusive keys, kept in Leases that name the object whose action has the key. See core/hold/exclusive.ts. */
import type { ActionRun } from '../api/action-run.ts'
import { holderAnnotation, keyAnnotation, keyLabels, keyLeaseName } from '../core/hold/exclusive.ts'
import { ownLabels } from '../core/registration.ts'
import { textAt, textMapAt } from '../core/velero.ts'
import type { Clock } from '../clock.ts'
import { isKubeError } from '../kube/errors.ts'
import type { Calls } from './kinds.ts'

/** Takes and gives back. */
export type ExclusiveKeys = {
  /** Takes a key for the object of a run; says who has it otherwise. Taking it again is no error. */
  readonly take: (run: ActionRun, key: string) => Promise<{ readonly ok: true } | { readonly heldBy: string }>
  /** Gives keys back, as far as the object of the run has them. */
  readonly free: (run: ActionRun, keys: readonly string[]) => Promise<void>
}

/** What it needs. */
export type ExclusiveWorld = {
  readonly calls: Calls
  readonly clock: Clock
  readonly hash: (text: string) => string
}

/** Keys in the namespace of the run. */
export function exclusiveKeys({ calls, clock, hash }: ExclusiveWorld): ExclusiveKeys {
  return {
    take: async (run, key) => {
      const leases = calls.leases(run.metadata.namespace)
      const lease = leaseOf(run, key, { name: keyLeaseName(key, hash), now: clock.now() })
      try {
        await leases.create(lease)
        return { ok: true }
      } catch (error) {
        if (!isKubeError(error, 'ALREADY_EXISTS')) throw error
      }
      const found = await leases.find(lease.metadata.name)
      // Given back in between: whoever asks again finds out.
      if (found === undefined) return { heldBy: 'another object, until a moment ago' }
      if (textAt(found, 'spec', 'holderIdentity') === run.spec.objectRef.uid) return { ok: true }
      return { heldBy: holderIn(found) }
    },
    free: async (run, keys) => {
      const leases = calls.leases(run.metadata.namespace)
      for (const key of keys)
        await freeOne(leases, { name: keyLeaseName(key, hash), holder: run.spec.objectRef.uid })
    },
  }
}

/** Who has a key in a namespace at this moment; undefined if nobody has. */
export async function keyHolder(
  { calls, hash }: Omit<ExclusiveWorld, 'clock'>,
  namespace: string,
  key: string,
): Promise<string | undefined> {
  const found = await calls.leases(namespace).find(keyLeaseName(key, hash))
  return found === undefined ? undefined : holderIn(found)
}

const holderIn = (lease: unknown): string =>
  textMapAt(lease, 'metadata', 'annotations')[holderAnnotation] ?? 'somebody else'

// Somebody who writes labels on it again and again has to be in a hurry to win this.
const mostTries = 5

/** Deletes the Lease if this holder has it. Written between the look and the deletion, it is looked at again: it may be another's by then. */
async function freeOne(
  leases: ReturnType<Calls['leases']>,
  { name, holder }: { readonly name: string; readonly holder: string },
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const found = await leases.find(name)
    if (textAt(found, 'spec', 'holderIdentity') !== holder) return
    try {
      return void (await leases.delete(name, {
        resourceVersion: textAt(found, 'metadata', 'resourceVersion'),
      }))
    } catch (error) {
      if (isKubeError(error, 'NOT_FOUND')) return
      if (!isKubeError(error, 'CONFLICT') || tries >= mostTries) throw error
    }
  }
}

function leaseOf(
  { metadata, spec }: ActionRun,
  key: string,
  { name, now }: { readonly name: string; readonly now: number },
) {
  const { kind, name: object, uid } = spec.objectRef
  // A Lease's times are MicroTime: six digits (k8s.io/apimachinery meta/v1 micro_time.go).
  const acquireTime = new Date(now).toISOString().replace('Z', '000Z')
  const { namespace } = metadata
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name,
      namespace,
      labels: { ...ownLabels, ...keyLabels },
      annotations: {
        [keyAnnotation]: key,
        [holderAnnotation]: `${kind} ${namespace}/${object} (run ${metadata.name})`,
        'tidewaiter.io/run': metadata.name,
      },
    },
    spec: { holderIdentity: uid, acquireTime, renewTime: acquireTime },
  }
}
