/** AdmissionDecisions for tests. */
import type { AdmissionDecision, DecisionSpec, DecisionStatus } from '../../src/api/admission-decision.ts'

const digest = 'd'.repeat(64)

/** A record of one refusal; state only what the test is about. */
export const aDecision = (
  given: {
    readonly name?: string
    readonly spec?: Partial<DecisionSpec>
    readonly status?: Partial<DecisionStatus>
  } = {},
): AdmissionDecision => {
  const event: DecisionStatus['first'] = {
    seq: 1,
    time: '2026-01-01T00:00:00.000Z',
    request: 'r1',
    uid: 'u1',
    name: 'nightly-1',
    milliseconds: 1400,
    message: 'it said no',
    warnings: 0,
    patches: 0,
    digest,
    chain: digest,
  }
  return {
    metadata: {
      name: given.name ?? 'nightly-refused-1',
      namespace: 'velero',
      uid: 'd1',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:01Z',
    },
    spec: {
      replica: 'tidewaiter-0-1a2b3c4d',
      webhook: 'backups',
      operation: 'CREATE',
      apiGroup: 'velero.io',
      kind: 'Backup',
      schedule: 'nightly',
      verdict: 'Refused',
      reason: 'ActionFailed',
      action: '10-quiesce',
      user: 'system:serviceaccount:velero:velero',
      key: 'k'.repeat(43),
      ...given.spec,
    },
    status: {
      count: 1,
      first: event,
      last: event,
      seqs: '1',
      chain: { seq: 1, chain: digest },
      signature: 's'.repeat(86),
      ...given.status,
    },
  }
}
