/** What records and audit log say of one chain, put together. */
import type { DecisionEvent } from '../../api/admission-decision.ts'
import type { Hash } from '../author.ts'
import type { AuditedDecision } from './audit-log.ts'
import { genesis, type ChainOf, type Checkpoint } from './chain.ts'
import type { Checked } from './check-record.ts'
import { common, seqsIn, union, type Seqs } from './seqs.ts'

/** One chain: its records, and what the audit log knows of it. */
export type ChainInput = ChainOf & {
  readonly records: readonly Checked[]
  readonly audited: readonly AuditedDecision[]
  readonly checkpoints: readonly Checkpoint[]
  /** What was counted up for the last time before this may have left the ring. */
  readonly horizon: number
  readonly now: number
  readonly hash: Hash
}

/** What is known of a chain. */
export type Known = {
  /** What the records stand for. */
  readonly seqs: Seqs
  readonly lost: Seqs
  /** What the newest word says was still to be written. */
  readonly waiting: Seqs
  readonly most: number
  readonly hasEnded: boolean
  /** When each decision was, as far as that is known. */
  readonly times: ReadonlyMap<number, number>
  readonly digests: ReadonlyMap<number, string>
  /** What the chain was at a number, and who says so. */
  readonly chains: ReadonlyMap<number, readonly (readonly [chain: string, by: string])[]>
}

/** Puts it together. */
export function knownOf({ records, audited, checkpoints, hash, ...of }: ChainInput): Known {
  const heads = records.map(({ record }) => record.status.chain)
  const times = new Map<number, number>()
  const digests = new Map<number, string>()
  const chains = new Map<number, (readonly [string, string])[]>([[0, [[genesis(of, hash), 'its beginning']]]])
  const says = (seq: number, chain: string, by: string) =>
    chains.set(seq, [...(chains.get(seq) ?? []), [chain, by]])
  for (const { seq, digest, at } of audited) {
    digests.set(seq, digest)
    times.set(seq, at)
  }
  for (const { record } of records) {
    const { first, last, recent = [], chain } = record.status
    for (const { seq, digest, time } of [first, ...recent, last]) {
      digests.set(seq, digest)
      times.set(seq, Date.parse(time))
    }
    const name = `the record ${record.metadata.name}`
    for (const event of eventsOf(first, last)) says(event.seq, event.chain, name)
    says(chain.seq, chain.chain, name)
    times.set(0, Math.max(times.get(0) ?? 0, Date.parse(chain.since)))
  }
  for (const { seq, chain } of checkpoints) says(seq, chain, `the checkpoint ${seq} of the audit log`)
  const most = heads.reduce((most, { seq }) => Math.max(most, seq), 0)
  return {
    seqs: union(
      records.flatMap(({ seqs }) => seqs),
      [],
    ),
    lost: union(
      heads.flatMap(({ lost = '' }) => seqsIn(lost) ?? []),
      [],
    ),
    waiting: heads
      .filter(({ seq }) => seq === most)
      .map(({ waiting = '' }) => seqsIn(waiting) ?? [])
      .reduce<Seqs>(common, [[1, Number.MAX_SAFE_INTEGER]]),
    most,
    hasEnded: heads.some(({ ended }) => ended === true),
    times,
    digests,
    chains,
  }
}

/** The events that a record holds in full. */
export const eventsOf = (first: DecisionEvent, last: DecisionEvent): readonly DecisionEvent[] =>
  first.seq === last.seq ? [last] : [first, last]
