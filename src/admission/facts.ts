/** What the gate finds out about a request before it plans: whose it is, which skips count, which Schedules it comes from. */
import type { AdmissionRequest } from '../core/admission-request.ts'
import { head, type Subject } from '../core/refusal.ts'
import { countingSkips, foreignAnnotations, skipAllAnnotation, skipsIn } from '../core/skip.ts'
import { deny, type Verdict } from '../core/verdict.ts'
import { objectAt, scheduleLabel, textAt, textMapAt, type Json, type VeleroKind } from '../core/velero.ts'
import type { ForesightPorts } from './gate-ports.ts'

/** The Backup or Restore of a request. */
export type Arrival = {
  readonly kind: VeleroKind
  readonly subject: Subject
  readonly uid: string
  readonly object: Json
  readonly annotations: Readonly<Record<string, string>>
  /** The Schedule that made it, or ''. */
  readonly schedule: string
  readonly byVelero: boolean
}

/** Reads the object of a CREATE. */
export function arrivalOf(kind: VeleroKind, request: AdmissionRequest, ports: ForesightPorts): Arrival {
  const object = objectAt({ object: request.object }, 'object')
  const name = request.name || textAt(object, 'metadata', 'name')
  const given = objectAt(object, 'metadata')
  const { namespace } = request
  // Almost always it says both itself.
  const isWhole = given['name'] === name && given['namespace'] === namespace
  const metadata = isWhole ? given : { ...given, name, namespace }
  return {
    kind,
    subject: { kind, namespace, name },
    uid: textAt(metadata, 'uid'),
    object: isWhole ? object : { ...object, metadata },
    annotations: textMapAt(metadata, 'annotations'),
    schedule: textMapAt(metadata, 'labels')[scheduleLabel] ?? '',
    byVelero: ports.isVelero(request.user, namespace),
  }
}

/** The skip annotations that count, or the refusal of who may not write them. */
export async function skipsOf(
  arrival: Arrival,
  request: AdmissionRequest,
  ports: ForesightPorts,
): Promise<{ readonly ok: Readonly<Record<string, string>> } | { readonly refused: Verdict }> {
  const found = skipsIn(arrival.annotations)
  const { namespace } = arrival.subject
  if (arrival.byVelero) {
    const schedule = arrival.schedule
    if (schedule === '') return { ok: {} }
    return {
      ok: await countingSkips(arrival.annotations, () => ports.annotationsOfSchedule(namespace, schedule)),
    }
  }
  const foreign = foreignAnnotations(arrival.annotations)
  if (foreign.length > 0)
    return { refused: deny('ForeignAnnotation', foreignSentence(arrival.subject, foreign)) }
  if (found.length === 0 || (await ports.maySkip(request.user, namespace))) return { ok: arrival.annotations }
  return { refused: deny('MayNotSkip', skipSentence(arrival.subject, request.user.username, found)) }
}

const foreignSentence = (subject: Subject, keys: readonly string[]): string =>
  `${head(subject)}: the annotations ${keys.join(', ')} belong to tidewaiter. The ${subject.kind} was not created. ` +
  `Remove them (to skip actions, use ${skipAllAnnotation} or <action>/<stage>: skip)`

const skipSentence = (subject: Subject, user: string, found: readonly string[]): string =>
  `${head(subject)}: ${user} may not skip actions (${found.join(', ')}). The ${subject.kind} was not created. ` +
  `Remove the annotation, or have somebody grant the verb skip on actions.tidewaiter.io in namespace ${subject.namespace}`
