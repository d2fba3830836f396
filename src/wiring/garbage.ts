/** Prunes old runs and name claims, an hour apart. Leader only. */
import type { ActionRun } from '../api/action-run.ts'
import { claimSeconds } from '../core/claim.ts'
import { prunable } from '../core/garbage.ts'
import { mayStillOwe } from '../core/hold/undo-scope.ts'
import { textAt, textMapAt } from '../core/velero.ts'
import { isKubeError } from '../kube/errors.ts'
import { readable } from './caches.ts'
import type { World } from './world.ts'

const everyMs = 3_600_000

// 20 in a second: the API server has others to serve, and whoever watches runs is told of each.
const paceMs = 50

/** Prunes until the signal aborts; what fails is tried again an hour later. */
export async function collectGarbage(world: World, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const namespace of world.caches.keys()) {
      try {
        await pruneRuns(world, namespace, signal)
        await pruneClaims(world, namespace)
        await pruneKeys(world, namespace)
      } catch (error) {
        if (!signal.aborted) world.log.warn({ namespace, err: error }, 'old records could not be pruned')
      }
    }
    await world.clock.sleep(everyMs, signal).catch(() => undefined)
  }
}

async function pruneRuns(world: World, namespace: string, signal: AbortSignal): Promise<void> {
  const { caches, calls, clock, config, log, metrics } = world
  const kept = caches.get(namespace)
  if (kept === undefined) return
  const named = ({ spec }: ActionRun) => kept.objects[spec.objectRef.kind].get(namespace, spec.objectRef.name)
  const objectOf = (run: ActionRun) => {
    const found = named(run)
    return found?.uid === run.spec.objectRef.uid ? found : undefined
  }
  const spare = prunable(readable(kept.runs.list()), {
    objectOf: (run) => named(run),
    owesUndo: (run) =>
      mayStillOwe({
        run,
        object: objectOf(run),
        stuckAfterMs: config.stuckAfterSeconds * 1000,
        now: clock.now(),
      }),
    keep: { days: config.runsDays, perAction: config.runsPerAction },
    now: clock.now(),
  })
  for (const { run, because } of spare) {
    const { name, uid, resourceVersion } = run.metadata
    // One that was written since it was looked at stays.
    const deletion = calls.own('actionruns', namespace).delete(name, { uid, resourceVersion })
    if (await gone(deletion)) metrics.runsPruned.inc({ namespace, because })
    await clock.sleep(paceMs, signal)
  }
  if (spare.length > 0) log.info({ namespace, runs: spare.length }, 'old runs were pruned')
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

/** An exclusive key is given back by its run: where that was deleted by hand, nobody would. */
async function pruneKeys(world: World, namespace: string): Promise<void> {
  const leases = world.calls.leases(namespace)
  const { items } = await leases.list({ labelSelector: 'tidewaiter.io/claim=exclusive' })
  for (const lease of items) {
    const run = textMapAt(lease, 'metadata', 'annotations')['tidewaiter.io/run'] ?? ''
    if (run !== '' && (await world.runs.read(namespace, run)) !== undefined) continue
    const name = textAt(lease, 'metadata', 'name')
    world.log.warn({ namespace, lease: name, run }, 'an exclusive key whose run is gone is given back')
    await gone(leases.delete(name, { resourceVersion: textAt(lease, 'metadata', 'resourceVersion') }))
  }
}

/** Whether we deleted it: it may be gone already, or have changed. */
async function gone(deletion: Promise<unknown>): Promise<boolean> {
  try {
    await deletion
    return true
  } catch (error) {
    if (!isKubeError(error, 'NOT_FOUND', 'CONFLICT')) throw error
    return false
  }
}
