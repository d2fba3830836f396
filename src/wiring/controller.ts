/** What the leader does: look at Backups, Restores, runs and Actions as they change, and keep the registrations. */
import { turns } from '../control/turns.ts'
import { keyOf, reconcileObject, textOf } from '../control/objects.ts'
import type { ActionRun } from '../api/action-run.ts'
import type { Looked } from '../control/looked.ts'
import type { ControlPorts } from '../control/ports.ts'
import { createQueue, type Queue } from '../control/queue.ts'
import { isHeld } from '../core/hold/turn.ts'
import type { SeenObject } from '../core/post.ts'
import { hasEnded } from '../core/run/machine.ts'
import { progressOf } from '../core/velero.ts'
import type { ObjectKey } from '../control/post.ts'
import { actionKey, actionStatuses, isActionKey } from './action-status.ts'
import { refOf } from './caches.ts'
import { pruneDecisions } from './decisions.ts'
import { collectGarbage } from './garbage.ts'
import { watchGauges } from './gauges.ts'
import type { World } from './world.ts'

/** Takes the changes that the copies tell; they are dropped while this replica does not lead. */
export type Controller = {
  readonly onObject: (key: ObjectKey) => void
  readonly onAction: (namespace: string, name: string) => void
  /** Leads until the signal aborts; what is under way has a little time to end, unless the lease is lost. */
  readonly lead: (ports: ControlPorts, looked: Looked, until: Lead) => Promise<void>
}

// An action that takes more than a few seconds gives its worker back, and goes on.
const workers = 64
// An action may take an hour, and a stage has up to 64.
const workTimeoutMs = 24 * 3_600_000

/** How long this process leads, and when it has lost the lease. */
export type Lead = { readonly signal: AbortSignal; readonly lost: AbortSignal }

/** The controller of one process. */
export function createController(world: () => World): Controller {
  let queue: Queue | undefined
  let looks: Looked | undefined
  const onAction = (namespace: string, name: string) => void queue?.add(actionKey(namespace, name))
  return {
    onObject: (key) => {
      if (queue !== undefined) looks?.offer(textOf(key), queue.add)
    },
    onAction,
    lead: async (ports, looked, { signal, lost }) => {
      const { clock, log, metrics } = world()
      const seed = async () => {
        for (const key of actionKeys(world())) own.add(key)
        await looked.offerAll(objectKeys(world()), own.add, (keys) => own.room(keys, signal))
      }
      const own: Queue = createQueue({
        clock,
        log,
        name: 'objects',
        workers,
        workTimeoutMs,
        onRoom: () => void seed(),
        work: async (key, abort) => {
          metrics.queue.set(own.depth().waiting)
          const again = isActionKey(key)
            ? await statuses.look(key)
            : await look(ports, { key, abort, looked, kick: own.add, note: statuses.note })
          if (again !== undefined) own.addAfter(key, again)
        },
      })
      const statuses = actionStatuses(world, own.addAfter)
      queue = own
      looks = looked
      try {
        await Promise.all([
          seed(),
          own.start(signal, lost),
          collectGarbage(world(), signal),
          pruneDecisions(world(), signal),
          watchGauges(world(), onAction, signal),
        ])
      } finally {
        queue = undefined
        looks = undefined
      }
    },
  }
}

type Look = {
  readonly key: string
  readonly abort: AbortSignal
  readonly looked: Looked
  readonly kick: (key: string) => unknown
  readonly note: (run: ActionRun) => void
}

async function look(
  ports: ControlPorts,
  { key, abort, looked, kick, note }: Look,
): Promise<number | undefined> {
  const object = keyOf(key)
  const since = looked.begin(key)
  // What is performed was decided: it may take an hour.
  const perform: ControlPorts['perform'] = (performing) => {
    looked.end(key)
    return ports.perform(performing)
  }
  let again: Awaited<ReturnType<typeof reconcileObject>>
  try {
    again = await reconcileObject(object, { ...ports, perform }, abort)
    looked.end(key)
  } catch (error) {
    looked.failed(key, since)
    throw error
  }
  for (const run of ports.runs.ofObject(object.uid)) if (hasEnded(run)) note(run)
  kickHeld(object, ports, kick)
  return again?.inMs
}

const longAgoMs = 5 * 60_000
/** Most objects: the room that it made was taken since. */
const endedLongAgo = ({ progress, completedAt, statusWrittenAt }: SeenObject, now: number): boolean =>
  progressOf(progress, now).ended !== undefined &&
  now - Math.max(completedAt || 0, statusWrittenAt || 0) > longAgoMs

/** What is not held may have made room: whose turn it is now is looked at at once. */
function kickHeld(
  { kind, namespace, name }: ObjectKey,
  ports: ControlPorts,
  kick: (key: string) => unknown,
): void {
  const seen = ports.objects.seen(kind, namespace, name)
  if (seen !== undefined && (isHeld(seen) || endedLongAgo(seen, ports.clock.now()))) return
  const next = turns(kind, namespace, ports)
  for (const object of ports.objects.open(kind, namespace)) if (next.has(object.uid)) kick(textOf(object))
}

/** The keys of all Backups and Restores that are known, and of those that runs are for. */
function objectKeys(world: World): readonly string[] {
  return [...world.caches.values()].flatMap(({ namespace, objects, runs }) => [
    ...[...objects.Backup.list(), ...objects.Restore.list()].map((object) => textOf(object)),
    ...runs.list().map((run) => textOf({ ...refOf(run), namespace })),
  ])
}

const actionKeys = (world: World): readonly string[] =>
  [...world.caches.values()].flatMap(({ namespace, actions }) =>
    actions.list().map(({ name }) => actionKey(namespace, name)),
  )
