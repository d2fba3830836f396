/** Performs an action of a run that the leader claimed, or its undo. */
import type { ActionRun } from '../api/action-run.ts'
import { notBegun, type Outcome } from '../core/outcome.ts'
import type { Remember } from '../core/run/before.ts'
import { entries, specOf } from '../core/run/rows.ts'
import type { Json } from '../core/velero.ts'
import type { ControlPorts } from './ports.ts'

/** With what an action is performed: `endsAt` is the end of what it waits for, milliseconds since the epoch. */
export type PerformingAt = {
  readonly ports: ControlPorts
  readonly signal: AbortSignal
  readonly endsAt?: number
  /** Keeps what the action finds before it changes anything. */
  readonly remember?: Remember
}

/** Performs one claimed action of a run, or its undo: its object is read, then the world is asked. */
export async function performClaimed(
  run: ActionRun,
  work: { readonly do: 'perform' | 'undo'; readonly action: string; readonly renderOnly?: boolean },
  { ports, signal, endsAt = Number.POSITIVE_INFINITY, remember }: PerformingAt,
): Promise<Outcome> {
  const entry = entries(run.spec, run.status).find(({ action }) => action.name === work.action)
  if (entry === undefined) throw new Error(`run ${run.metadata.name} has no action ${work.action}`)
  // Another replica leads: it goes on with what this one has not begun.
  if (ports.leading.aborted) return notBegun('aborted', 'this replica leads no more')
  const object = await objectOf(run, ports)
  if ('unread' in object) return object.unread
  return ports.perform({
    run,
    action: entry.action,
    object: object.ok,
    renderOnly: work.renderOnly === true,
    rehearse: work.renderOnly === true,
    ...(remember === undefined ? {} : { remember }),
    ...(work.do === 'undo' ? { undo: true } : {}),
    isOurs: ports.holds,
    endsAt: Math.min(ports.clock.now() + specOf(entry.action).timeoutSeconds * 1000, deadlineOf(run), endsAt),
    signal,
  })
}

/** The object as it is, or was. Its action is claimed: a throw here would leave it looking like one that was begun. */
async function objectOf(
  { spec, metadata }: ActionRun,
  { objects, log }: ControlPorts,
): Promise<{ readonly ok: Json } | { readonly unread: Outcome }> {
  const { kind, name, uid } = spec.objectRef
  try {
    const live = await objects.read(kind, metadata.namespace, name)
    return { ok: live !== undefined && isSame(live, uid) ? live : (spec.object ?? {}) }
  } catch (error) {
    log.warn({ run: metadata.name, err: error }, 'an action was not begun: its object could not be read')
    const message = `the ${kind} ${name} could not be read from the API server before the action began; see the log`
    return { unread: notBegun('internal', message) }
  }
}

/** When the run is anybody's: what was slow before this action began is taken from its time. */
const deadlineOf = ({ status }: ActionRun): number =>
  status.deadline === undefined ? Number.POSITIVE_INFINITY : Date.parse(status.deadline)

/** Who leads now, and who led before, for the question whose a run is. */
export const leadOf = ({ owner, formers, clock }: ControlPorts) => ({
  owner,
  formers: formers(),
  now: clock.now(),
})

/** Whether an object that was read is the one of this uid. */
export const isSame = (live: Readonly<Record<string, unknown>>, uid: string): boolean =>
  typeof live['metadata'] === 'object' &&
  live['metadata'] !== null &&
  'uid' in live['metadata'] &&
  live['metadata'].uid === uid
