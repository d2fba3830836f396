/** What was decided about one request, as it is to be recorded; nothing of it is bounded yet. */
import type { Considered, DecisionCall, DecisionSpec } from '../../api/admission-decision.ts'
import type { AdmissionRequest } from '../admission-request.ts'
import { deny, type Verdict } from '../verdict.ts'
import { scheduleLabel, textAt, textMapAt } from '../velero.ts'

/** One decision. */
export type Decided = Pick<
  DecisionSpec,
  'webhook' | 'operation' | 'kind' | 'verdict' | 'reason' | 'user' | 'action'
> & {
  readonly apiGroup: string
  readonly namespace: string
  readonly schedule: string
  readonly generateName: string
  readonly name: string
  readonly groups: readonly string[]
  readonly request: string
  readonly uid: string
  /** When it was answered, milliseconds since the epoch, and how long that took. */
  readonly at: number
  readonly ms: number
  readonly message: string
  readonly warnings: number
  readonly patches: number
  readonly run?: string
  readonly considered: readonly Considered[]
  readonly unconsidered?: number
  readonly calls: readonly DecisionCall[]
}

/** When a request was answered, and by which webhook. */
export type Answered = { readonly webhook: string; readonly at: number; readonly ms: number }

/** What is recorded of a request that a fault of ours left undecided. */
export const fault = deny('InternalError', 'a fault of tidewaiter itself: see its log', { code: 500 })

/** The decision about a request; without a verdict it ended in a fault of ours. */
export function decidedOf(
  request: AdmissionRequest,
  verdict: Verdict | undefined,
  { webhook, at, ms }: Answered,
): Decided {
  const { allowed, reason, message, warnings, patch, audit, considered, unconsidered, calls } =
    verdict ?? fault
  const { run, action } = audit
  return {
    webhook,
    operation: request.operation,
    ...objectOf(request),
    verdict: verdict === undefined ? 'Error' : allowed ? 'Allowed' : 'Refused',
    reason,
    user: request.user.username,
    groups: request.user.groups,
    request: request.uid,
    at,
    ms,
    message,
    warnings: warnings.length,
    patches: patch.length,
    ...(run === undefined ? {} : { run }),
    ...(action === undefined ? {} : { action }),
    considered: considered ?? [],
    ...(unconsidered === undefined ? {} : { unconsidered }),
    calls: calls ?? [],
  }
}

function objectOf({ object, oldObject, kind, name, namespace }: AdmissionRequest) {
  const it = object ?? oldObject
  const isVelero = kind.group === 'velero.io'
  return {
    apiGroup: kind.group,
    kind: kind.kind,
    namespace,
    schedule: isVelero ? (textMapAt(it, 'metadata', 'labels')[scheduleLabel] ?? '') : '',
    generateName: textAt(it, 'metadata', 'generateName'),
    name: name || textAt(it, 'metadata', 'name'),
    uid: textAt(it, 'metadata', 'uid'),
  }
}
