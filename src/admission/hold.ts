/**
 * The mutating webhook on Backups and Restores that are about to be created: marks what is to be held, and takes off what only
 * tidewaiter may write. The validating webhook comes to the same conclusion by itself, so a mark needs no signature.
 */
import type { AdmissionRequest } from '../core/admission-request.ts'
import { holdAnnotation, holdValue } from '../core/hold/patches.ts'
import { foreignAnnotations, isForeign } from '../core/skip.ts'
import { patched, allow, type PatchOperation, type Verdict } from '../core/verdict.ts'
import { at, startsWork, textAt, type VeleroKind } from '../core/velero.ts'
import type { Arrival } from './facts.ts'
import type { ForesightPorts } from './gate-ports.ts'
import { wayFor } from './held.ts'
import { weigh } from './weigh.ts'

/** The handler. */
export function createHold(ports: ForesightPorts): (request: AdmissionRequest) => Promise<Verdict> {
  return async (request) => {
    const kind: VeleroKind = request.resource.resource === 'restores' ? 'Restore' : 'Backup'
    if (request.operation !== 'CREATE' || !startsWork(request.object)) return allow('NotStarting')
    const weighed = await weigh(kind, withoutForeign(request), ports)
    const { arrival } = weighed.at
    // What is decided already is refused by the validating webhook, or there is nothing to run.
    const isHeld = weighed.verdict === undefined && wayFor(weighed.plans.pre.actions, arrival).hold
    return marked(request, isHeld)
  }
}

const annotationsOf = (request: AdmissionRequest): Arrival['annotations'] => {
  const found = at(request.object, 'metadata', 'annotations')
  return typeof found === 'object' && found !== null ? (found as Arrival['annotations']) : {}
}

const isOurs = (key: string): boolean => key === holdAnnotation || isForeign(key)

/** The request as this webhook leaves it: what is taken off is not judged. */
export function withoutForeign(request: AdmissionRequest): AdmissionRequest {
  const annotations = annotationsOf(request)
  if (!Object.keys(annotations).some(isOurs)) return request
  const kept = Object.fromEntries(Object.entries(annotations).filter(([key]) => !isOurs(key)))
  const object = request.object as { readonly metadata: object }
  return { ...request, object: { ...object, metadata: { ...object.metadata, annotations: kept } } }
}

/** The annotations that are taken off. */
export function foreignIn(request: AdmissionRequest, isHeld: boolean): readonly string[] {
  const annotations = annotationsOf(request)
  const foreign = foreignAnnotations(annotations)
  return holdAnnotation in annotations && !isHeld ? [...foreign, holdAnnotation] : foreign
}

function marked(request: AdmissionRequest, isHeld: boolean): Verdict {
  const annotations = annotationsOf(request)
  const foreign = foreignIn(request, isHeld)
  if (foreign.length === 0 && !isHeld) return allow('NothingToHold')
  const patch = [...foreign.map(removing), ...(isHeld ? holding(request, annotations) : [])]
  if (patch.length === 0) return allow('HoldSet')
  // A mark alone is in no record; that annotations were taken off is.
  if (foreign.length === 0) return patched('HoldSet', patch)
  return { ...patched('AnnotationsRemoved', patch), warnings: [takenOff(foreign)] }
}

const takenOff = (foreign: readonly string[]): string =>
  `tidewaiter took off ${foreign.join(', ')}: only tidewaiter writes these`

// `/` in a key is `~1` in a JSON pointer, `~` is `~0` (RFC 6901).
const pointerTo = (annotation: string) =>
  `/metadata/annotations/${annotation.replaceAll('~', '~0').replaceAll('/', '~1')}`

const removing = (annotation: string): PatchOperation => ({ op: 'remove', path: pointerTo(annotation) })

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null

/** The mark, and the phase New: Velero before 1.17 counts only that as work of a Schedule that is still to come (schedule_controller.go). */
function holding(
  { object }: AdmissionRequest,
  annotations: Arrival['annotations'],
): readonly PatchOperation[] {
  const has = isObject(at(object, 'metadata', 'annotations'))
  const mark: readonly PatchOperation[] =
    annotations[holdAnnotation] === holdValue
      ? []
      : has
        ? [{ op: 'add', path: pointerTo(holdAnnotation), value: holdValue }]
        : [{ op: 'add', path: '/metadata/annotations', value: { [holdAnnotation]: holdValue } }]
  if (textAt(object, 'status', 'phase') === 'New') return mark
  // Go clients send `"status":{}`, what is written by hand has none.
  const status: PatchOperation = isObject(at(object, 'status'))
    ? { op: 'add', path: '/status/phase', value: 'New' }
    : { op: 'add', path: '/status', value: { phase: 'New' } }
  return [...mark, status]
}
