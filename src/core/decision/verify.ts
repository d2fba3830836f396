/** Checks the records of a namespace, alone or against the audit log of the API server, and says what it cannot see. */
import type { AdmissionDecision } from '../../api/admission-decision.ts'
import type { Audited, AuditedDecision } from './audit-log.ts'
import { checkpointText, type Checkpoint } from './chain.ts'
import { checkChain } from './check-chain.ts'
import { checkRecord, type Checked, type Crypto } from './check-record.ts'
import type { Finding } from './finding.ts'
import { keepDecisionsMs, mostDecisions } from './ring.ts'

/** What is checked. */
export type VerifyInput = {
  readonly namespace: string
  readonly records: readonly AdmissionDecision[]
  /** Objects that are no records. */
  readonly unreadable: readonly { readonly name: string; readonly problem: string }[]
  /** Undefined if no audit log was given. */
  readonly audited: readonly Audited[] | undefined
  /** The keys that may sign; none given: any. */
  readonly keys: readonly string[]
  readonly now: number
  readonly crypto: Crypto
}

/** What was checked and found. */
export type Report = {
  readonly isIntact: boolean
  readonly records: number
  readonly decisions: number
  readonly replicas: number
  /** By which keys the records are signed. */
  readonly keys: readonly string[]
  /** What is wrong, and then what is out of sight. */
  readonly findings: readonly Finding[]
}

/** Checks all. */
export function verify(input: VerifyInput): Report {
  const checked = input.records.map((record) => checkRecord(record, input.keys, input.crypto))
  const audit = auditOf(input)
  const replicas = [
    ...new Set([
      ...checked.map(({ record }) => record.spec.replica),
      ...audit.decisions.map(({ replica }) => replica),
      ...audit.checkpoints.map(({ replica }) => replica),
    ]),
  ].sort()
  const found = [
    ...input.unreadable.map(unreadable),
    ...checked.flatMap(changed),
    ...audit.forged,
    ...replicas.flatMap((replica) => chain(replica, { checked, audit, input })),
    ...limits(input, checked),
  ]
  const wrong = found.filter(({ sort }) => sort === 'wrong')
  return {
    isIntact: wrong.length === 0,
    records: checked.length,
    decisions: checked.reduce((sum, { record }) => sum + record.status.count, 0),
    replicas: replicas.length,
    keys: [...new Set(checked.map(({ record }) => record.spec.key))].sort(),
    findings: [...wrong, ...found.filter(({ sort }) => sort === 'unseen')],
  }
}

const unreadable = ({ name, problem }: { readonly name: string; readonly problem: string }): Finding => ({
  sort: 'wrong',
  code: 'Unreadable',
  about: `record ${name}`,
  message: problem,
})

const changed = ({ record, wrong }: Checked): readonly Finding[] =>
  wrong.length === 0
    ? []
    : [
        {
          sort: 'wrong',
          code: 'Changed',
          about: `record ${record.metadata.name}`,
          message: `it is not as tidewaiter wrote it: ${wrong.join('; ')}`,
        },
      ]

type Audit = {
  readonly decisions: readonly AuditedDecision[]
  readonly checkpoints: readonly Checkpoint[]
  readonly forged: readonly Finding[]
}

function auditOf({ audited = [], namespace, keys, crypto }: VerifyInput): Audit {
  const of = <T extends { readonly namespace: string }>(one: T | undefined): readonly T[] =>
    one === undefined || one.namespace !== namespace ? [] : [one]
  const all = audited.flatMap(({ checkpoint }) => of(checkpoint))
  const isTrue = ({ signature, ...bare }: Checkpoint) =>
    (keys.length === 0 || keys.includes(bare.key)) &&
    crypto.isSignedBy(bare.key, checkpointText(bare), signature)
  return {
    decisions: audited.flatMap(({ decision }) => of(decision)),
    checkpoints: all.filter(isTrue),
    forged: all
      .filter((one) => !isTrue(one))
      .map(({ replica, seq, key }) => ({
        sort: 'wrong',
        code: 'Forged',
        about: `replica ${replica}`,
        message: `the checkpoint ${seq} in the audit log is not signed by a key that may sign (it names ${key})`,
      })),
  }
}

type Whole = { readonly checked: readonly Checked[]; readonly audit: Audit; readonly input: VerifyInput }

const chain = (replica: string, { checked, audit, input }: Whole): readonly Finding[] =>
  checkChain({
    replica,
    namespace: input.namespace,
    records: checked.filter(({ record }) => record.spec.replica === replica),
    audited: audit.decisions.filter((one) => one.replica === replica),
    checkpoints: audit.checkpoints.filter((one) => one.replica === replica),
    horizon: horizonOf(input),
    now: input.now,
    hash: input.crypto.hash,
  })

/**
 * The oldest records go first. While the ring is full, what is older than the oldest one may have left it. If it is not full, only
 * age took records away: had the ring been full before, then what it pushed out was older than what has aged out since.
 */
function horizonOf({ records, now }: VerifyInput): number {
  const aged = now - keepDecisionsMs
  if (records.length < mostDecisions) return aged
  return Math.max(aged, Math.min(...records.map(({ status }) => Date.parse(status.last.time))))
}

function limits({ audited, keys }: VerifyInput, checked: readonly Checked[]): readonly Finding[] {
  return [
    ...(audited === undefined
      ? [
          {
            sort: 'unseen',
            code: 'NoAuditLog',
            about: 'the audit log',
            message:
              'none was given (--audit-log): that the newest records of a replica, or all of them, were removed cannot be seen',
          } as const,
        ]
      : []),
    ...(keys.length === 0 && checked.length > 0
      ? [
          {
            sort: 'unseen',
            code: 'AnyKey',
            about: 'the key',
            message:
              'none was given (--key): records that somebody made up and signed with a key of their own look right',
          } as const,
        ]
      : []),
  ]
}
