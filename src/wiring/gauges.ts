/** Gauges over all that is kept, and Actions whose author is judged anew: now and then. Leader only. */
import { inLine, isStuck } from '../core/hold/turn.ts'
import { hasEnded } from '../core/run/machine.ts'
import { isStuck as isUndoStuck } from '../core/run/undo.ts'
import { progressOf } from '../core/velero.ts'
import { readable } from './caches.ts'
import { gaugeCooldowns } from './cooldowns.ts'
import { isAdopted, type World } from './world.ts'

const everyMs = 15_000

/** Counts until the signal aborts. `onAction` is told of every Action: its author may count otherwise under another key. */
export async function watchGauges(
  world: World,
  onAction: (namespace: string, name: string) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    countStuck(world)
    countPending(world)
    countHeld(world)
    countUnadopted(world, onAction)
    await gaugeCooldowns(world)
    await world.clock.sleep(everyMs, signal).catch(() => undefined)
  }
  forget(world.metrics)
}

/** Whoever leads next counts: what stood here last would be taken for the state of things. */
function forget(metrics: World['metrics']): void {
  const { stuck, pending, held, heldOldest, undoStuck, unadopted, cooldownUntil, refusedInARow } = metrics
  for (const gauge of [stuck, pending, held, heldOldest, undoStuck, unadopted, cooldownUntil, refusedInARow])
    gauge.reset()
}

function countStuck({ caches, clock, config, metrics }: World): void {
  for (const kind of ['Backup', 'Restore'] as const) {
    const now = clock.now()
    const objects = [...caches.values()].flatMap((kept) => kept.objects[kind].list())
    const stuck = objects.filter(
      (object) =>
        progressOf(object.progress, now).started &&
        isStuck(object, { stuckAfterMs: config.stuckAfterSeconds * 1000, now }),
    )
    metrics.stuck.set({ kind }, stuck.length)
  }
}

function countPending({ caches, metrics }: World): void {
  const runs = [...caches.values()].flatMap((kept) => readable(kept.runs.list()))
  const open = runs.filter((run) => run.spec.stage.startsWith('Post') && !hasEnded(run))
  metrics.pending.set(open.length)
}

function countHeld({ caches, clock, metrics }: World): void {
  for (const { namespace, objects, runs } of caches.values()) {
    for (const kind of ['Backup', 'Restore'] as const) {
      const [oldest, ...others] = inLine(objects[kind].byIndex('open', 'yes'))
      metrics.held.set({ namespace, kind }, oldest === undefined ? 0 : 1 + others.length)
      const since = oldest === undefined ? 0 : Math.max(0, clock.now() - oldest.createdAt)
      metrics.heldOldest.set({ namespace, kind }, since / 1000)
    }
    metrics.undoStuck.set({ namespace }, readable(runs.list()).filter(isUndoStuck).length)
  }
}

function countUnadopted(world: World, onAction: (namespace: string, name: string) => void): void {
  for (const { namespace, actions } of world.caches.values()) {
    const kept = actions.list()
    const unadopted = kept.filter((one) => !isAdopted(world, namespace, one))
    world.metrics.unadopted.set({ namespace }, unadopted.length)
    // A stamp that does not verify: another key, or a forgery. Every Action at once: the key was lost.
    const voided = unadopted.filter(({ stamp }) => stamp !== undefined)
    if (voided.length > 0)
      world.log.error(
        { namespace, actions: voided.map(({ name }) => name) },
        'the stamps of these Actions are not by our key: they do not run until somebody adopts them',
      )
    for (const { name } of kept) onAction(namespace, name)
  }
}
