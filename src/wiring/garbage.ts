/** Prunes old runs and name claims, an hour apart; gives back exclusive keys that nobody needs, a minute apart. Leader only. */
import type { ActionRun } from '../api/action-run.ts'
import { claimSeconds } from '../core/claim.ts'
import { prunable } from '../core/garbage.ts'
import { keysAreOver } from '../core/hold/exclusive.ts'
import { mayStillOwe, undoDue } from '../core/hold/undo-scope.ts'
import { finishedAt } from '../core/post.ts'
import { isPre } from '../core/run/ending.ts'
import { hasEnded } from '../core/run/machine.ts'
import { textAt, textMapAt } from '../core/velero.ts'
import { isKubeError } from '../kube/errors.ts'
import { readable } from './caches.ts'
import type { World } from './world.ts'

const everyMs = 3_600_000
// Others wait for a key that is left over.
const keysEveryMs = 60_000

/** A key that was taken lately is not looked at, milliseconds: its run, or its object, may not be seen yet. */
const keyMs = 2 * 60_000

// 20 in a second: the API server has others to serve, and whoever watches runs is told of each.
const paceMs = 50

/** Prunes until the signal aborts; what fails is tried again when its time comes anew. */
export async function collectGarbage(world: World, signal: AbortSignal): Promise<void> {
  await Promise.all([
    often({ world, ms: everyMs, signal }, async (namespace) => {
      await pruneRuns(world, namespace, signal)
      await pruneClaims(world, namespace)
    }),
    often({ world, ms: keysEveryMs, signal }, (namespace) => pruneKeys(world, namespace)),
  ])
}

type Often = { readonly world: World; readonly ms: number; readonly signal: AbortSignal }

async function often(
  { world: { caches, clock, log }, ms, signal }: Often,
  prune: (namespace: string) => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    for (const namespace of caches.keys()) {
      try {
        await prune(namespace)
      } catch (error) {
        if (!signal.aborted) log.warn({ namespace, err: error }, 'old records could not be pruned')
      }
    }
    await clock.sleep(ms, signal).catch(() => undefined)
  }
}

async function pruneRuns(world: World, namespace: string, signal: AbortSignal): Promise<void> {
  const { caches, calls, clock, config, log, metrics, serverTime } = world
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
        now: serverTime(),
      }),
    keep: { days: config.runsDays, perAction: config.runsPerAction },
    now: serverTime(),
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
    (lease) => world.serverTime() - Date.parse(textAt(lease, 'spec', 'acquireTime')) > claimSeconds * 2_000,
  )
  for (const lease of old) {
    await gone(
      leases.delete(textAt(lease, 'metadata', 'name'), {
        resourceVersion: textAt(lease, 'metadata', 'resourceVersion'),
      }),
    )
  }
}

/**
 * An exclusive key is given back by its run: where that was deleted by hand, nobody would. Nor where a replica paused before it
 * took the key, and its run was over when it went on.
 */
async function pruneKeys(world: World, namespace: string): Promise<void> {
  const { calls, log, serverTime } = world
  const leases = calls.leases(namespace)
  const { items } = await leases.list({ labelSelector: 'tidewaiter.io/claim=exclusive' })
  for (const lease of items) {
    const taken = Date.parse(textAt(lease, 'metadata', 'creationTimestamp'))
    const run = textMapAt(lease, 'metadata', 'annotations')['tidewaiter.io/run'] ?? ''
    if (serverTime() - taken < keyMs || !(await isLeft(world, namespace, run))) continue
    const name = textAt(lease, 'metadata', 'name')
    log.warn({ namespace, lease: name, run }, 'an exclusive key that its run needs no more is given back')
    await gone(leases.delete(name, { resourceVersion: textAt(lease, 'metadata', 'resourceVersion') }))
  }
}

/** Whether a run is gone, or needs its keys no more; one that cannot be read keeps them. */
async function isLeft(world: World, namespace: string, name: string): Promise<boolean> {
  if (name === '') return true
  try {
    const run = await world.runs.read(namespace, name)
    return run === undefined || isOver(world, run)
  } catch (error) {
    world.log.warn(
      { namespace, run: name, err: error },
      'a run that has an exclusive key could not be read: it keeps the key',
    )
    return false
  }
}

function isOver({ caches, config, serverTime }: World, run: ActionRun): boolean {
  const { kind, name, uid } = run.spec.objectRef
  const { namespace } = run.metadata
  const kept = caches.get(namespace)
  const found = kept?.objects[kind].get(namespace, name)
  const object = found?.uid === uid ? found : undefined
  const now = serverTime()
  // Its post stage may still have to be planned.
  const endedNow = object !== undefined && now - finishedAt(object) < everyMs
  const ofObject = readable(kept?.runs.byIndex('uid', uid) ?? [])
  return keysAreOver(run, {
    undo: undoDue({ run, object, stuckAfterMs: config.stuckAfterSeconds * 1000, now }),
    postEnded: !endedNow && ofObject.every((one) => isPre(one) || hasEnded(one)),
  })
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
