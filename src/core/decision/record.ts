/** One record as it counts up: opened by a decision, counting the same ones, until it is a day old or full. */
import type {
  ChainHead,
  DecisionDetail,
  DecisionEvent,
  DecisionSpec,
  DecisionStatus,
} from '../../api/admission-decision.ts'
import { group, version } from '../../api/schema.ts'
import type { Hash } from '../author.ts'
import { canonical } from '../canonical.ts'
import { jsonBytesOf } from '../bytes.ts'
import { ownLabels } from '../registration.ts'
import { labelValue } from '../run/names.ts'
import { recordText } from './chain.ts'
import { largestRecord } from './event.ts'
import { joined, seqsText, withSeq, type Seqs } from './seqs.ts'

type Brief = NonNullable<DecisionStatus['recent']>[number]

/** A record before it is written. */
export type OpenRecord = {
  readonly namespace: string
  readonly name: string
  readonly spec: DecisionSpec
  readonly first: DecisionEvent
  readonly last: DecisionEvent
  readonly recent: readonly Brief[]
  readonly seqs: Seqs
  readonly count: number
  readonly detail: DecisionDetail
}

/** One decision in its place. */
export type Placed = {
  readonly spec: DecisionSpec
  readonly event: DecisionEvent
  readonly detail: DecisionDetail
}

/** Decisions with the same key are counted in one record. */
export const keyOf = (namespace: string, spec: DecisionSpec): string => canonical([namespace, spec])

/** Opens a record. */
export const opened = (namespace: string, { spec, event, detail }: Placed, hash: Hash): OpenRecord => ({
  namespace,
  name: nameOf(namespace, spec, { seq: event.seq, hash }),
  spec,
  first: event,
  last: event,
  recent: [],
  seqs: withSeq([], event.seq),
  count: 1,
  detail,
})

/** `<what it is about>-<verdict>-<hash>`: a DNS subdomain; the first number makes it this replica's own for ever. */
function nameOf(
  namespace: string,
  spec: DecisionSpec,
  { seq, hash }: { readonly seq: number; readonly hash: Hash },
): string {
  const about = spec.schedule ?? spec.generateName ?? spec.name ?? spec.kind
  const plain = about
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .slice(0, 60)
    .replaceAll(/^-+|-+$/g, '')
  const tail = `${spec.verdict.toLowerCase()}-${hash(canonical([namespace, spec.replica, seq])).slice(0, 12)}`
  return plain === '' ? tail : `${plain}-${tail}`
}

const dayMs = 24 * 3_600_000
const longestSeqs = 1000
/** Ranges of lost numbers, and of those that wait, that a record names: of 32 characters each at most. */
export const mostNamed = 15
const mostRecent = 64

/** The record with one more decision of its key, or undefined if it has had its day or its numbers have no room. */
export function counted(record: OpenRecord, { event, detail }: Placed): OpenRecord | undefined {
  const seqs = withSeq(record.seqs, event.seq)
  const tooOld = Date.parse(event.time) - Date.parse(record.first.time) >= dayMs
  if (tooOld || seqsText(seqs).length > longestSeqs) return undefined
  const passed = record.count === 1 ? [] : [briefOf(record.last)]
  const recent = [...record.recent, ...passed].slice(-mostRecent)
  return { ...record, last: event, recent, seqs, count: record.count + 1, detail }
}

const briefOf = ({ seq, time, name, milliseconds, run, digest }: DecisionEvent): Brief => ({
  seq,
  time,
  name,
  milliseconds,
  ...(run === undefined ? {} : { run }),
  digest,
})

/** What a replica knows of its chain when it writes. */
export type Head = {
  readonly head: ChainHead
  readonly lost: Seqs
  /** What other records are still to be written for. */
  readonly waiting: Seqs
  readonly ended: boolean
}

/** What is said of the chain in a record. */
const headOf = ({ head, lost, waiting, ended }: Head): ChainHead => ({
  ...head,
  ...(lost.length === 0 ? {} : { lost: seqsText(joined(lost, mostNamed)) }),
  ...(waiting.length === 0 ? {} : { waiting: seqsText(joined(waiting, mostNamed)) }),
  ...(ended ? { ended } : {}),
})

/** Signs a text: Ed25519, base64url. */
export type SignText = (text: string) => string

/** The record as an object for the API server: at most 8 KiB, the newest in short as many as have room. */
export function bodyOf(record: OpenRecord, head: Head, sign: SignText) {
  const bare = objectOf(record, head, [])
  let room = largestRecord - jsonBytesOf(bare) - 128
  const recent: Brief[] = []
  for (const brief of record.recent.toReversed()) {
    room -= jsonBytesOf(brief) + 1
    if (room < 0) break
    recent.unshift(brief)
  }
  const { status, ...rest } = objectOf(record, head, recent)
  return { ...rest, status: { ...status, signature: sign(recordText(record, record.spec, status)) } }
}

function objectOf(record: OpenRecord, head: Head, recent: readonly Brief[]) {
  const { namespace, name, spec, count, first, last, seqs, detail } = record
  return {
    apiVersion: `${group}/${version}`,
    kind: 'AdmissionDecision',
    metadata: { namespace, name, labels: labelsOf(spec) },
    spec,
    status: {
      count,
      first,
      last,
      ...(recent.length === 0 ? {} : { recent }),
      seqs: seqsText(seqs),
      ...detail,
      chain: headOf(head),
    },
  }
}

/** For `kubectl get -l`; a value that is no label value is left out, for the spec has it. */
function labelsOf({ verdict, kind, schedule }: DecisionSpec): Readonly<Record<string, string>> {
  const asked = { verdict, kind, schedule: labelValue(schedule ?? '') }
  const fits = Object.entries(asked).filter(([, text]) =>
    /^[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(text),
  )
  return { ...ownLabels, ...Object.fromEntries(fits.map(([name, text]) => [`tidewaiter.io/${name}`, text])) }
}
