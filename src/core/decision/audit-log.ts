/** What the audit log of the API server knows of our decisions: the annotations that our webhooks gave. */
import { isObject, type Json } from '../velero.ts'
import type { ChainOf, Checkpoint } from './chain.ts'

/** One decision as an audit event knows it. */
export type AuditedDecision = ChainOf & {
  readonly seq: number
  readonly digest: string
  /** When the API server took the request, milliseconds since the epoch. */
  readonly at: number
}

/** What an annotation of an audit event says: a decision, or a checkpoint. */
export type Audited = { readonly decision?: AuditedDecision; readonly checkpoint?: Checkpoint }

/** Reads one audit event (audit.k8s.io/v1). Two of our webhooks may have decided about one request. */
export function auditedIn(event: unknown): readonly Audited[] {
  if (!isObject(event) || !isObject(event['annotations'])) return []
  const { annotations } = event
  // The API server puts the name of the webhook before our keys; ours end in tidewaiter.io in every install.
  const of = (key: string): readonly Json[] =>
    Object.entries(annotations).flatMap(([name, text]): readonly Json[] | Json =>
      name.endsWith(`.tidewaiter.io/${key}`) && typeof text === 'string' ? (fieldsIn(text) ?? []) : [],
    )
  const at = atOf(event)
  return [
    ...of('chain')
      .flatMap((fields) => decisionIn(fields, at) ?? [])
      .map((decision) => ({ decision })),
    ...of('checkpoint')
      .flatMap((fields) => checkpointIn(fields) ?? [])
      .map((checkpoint) => ({ checkpoint })),
  ]
}

function fieldsIn(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    // Another webhook may have a name that ends like ours, and say anything.
    return undefined
  }
}

function atOf({ requestReceivedTimestamp, stageTimestamp }: Json): number {
  const stamp = requestReceivedTimestamp ?? stageTimestamp
  return typeof stamp === 'string' ? Date.parse(stamp) : Number.NaN
}

const isSeq = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) > 0

function textsIn<const K extends string>(fields: Json, names: readonly K[]): Record<K, string> | undefined {
  const entries = names.map((name) => [name, fields[name]] as const)
  return entries.every(([, value]) => typeof value === 'string')
    ? (Object.fromEntries(entries) as Record<K, string>)
    : undefined
}

function decisionIn(fields: Json, at: number): AuditedDecision | undefined {
  const texts = textsIn(fields, ['replica', 'namespace', 'digest'])
  const seq = fields['seq']
  return texts === undefined || !isSeq(seq) ? undefined : { ...texts, seq, at }
}

const checkpointTexts = ['replica', 'namespace', 'chain', 'time', 'key', 'signature'] as const

function checkpointIn(fields: Json): Checkpoint | undefined {
  const texts = textsIn(fields, checkpointTexts)
  const seq = fields['seq']
  return texts === undefined || !isSeq(seq) ? undefined : { ...texts, seq }
}
