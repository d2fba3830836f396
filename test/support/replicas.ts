/** Replicas that decide, with real hashes and keys, as the process does. */
import type { AdmissionDecision } from '../../src/api/admission-decision.ts'
import type { Audited } from '../../src/core/decision/audit-log.ts'
import { auditedIn } from '../../src/core/decision/audit-log.ts'
import type { Decided } from '../../src/core/decision/decided.ts'
import { Ledger, type Entry } from '../../src/observe/ledger.ts'
import { hash, signingKey } from '../../src/wiring/crypto.ts'

/** The key of the tests' install. */
export const ourKey = signingKey(new Uint8Array(32).fill(7))
export const start = Date.parse('2026-01-01T00:00:00Z')

/** A refusal of a Backup of the Schedule nightly; state only what the test is about. */
export const aDecided = (given: Partial<Decided> = {}): Decided => ({
  webhook: 'backups',
  operation: 'CREATE',
  apiGroup: 'velero.io',
  kind: 'Backup',
  namespace: 'velero',
  schedule: 'nightly',
  generateName: '',
  name: 'nightly-1',
  verdict: 'Refused',
  reason: 'ActionFailed',
  user: 'system:serviceaccount:velero:velero',
  groups: ['system:authenticated'],
  request: 'req-1',
  uid: 'uid-1',
  at: start,
  ms: 1400,
  message: 'it said no',
  warnings: 0,
  patches: 0,
  considered: [],
  calls: [],
  ...given,
})

/** One replica with its records, and what the audit log keeps of its decisions. */
export class Replica {
  readonly ledger: Ledger
  readonly audited: Audited[] = []
  #at = start

  constructor(name = 'tidewaiter-0-1a2b3c4d', signing = ourKey) {
    this.ledger = new Ledger({ replica: name, hash, signing: () => signing })
  }

  /** Decides a minute after the last time. */
  decide(given: Partial<Decided> = {}): this {
    this.#at += 60_000
    const { annotations } = this.ledger.take(aDecided({ at: this.#at, ...given }))
    const audited = auditedIn({
      requestReceivedTimestamp: new Date(given.at ?? this.#at).toISOString(),
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([key, text]) => [`backups.tidewaiter.io/${key}`, text]),
      ),
    })
    this.audited.push(...audited)
    return this
  }

  /** Stores everything that waits, and gives it as it is read again. */
  store(): AdmissionDecision[] {
    return this.ledger.due(1000).map((entry) => this.stored(entry))
  }

  stored(entry: Entry): AdmissionDecision {
    const body = this.ledger.bodyOf(entry)
    this.ledger.stored(entry, entry.record, '1')
    return asRead(body)
  }
}

/** A body as the API server gives it back. */
export function asRead(body: ReturnType<Ledger['bodyOf']>): AdmissionDecision {
  const { metadata, spec, status } = structuredClone(body)
  return {
    metadata: { ...metadata, uid: `uid-of-${metadata.name}`, resourceVersion: '1', creationTimestamp: '' },
    spec,
    status,
  }
}
