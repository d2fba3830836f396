/** Held objects: their actions run just in time, then they are let go, or failed. Leader only. */
import type { ActionRun } from '../api/action-run.ts'
import { failPatch, releasePatch } from '../core/hold/patches.ts'
import {
  abortedWords,
  endsWithoutRun,
  goneStep,
  heldTooLong,
  holdEndsAt,
  holdStep,
  type HoldStep,
} from '../core/hold/step.ts'
import { isHeld } from '../core/hold/turn.ts'
import { heldForMs, seenObjectOf, type SeenObject } from '../core/post.ts'
import { abortedRefusal, heldRefusal } from '../core/refusal.ts'
import { wasSeen, withSeen } from '../core/run/conditions.ts'
import { drive, type Driven } from '../core/run/drive.ts'
import { hasEnded, type Seen } from '../core/run/machine.ts'
import { runName, stagesOf } from '../core/run/names.ts'
import { keyRestMs, restOf } from '../core/run/rows.ts'
import { preAnnotation, tellHeld, tellPreEvent, tellUnread, unreadWords } from './announce.ts'
import { exportedAnnotation } from './exported.ts'
import { watchHold } from './hold-watch.ts'
import { isSame, leadOf, performClaimed } from './perform.ts'
import { writeHeldRun } from './plan.ts'
import type { ControlPorts } from './ports.ts'
import type { Again } from './post.ts'
import { turns } from './turns.ts'

/** What is behind, or was written by another meanwhile, is looked at again after this. */
const soonMs = 2_000
/** A held object is looked at this often at least: an event may be lost, or Velero be restarted with other flags. */
const lookMs = 30_000

/** Whether this look is about a hold: the object is held, or its run was to hold it and has not ended. */
export const concernsHold = (object: SeenObject | undefined, run: ActionRun | undefined): boolean =>
  (object !== undefined && isHeld(object) && !(object.leaving && run !== undefined && hasEnded(run))) ||
  (run?.spec.held === true && !hasEnded(run))

/** Looks at one held object. */
export async function reconcileHold(
  object: SeenObject,
  run: ActionRun | undefined,
  { ports, signal }: { readonly ports: ControlPorts; readonly signal: AbortSignal },
): Promise<Again> {
  const { kind, namespace, uid } = object
  const step = holdStep({
    object,
    run,
    hasTurn: turns(kind, namespace, ports).has(uid),
    owner: ports.owner,
    formers: ports.formers(),
    longestMs: longestMsOf(run, ports),
    now: ports.serverTime(),
    here: ports.clock.now(),
  })
  if (step.do === 'nothing') return undefined
  if (step.do === 'write-run') return writeRun(object, ports)
  if (run === undefined) return undefined
  const noted = await noteSeen(run, ports)
  return typeof noted === 'string' ? { inMs: soonMs } : take(step, { object, run: noted, ports, signal })
}

/** Written down before anything else: what is not there later was deleted, and did not fail to appear. */
async function noteSeen(run: ActionRun, ports: ControlPorts): Promise<ActionRun | 'conflict' | 'gone'> {
  if (run.status.phase !== 'Pending' || wasSeen(run)) return run
  return ports.runs.write(run, withSeen(run, ports.clock.now()))
}

/** As it was told when the object was admitted. */
const longestMsOf = (run: ActionRun | undefined, { holdMaxMs }: ControlPorts): number =>
  run?.spec.holdMaxSeconds === undefined ? holdMaxMs : run.spec.holdMaxSeconds * 1000

type At = {
  readonly object: SeenObject
  readonly run: ActionRun
  readonly ports: ControlPorts
  readonly signal: AbortSignal
}

type OfRun = Exclude<HoldStep, { readonly do: 'nothing' | 'write-run' }>

async function take(step: OfRun, at: At): Promise<Again> {
  switch (step.do) {
    case 'wait':
      await tellHeld(at.run, at.object, at.ports)
      return { inMs: Math.min(step.forMs, lookMs) }
    case 'drive':
      await tellHeld(at.run, at.object, at.ports)
      return driveHeld(at)
    case 'abort':
      return abortHeld(at.run, step, at.ports)
    case 'release':
      return letGo(at)
    case 'fail':
      return failHeld(at)
  }
}

