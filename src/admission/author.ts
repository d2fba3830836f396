/** The mutating webhook on Actions: stamps who wrote the spec, and lets nobody else write the stamp. */
import type { AdmissionRequest } from '../core/admission-request.ts'
import { authorAnnotation, authorOf, stamp, type Stamped } from '../core/author.ts'
import { allow, patched, type PatchOperation, type Verdict } from '../core/verdict.ts'
import { at, textAt, textMapAt } from '../core/velero.ts'
import type { ActionPorts } from './action-ports.ts'

/** Whoever sets or changes this annotation adopts an Action whose spec came in another way. */
export const adoptAnnotation = 'tidewaiter.io/adopt'

/** Decides which stamp the Action carries after this request. */
export function createAuthor(ports: ActionPorts): (request: AdmissionRequest) => Promise<Verdict> {
  return async (request) => {
    if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return allow('NotOurs')
    const wanted = wantedStamp(request, ports)
    const got = textMapAt(request.object, 'metadata', 'annotations')[authorAnnotation]
    const patch = [...(wanted === got ? [] : patchOf(request.object, wanted)), ...forgetting(request, ports)]
    if (patch.length === 0) return allow('StampKept')
    return patched(wanted === undefined ? 'StampRemoved' : 'Stamped', patch)
  }
}

function wantedStamp(request: AdmissionRequest, ports: ActionPorts): string | undefined {
  const tools = ports.stampTools()
  const now = stampedOf(request, request.object, ports)
  const kept = keptStamp(request, now, ports)
  if (kept !== undefined) return kept
  // Velero's account is never an author: what comes out of a Restore waits for somebody to adopt it.
  if (ports.isVelero(request.user, request.namespace)) return undefined
  const touched = request.operation === 'CREATE' || specChanged(request, ports) || adopts(request)
  return touched
    ? stamp({ username: request.user.username, groups: request.user.groups }, now, tools)
    : undefined
}

function keptStamp(request: AdmissionRequest, now: Stamped, ports: ActionPorts): string | undefined {
  if (request.operation !== 'UPDATE' || adopts(request)) return undefined
  const old = textMapAt(request.oldObject, 'metadata', 'annotations')[authorAnnotation]
  return authorOf(old, now, ports.stampTools()) === undefined ? undefined : old
}

const adoptOf = (object: unknown): string | undefined =>
  textMapAt(object, 'metadata', 'annotations')[adoptAnnotation]

/** Whether this request sets or changes the annotation by which an Action is adopted. */
export const adopts = (request: AdmissionRequest): boolean =>
  adoptOf(request.object) !== undefined && adoptOf(request.object) !== adoptOf(request.oldObject)

const stampedOf = (request: AdmissionRequest, object: unknown, ports: ActionPorts): Stamped => ({
  namespace: request.namespace,
  name: request.name || textAt(object, 'metadata', 'name'),
  spec: ports.minimalSpec(at(object, 'spec')),
})

/** Whether the Action carries the stamp of an author, for its name and spec. */
export const isStamped = (request: AdmissionRequest, ports: ActionPorts): boolean =>
  authorOf(
    textMapAt(request.object, 'metadata', 'annotations')[authorAnnotation],
    stampedOf(request, request.object, ports),
    ports.stampTools(),
  ) !== undefined

/** Whether this request changes what the Action does. */
export function specChanged(request: AdmissionRequest, ports: Pick<ActionPorts, 'minimalSpec'>): boolean {
  const spec = (object: unknown) => JSON.stringify(ports.minimalSpec(at(object, 'spec')))
  return spec(request.object) !== spec(request.oldObject)
}

// `/` in a key is `~1` in a JSON pointer (RFC 6901).
const pointerTo = (annotation: string) => `/metadata/annotations/${annotation.replace('/', '~1')}`
const pointer = pointerTo(authorAnnotation)

/** An adoption of long ago comes out of a Restore with the Action: left there, the same words could not adopt it again. */
function forgetting(request: AdmissionRequest, ports: ActionPorts): readonly PatchOperation[] {
  const restored = request.operation === 'CREATE' && ports.isVelero(request.user, request.namespace)
  return restored && adopts(request) ? [{ op: 'remove', path: pointerTo(adoptAnnotation) }] : []
}

function patchOf(object: unknown, wanted: string | undefined): readonly PatchOperation[] {
  if (wanted === undefined) return [{ op: 'remove', path: pointer }]
  const present = at(object, 'metadata', 'annotations') !== undefined
  if (!present) return [{ op: 'add', path: '/metadata/annotations', value: { [authorAnnotation]: wanted } }]
  return [{ op: 'add', path: pointer, value: wanted }]
}
