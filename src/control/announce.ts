/**
 * Tells where users look: an Event and an annotation on the Backup or Restore. Always after the record was written. The
 * Event comes first, because the annotation says that both were told; an Event that is told again has the same name.
 */
import type { ActionRun } from '../api/action-run.ts'
import { bytesOf, cutToBytes, longestEvent } from '../core/bytes.ts'
import { countedFailures, countingOf } from '../core/counted.ts'
import { exportsSomething } from '../core/exported/outputs.ts'
import { saysUnguarded, speaksOf, type SeenObject } from '../core/post.ts'
import { holds } from '../core/run/conditions.ts'
import { endedPhase } from '../core/run/ending.ts'
import { scheduleRefusal } from '../core/schedule-refusal.ts'
import { progressOf } from '../core/velero.ts'
import type { Again } from './post.ts'
import type { ControlPorts, EventNote } from './ports.ts'

const annotationOf = (run: ActionRun, more: { readonly counted?: number } = {}): string =>
  JSON.stringify({
    phase: endedPhase(run),
    run: run.metadata.name,
    at: run.status.completionTimestamp ?? run.metadata.creationTimestamp,
    ...(isUnguarded(run) ? { unguarded: true } : {}),
    ...more,
  })

/** It began without its pre actions, or although they said no. */
const isUnguarded = (run: ActionRun): boolean => run.status.reason === 'Unguarded' || holds(run, 'Unguarded')

const regarding = ({ kind, namespace, name, uid }: SeenObject): EventNote['regarding'] => ({
  kind,
  namespace,
  name,
  uid,
})

const bad: ReadonlySet<string> = new Set(['Failed', 'Refused', 'Unknown'])

/** Tells how the post stage went; the annotation outlives the run, so that nothing fires twice. */
export async function tellPost(run: ActionRun, object: SeenObject, ports: ControlPorts): Promise<Again> {
  if (speaksOf(object.post, run.metadata.name)) return undefined
  if (countedFailures(run) > 0) return tellCounted(run, object, ports)
  await ports.tell(noteOf(run, object, 'PostActions'))
  await ports.objects.annotate(object, 'tidewaiter.io/post', annotationOf(run))
  return undefined
}

/** The annotation tidewaiter.io/pre for a run. */
export const preAnnotation = (run: ActionRun): Readonly<Record<string, string>> => ({
  'tidewaiter.io/pre': annotationOf(run),
})

/** Tells how the pre stage of a held object went; the annotation comes with what ends the hold. */
export const tellPreEvent = (run: ActionRun, object: SeenObject, ports: ControlPorts): Promise<void> =>
  ports.tell(noteOf(run, object, 'PreActions'))

/** Tells once that an object is held, and for what. */
export async function tellHeld(run: ActionRun, object: SeenObject, ports: ControlPorts): Promise<void> {
  const key = `held/${object.uid}`
  if (ports.decided.has(key)) return
  const rows = run.spec.actions.filter(({ skip }) => skip === undefined)
  const message = `held until its ${run.spec.stage} actions have ended${named(rows)} (run ${run.metadata.name})`
  await ports.tell({ regarding: regarding(object), type: 'Normal', reason: 'Held', message })
  ports.decided.add(key)
}

/** Why a run of this name is of no use. */
export const unreadWords = (name: string, problem: string): string =>
  `this version of tidewaiter cannot understand its ActionRun ${name} (${problem})`

/** Tells once that what an object is held for cannot be understood. */
export async function tellUnread(object: SeenObject, why: string, ports: ControlPorts): Promise<void> {
  const key = `unread/${object.uid}`
  if (ports.decided.has(key)) return
  const tail = `. The version that wrote it goes on with it, and tidewaiter holds abort ${object.name} ends it`
  const message =
    cutToBytes(`it stays held, and its actions are not run: ${why}`, longestEvent - bytesOf(tail)) + tail
  await ports.tell({ regarding: regarding(object), type: 'Warning', reason: 'HeldRunUnread', message })
  ports.decided.add(key)
}

/** Tells that an undo fails for long; where the object is gone, the run and the metric say so. */
export async function tellStuck(
  run: ActionRun,
  object: SeenObject | undefined,
  ports: ControlPorts,
): Promise<void> {
  const stuck = (run.status.actions ?? []).filter(({ undo }) => undo?.phase === 'Stuck')
  const said = stuck.map(({ undo }) => undo?.message ?? '').join('; ')
  ports.log.error(
    { run: run.metadata.name, actions: stuck.map(({ name }) => name), said },
    'an undo is stuck',
  )
  if (object === undefined) return
  const tail = ` It is tried again every ten minutes (run ${run.metadata.name})`
  const text = `what actions did could not be undone${named(stuck)}: ${said}.`
  const message = cutToBytes(text, longestEvent - bytesOf(tail)) + tail
  await ports.tell({ regarding: regarding(object), type: 'Warning', reason: 'UndoStuck', message })
}

/** Velero may write its last words hours after the last action failed (at: ItemsDone). */
const endsMs = 60_000
/** Somebody wrote the object in between. */
const againMs = 500