/** Its admission was not finished. Nothing started: what is to be done is planned now, and it waits as any other. */
async function writeRun(object: SeenObject, ports: ControlPorts): Promise<Again> {
  try {
    const written = await writeHeldRun(object, ports)
    if (written === 'written') return { inMs: 0 }
    if (written === 'exists') return exists(object, ports)
    if (written === 'gone') return undefined
    if (written === 'nothing') return withoutActions(object, ports)
    return failWith(object, { ports, validationErrors: written.problems })
  } catch (error) {
    const end = endOf(object, ports)
    if (end === undefined) throw error
    ports.log.warn(
      { object: object.name, err: error },
      'a hold ends, and what it was for could not be planned',
    )
    return failWithoutRun(object, end, ports)
  }
}

const endOf = (object: SeenObject, ports: ControlPorts): string | undefined =>
  endsWithoutRun({ object, longestMs: longestMsOf(undefined, ports), now: ports.serverTime() })

/** The copy does not show its run: it is behind, or the run is of another version. */
async function exists(object: SeenObject, ports: ControlPorts): Promise<Again> {
  const name = runName(object, stagesOf(object.kind).pre)
  const problem = ports.runs.unread(object.namespace, name)
  if (problem === undefined) return { inMs: soonMs }
  const end = endOf(object, ports)
  const why = unreadWords(name, problem)
  if (end !== undefined)
    return failWithoutRun(object, `${end}; what its actions did is not known, because ${why}`, ports)
  await tellUnread(object, why, ports)
  return { inMs: lookMs }
}

/** No action matches any more. */
const withoutActions = (object: SeenObject, ports: ControlPorts): Promise<Again> =>
  object.abort === undefined
    ? endHold(object, ports, (live) => releasePatch(live, {}))
    : failWithoutRun(object, abortedWords(object.abort), ports)

const failWithoutRun = (object: SeenObject, why: string, ports: ControlPorts): Promise<Again> =>
  failWith(object, { ports, validationErrors: [abortedRefusal(object, why, undefined)] })

/** The run is read anew: the copy may be behind, and an action must not be claimed from a stale row. */
async function fresh(run: ActionRun, ports: ControlPorts): Promise<ActionRun | undefined> {
  const read = await ports.runs.read(run.metadata.namespace, run.metadata.name)
  return read === undefined || hasEnded(read) ? undefined : read
}

async function driveHeld(at: At): Promise<Again> {
  const { ports, object } = at
  // What waits for an exclusive key is looked at whenever another Backup changes: not read anew each time.
  const rest = restOf(at.run, ports.clock.now())
  if (rest > 0) return { inMs: rest }
  const run = await fresh(at.run, ports)
  if (run === undefined) return { inMs: soonMs }
  const now = ports.clock.now()
  const wait = Math.max(heldForMs(run, leadOf(ports)), restOf(run, now))
  if (wait > 0) return { inMs: wait }
  const endsAt = holdEndsAt({ object, longestMs: longestMsOf(run, ports) })
  // The same moment by the clock of this machine, by which actions are timed, and which may be set between two of them.
  const endsHere = () => endsAt + (ports.clock.now() - ports.serverTime())
  const watch = watchHold(object, endsAt, ports)
  const see = run.status.phase === 'Running' ? 'overdue' : 'claim'
  const seen: Seen = { see, owner: ports.owner, until: now + 60_000 }
  const signal = AbortSignal.any([at.signal, watch.signal])
  try {
    const driven = await drive(run, seen, {
      now: ports.clock.now,
      write: ports.runs.write,
      because: () => watch.because() ?? (at.signal.aborted || ports.leading.aborted ? 'Stopping' : undefined),
      words: watch.words,
      perform: (one, work, remember) =>
        performClaimed(one, work, { ports, signal, endsAt: endsHere(), remember }),
    })
    return afterDriving(driven, ports)
  } finally {
    watch.end()
  }
}

