/** What one record says of itself: its signature, its digests and its numbers. */
import type { AdmissionDecision, DecisionDetail, DecisionEvent } from '../../api/admission-decision.ts'
import type { Hash } from '../author.ts'
import { canonical } from '../canonical.ts'
import { digestOf, recordText } from './chain.ts'
import { seqsIn, sizeOf, type Seqs } from './seqs.ts'

/** What checking needs of cryptography. */
export type Crypto = {
  readonly hash: Hash
  /** Whether the signature of a text is by this Ed25519 key. */
  readonly isSignedBy: (key: string, text: string, signature: string) => boolean
}

/** A record, the numbers that it stands for, and all that is wrong with it. */
export type Checked = {
  readonly record: AdmissionDecision
  readonly seqs: Seqs
  readonly wrong: readonly string[]
}

/** Checks one record. `keys`: those that may sign; none given means any. */
export function checkRecord(record: AdmissionDecision, keys: readonly string[], crypto: Crypto): Checked {
  const { spec, status } = record
  const seqs = seqsIn(status.seqs)
  const wrong = [
    ...(isSigned(record, crypto) ? [] : ['its signature does not fit what it says']),
    ...(keys.length === 0 || keys.includes(spec.key) ? [] : [`it is signed by another key (${spec.key})`]),
    ...(fits(record, status.first, crypto.hash) ? [] : ['its first decision does not fit its digest']),
    ...(fits(record, status.last, crypto.hash) ? [] : ['its newest decision does not fit its digest']),
    ...(detailFits(record, crypto.hash) ? [] : ['its detail does not fit the digest of the newest decision']),
    ...(seqs === undefined ? ['its numbers cannot be read'] : numberProblems(record, seqs)),
  ]
  return { record, seqs: seqs ?? [], wrong }
}

function isSigned({ metadata, spec, status }: AdmissionDecision, { isSignedBy }: Crypto): boolean {
  const { signature, ...signed } = status
  return isSignedBy(spec.key, recordText(metadata, spec, signed), signature)
}

function fits({ metadata, spec }: AdmissionDecision, event: DecisionEvent, hash: Hash): boolean {
  const { digest, chain: _chain, ...loose } = event
  return digestOf({ namespace: metadata.namespace, spec, event: loose }, hash) === digest
}

function detailFits({ status }: AdmissionDecision, hash: Hash): boolean {
  const { groups, considered, calls, cut } = status
  const detail: DecisionDetail = {
    ...(groups === undefined ? {} : { groups }),
    ...(considered === undefined ? {} : { considered }),
    ...(calls === undefined ? {} : { calls }),
    ...(cut === undefined ? {} : { cut }),
  }
  return hash(canonical(detail)) === status.last.detail
}

function numberProblems({ status }: AdmissionDecision, seqs: Seqs): readonly string[] {
  const { count, first, last, chain } = status
  const agree =
    sizeOf(seqs) === count &&
    seqs[0]?.[0] === first.seq &&
    seqs.at(-1)?.[1] === last.seq &&
    chain.seq >= last.seq
  return agree ? [] : ['its count, its numbers, its first and its newest decision do not agree']
}
