/** Prunes old runs and name claims, an hour apart. Leader only. */
import { claimSeconds } from '../core/claim.ts'
import type { ActionRun } from '../api/action-run.ts'
import { prunable } from '../core/garbage.ts'
import { textAt } from '../core/velero.ts'
import { isKubeError } from '../kube/errors.ts'
import { readable } from './caches.ts'
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
  if (caches === undefined) return
  const objectOf = ({ spec }: ActionRun) =>
    caches.objects[spec.objectRef.kind].get(namespace, spec.objectRef.name)
  for (const { metadata } of prunable(readable(caches.runs.list()), objectOf, world.clock.now())) {
    await gone(world.calls.own('actionruns', namespace).delete(metadata.name, { uid: metadata.uid }))
  }
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
