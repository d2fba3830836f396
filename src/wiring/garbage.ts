/** Prunes old runs and name claims, an hour apart. Leader only. */
import { claimSeconds } from '../core/claim.ts'
import type { ActionRun } from '../api/action-run.ts'
import { prunable } from '../core/garbage.ts'
import { speaksOf } from '../core/post.ts'
import { textAt } from '../core/velero.ts'
import { isKubeError } from '../kube/errors.ts'
import { readable, type NamespaceCaches } from './caches.ts'
import type { World } from './world.ts'

const everyMs = 3_600_000

/** Prunes until the signal aborts; what fails is tried again an hour later. */
export async function collectGarbage(world: World, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const namespace of world.caches.keys()) {
      try {
        await pruneRuns(world, namespace)
        await pruneClaims(world, namespace)
      } catch (error) {
        world.log.warn({ namespace, err: error }, 'old records could not be pruned')
      }
    }
    await world.clock.sleep(everyMs, signal).catch(() => undefined)
  }
}

async function pruneRuns(world: World, namespace: string): Promise<void> {
  const caches = world.caches.get(namespace)
  const runs = readable(caches?.runs.list() ?? []).filter((run) => isTold(run, caches))
  for (const { metadata } of prunable(runs, world.clock.now())) {
    await gone(world.calls.own('actionruns', namespace).delete(metadata.name, { uid: metadata.uid }))
  }
}

/** A run whose object is there and does not carry its result yet must stay: by it alone is known that nothing fires again. */
function isTold(run: ActionRun, caches: NamespaceCaches | undefined): boolean {
  const { kind, name, uid } = run.spec.objectRef
  const object = caches?.objects[kind].get(run.metadata.namespace, name)
  if (object === undefined || object.uid !== uid) return true
  return speaksOf(run.spec.stage.startsWith('Pre') ? object.pre : object.post, run.metadata.name)
}

async function pruneClaims(world: World, namespace: string): Promise<void> {
  const leases = world.calls.leases(namespace)
  const { items } = await leases.list({ labelSelector: 'tidewaiter.io/claim=name' })
  const old = items.filter(
    (lease) => world.clock.now() - Date.parse(textAt(lease, 'spec', 'acquireTime')) > claimSeconds * 2_000,
  )
  for (const lease of old) {
    await gone(
      leases.delete(textAt(lease, 'metadata', 'name'), {
        resourceVersion: textAt(lease, 'metadata', 'resourceVersion'),
      }),
    )
  }
}

async function gone(deletion: Promise<unknown>): Promise<void> {
  try {
    await deletion
  } catch (error) {
    if (!isKubeError(error, 'NOT_FOUND', 'CONFLICT')) throw error
  }
}
