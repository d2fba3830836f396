/** The chain of one replica's decisions in one namespace: what is hashed, and what is signed. */
import type { ChainHead, DecisionEvent, DecisionSpec, DecisionStatus } from '../../api/admission-decision.ts'
import type { Hash } from '../author.ts'
import { canonical } from '../canonical.ts'
import type { LooseEvent } from './event.ts'

/** Which chain. */
export type ChainOf = { readonly replica: string; readonly namespace: string }

/** What the first decision is chained to. */
export const genesis = ({ replica, namespace }: ChainOf, hash: Hash): string =>
  hash(canonical({ chain: 'tidewaiter decisions', replica, namespace }))

/** The digest of an event: of all that was recorded of it. */
export function digestOf(
  of: {
    readonly namespace: string
    readonly spec: DecisionSpec
    readonly event: LooseEvent
  },
  hash: Hash,
): string {
  const { key: _key, ...spec } = of.spec
  return hash(canonical({ namespace: of.namespace, spec, event: of.event }))
}

/** The chain after one more event. */
export const linked = (chain: string, digest: string, hash: Hash): string => hash(`${chain}${digest}`)

/** A chain as it grows. */
export type Chain = ChainOf & { readonly head: ChainHead }

/** Takes an event into the chain. */
export function chained(
  { namespace, head }: Chain,
  { spec, event }: { readonly spec: DecisionSpec; readonly event: LooseEvent },
  hash: Hash,
): { readonly event: DecisionEvent; readonly head: ChainHead } {
  const seq = head.seq + 1
  const placed = { ...event, seq }
  const digest = digestOf({ namespace, spec, event: placed }, hash)
  const chain = linked(head.chain, digest, hash)
  return { event: { ...placed, digest, chain }, head: { ...head, seq, chain } }
}

/** What the signature of a record is over. */
export const recordText = (
  at: { readonly namespace: string; readonly name: string },
  spec: DecisionSpec,
  status: Omit<DecisionStatus, 'signature'>,
): string => `tidewaiter decision 1\n${canonical({ namespace: at.namespace, name: at.name, spec, status })}`

/** A signed word about a chain, for the audit log of the API server. */
export type Checkpoint = ChainOf & {
  readonly seq: number
  readonly chain: string
  readonly time: string
  readonly key: string
  readonly signature: string
}

/** What the signature of a checkpoint is over. */
export const checkpointText = (checkpoint: Omit<Checkpoint, 'signature'>): string =>
  `tidewaiter checkpoint 1\n${canonical(checkpoint)}`

/** A checkpoint is written with the first decision and then with every so many. */
export const checkpointEvery = 16
