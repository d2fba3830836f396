/** Records as rows of a list. */
import type { AdmissionDecision } from '../../api/admission-decision.ts'
import type { DecisionRow } from './store.ts'

/** The row of a record. */
export function rowOf({ metadata, spec, status }: AdmissionDecision): DecisionRow {
  const { first, last, count } = status
  return {
    id: metadata.uid,
    namespace: metadata.namespace,
    verdict: spec.verdict,
    reason: spec.reason,
    kind: spec.kind,
    name: last.name,
    schedule: spec.schedule ?? '',
    action: spec.action ?? '',
    user: spec.user,
    operation: spec.operation,
    webhook: spec.webhook,
    replica: spec.replica,
    attempts: count,
    first: Date.parse(first.time),
    last: Date.parse(last.time),
    milliseconds: last.milliseconds,
    message: last.message ?? '',
    uid: last.uid ?? '',
    run: last.run ?? '',
  }
}