function afterDriving({ run, effects, lost }: Driven, ports: ControlPorts): Again {
  for (const effect of effects)
    if (effect.do === 'report-unknown')
      ports.log.error({ run: run.metadata.name, action: effect.action }, 'nobody knows what this action did')
  if (lost !== undefined) return { inMs: soonMs }
  if (!hasEnded(run)) return { inMs: keyRestMs }
  ports.count(run)
  // The copy will show it in a moment, and bring the key then.
  return { inMs: soonMs }
}

async function abortHeld(
  known: ActionRun,
  { reason, message }: Extract<HoldStep, { readonly do: 'abort' }>,
  ports: ControlPorts,
): Promise<Again> {
  const run = await fresh(known, ports)
  if (run === undefined) return { inMs: soonMs }
  const held = heldForMs(run, leadOf(ports))
  if (held > 0) return { inMs: held }
  return afterDriving(await drive(run, { see: 'abort', reason, message }, workless(ports)), ports)
}

/** Ends the run of a held object that is not there, or not any more. */
export async function abortGone(run: ActionRun, ports: ControlPorts): Promise<Again> {
  const step = goneStep(run)
  return step.do === 'abort' ? abortHeld(run, step, ports) : undefined
}

const workless = (ports: ControlPorts) => ({
  now: ports.clock.now,
  write: ports.runs.write,
  perform: () => Promise.reject(new Error('nothing is performed here')),
})

async function letGo(at: At): Promise<Again> {
  const { object, run, ports } = at
  await tellPreEvent(run, object, ports)
  let exported: Readonly<Record<string, string>>
  try {
    exported = await exportedAnnotation(run, ports)
  } catch (error) {
    return failUnsigned(error, at)
  }
  const annotations = { ...preAnnotation(run), ...exported }
  return endHold(object, ports, (live) => releasePatch(live, annotations))
}

/** What its actions export cannot be signed: that is tried again for as long as the hold may last, and no longer. */
async function failUnsigned(error: unknown, { object, run, ports }: At): Promise<Again> {
  if (ports.serverTime() < holdEndsAt({ object, longestMs: longestMsOf(run, ports) })) throw error
  ports.log.warn({ object: object.name, err: error }, 'a hold ends, and what it exports could not be signed')
  const why = error instanceof Error ? error.message : String(error)
  const said = abortedRefusal(object, `${heldTooLong}, and ${why}`, run.metadata.name)
  return failWith(object, { ports, validationErrors: [said], annotations: preAnnotation(run) })
}

async function failHeld({ object, run, ports }: At): Promise<Again> {
  await tellPreEvent(run, object, ports)
  const aborted = object.abort !== undefined && run.status.reason !== 'ActionFailed'
  const said = aborted
    ? abortedRefusal(object, abortedWords(object.abort ?? ''), run.metadata.name)
    : heldRefusal(object, run)
  return failWith(object, { ports, validationErrors: [said], annotations: preAnnotation(run) })
}

type FailingWith = {
  readonly ports: ControlPorts
  readonly validationErrors: readonly string[]
  readonly annotations?: Readonly<Record<string, string>>
}

async function failWith(
  object: SeenObject,
  { ports, validationErrors, annotations = {} }: FailingWith,
): Promise<Again> {
  const { kind, namespace } = object
  const { storageLocation } = await ports.defaultsOf(namespace)
  const now = ports.clock.now()
  return endHold(object, ports, (live) =>
    failPatch({ kind, live, annotations, validationErrors, storageLocation, now }),
  )
}

/** Patches the object as it is now, and no other of its name. */
async function endHold(
  object: SeenObject,
  ports: ControlPorts,
  patchOf: (live: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>,
): Promise<Again> {
  const live = await ports.objects.read(object.kind, object.namespace, object.name)
  if (live === undefined || !isSame(live, object.uid)) return { inMs: soonMs }
  // Judged by the copy, which may be behind: the patch names the version that was read, so what was read must be as it was judged.
  const now = seenObjectOf(object.kind, live)
  const asJudged = isHeld(now) && !now.leaving && (now.abort === undefined) === (object.abort === undefined)
  if (!asJudged) return { inMs: soonMs }
  const done = await ports.objects.patch(object, patchOf(live))
  return { inMs: done ? 0 : soonMs }
}