/** What counts against the result is counted in the write that says that it was told: so a crash counts nothing twice. */
async function tellCounted(run: ActionRun, object: SeenObject, ports: ControlPorts): Promise<Again> {
  const { kind, namespace, name, uid } = object
  const early = `early/${uid}`
  if (!ports.decided.has(early)) await ports.tell(noteOf(run, object, 'PostActions'))
  ports.decided.add(early)
  const { ended, provisional, phase } = progressOf(object.progress, ports.clock.now())
  if (phase !== 'Deleting' && (ended === undefined || provisional)) return { inMs: endsMs }
  const live = await ports.objects.read(kind, namespace, name)
  const counting = countingOf(run, live, ports.clock.now())
  if (counting.do === 'wait') return { inMs: endsMs }
  ports.decided.delete(early)
  if (counting.do === 'nothing') await ports.objects.annotate(object, 'tidewaiter.io/post', annotationOf(run))
  if (counting.do !== 'count') return undefined
  const { errors, resourceVersion } = counting
  const note = annotationOf(run, { counted: countedFailures(run) })
  const written = await ports.objects.count(object, { errors, resourceVersion, note })
  return written === 'conflict' ? { inMs: againMs } : undefined
}

/** What ends a hold of ours brings this annotation along: where it does not stand yet, somebody else lifted the hold. */
function withoutOutputs(run: ActionRun, note: EventNote): EventNote {
  if (run.spec.held !== true || !exportsSomething(run)) return note
  const tail = '; its outputs were not exported, because its hold was lifted by hand'
  return {
    ...note,
    type: 'Warning',
    message: cutToBytes(note.message, longestEvent - bytesOf(tail)) + tail,
  }
}

/** Tells how the pre stage went, once the object it was for is there; and again if it then began all the same. */
export async function tellPre(run: ActionRun, object: SeenObject, ports: ControlPorts): Promise<void> {
  const told = speaksOf(object.pre, run.metadata.name)
  if (told && saysUnguarded(object.pre) === isUnguarded(run)) return
  await ports.releaseName(object)
  await ports.tell(withoutOutputs(run, noteOf(run, object, 'PreActions')))
  await ports.objects.annotate(object, 'tidewaiter.io/pre', annotationOf(run))
}

// A client that was cut off may have been let through (failurePolicy Ignore): its Backup is seen by then.
const arrivesMs = 3_000

/** Tells the Schedule of a Backup that a pre stage refused, and that is not there. */
export async function tellSchedule(run: ActionRun, ports: ControlPorts): Promise<Again> {
  const { namespace } = run.metadata
  // Who makes a Backup by hand writes the label of whatever Schedule, and was told by the refusal itself.
  if (!ports.isVelero(run.spec.requestedBy ?? '', namespace)) return undefined
  const now = ports.clock.now()
  const refusal = scheduleRefusal(run, ports.runs.ofNamespace(namespace), now)
  const keyOf = (uid: string) => `schedule/${uid}`
  const key = keyOf(run.metadata.uid)
  if (refusal === undefined || ports.decided.has(key)) return undefined
  const early = Date.parse(run.status.completionTimestamp ?? '') + arrivesMs - now
  if (early > 0) return { inMs: early }
  const { schedule: name, message, earlier, ...series } = refusal
  const uid = await ports.uidOfSchedule(namespace, name)
  // A Schedule that is gone has nobody who looks at it.
  if (uid !== undefined)
    await ports.tell({
      regarding: { kind: 'Schedule', namespace, name, uid },
      type: 'Warning',
      reason: 'BackupRefused',
      message,
      series,
    })
  ports.decided.add(key)
  // They have nothing to tell any more, and the set lives as long as the leader.
  for (const uid of earlier) ports.decided.delete(keyOf(uid))
  return undefined
}

const mostNamed = 5

/** The names of actions in brackets, or nothing. */
function named(rows: readonly { readonly name: string }[]): string {
  if (rows.length === 0) return ''
  const names = rows.slice(0, mostNamed).map(({ name }) => name)
  const more = rows.length > mostNamed ? [`${rows.length - mostNamed} more`] : []
  return ` (${[...names, ...more].join(', ')})`
}

function noteOf(run: ActionRun, object: SeenObject, what: 'PreActions' | 'PostActions'): EventNote {
  const phase = endedPhase(run)
  const rows = run.status.actions ?? []
  // Passed over (onError: Continue, dryRun), and yet somebody should know.
  const failed = rows.some((row) => row.phase === 'Failed')
  const which = named(rows.filter((row) => row.phase === 'Failed' || row.phase === 'Unknown'))
  const began = holds(run, 'Unguarded')
  const yet = began ? `, yet the ${object.kind} began` : ''
  const counted = countedFailures(run)
  const failures = counted === 1 ? '1 failure counts' : `${counted} failures count`
  const against = counted === 0 ? '' : `; ${failures} against the ${object.kind}`
  const tail = `${against} (run ${run.metadata.name})`
  const text = `${run.spec.stage} actions: ${phase}${which}${yet}, ${run.status.message ?? ''}`
  return {
    regarding: regarding(object),
    type: bad.has(phase) || failed || began ? 'Warning' : 'Normal',
    reason: began ? `${what}Unguarded` : `${what}${phase}`,
    message: cutToBytes(text, longestEvent - bytesOf(tail)) + tail,
  }
}
