/** What the audit log of the API server knows of our decisions: the annotations that our webhooks gave. */
import type { ChainOf, Checkpoint } from './chain.ts'

/** One decision as an audit event knows it. */
export type AuditedDecision = ChainOf & {
  readonly seq: number
  readonly digest: string
  /** When the API server took the request, milliseconds since the epoch. */
  readonly at: number
}

/** What one audit event says of a decision. */
export type Audited = { readonly decision?: AuditedDecision; readonly checkpoint?: Checkpoint }

type Fields = Readonly<Record<string, unknown>>
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Reads one audit event (audit.k8s.io/v1); undefined if it says nothing of our decisions. */
export function auditedIn(event: unknown): Audited | undefined {
  if (!isFields(event) || !isFields(event['annotations'])) return undefined
  const { annotations } = event
  // The API server puts the name of the webhook before our keys; ours end in tidewaiter.io in every install.
  const of = (key: string): Fields | undefined => {
    const found = Object.entries(annotations).find(([name]) => name.endsWith(`.tidewaiter.io/${key}`))
    return found === undefined || typeof found[1] !== 'string' ? undefined : fieldsIn(found[1])
  }
  const decision = decisionIn(of('chain'), atOf(event))
  const checkpoint = checkpointIn(of('checkpoint'))
  if (decision === undefined && checkpoint === undefined) return undefined
  return {
    ...(decision === undefined ? {} : { decision }),
    ...(checkpoint === undefined ? {} : { checkpoint }),
  }
}

function fieldsIn(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isFields(value) ? value : undefined
  } catch {
    // Another webhook may have a name that ends like ours, and say anything.
    return undefined
  }
}

function atOf({ requestReceivedTimestamp, stageTimestamp }: Fields): number {
  const stamp = requestReceivedTimestamp ?? stageTimestamp
  return typeof stamp === 'string' ? Date.parse(stamp) : Number.NaN
}

const isSeq = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) > 0

function textsIn<const K extends string>(fields: Fields, names: readonly K[]): Record<K, string> | undefined {
  const entries = names.map((name) => [name, fields[name]] as const)
  return entries.every(([, value]) => typeof value === 'string')
    ? (Object.fromEntries(entries) as Record<K, string>)
    : undefined
}

function decisionIn(fields: Fields | undefined, at: number): AuditedDecision | undefined {
  const texts = fields === undefined ? undefined : textsIn(fields, ['replica', 'namespace', 'digest'])
  const seq = fields?.['seq']
  return texts === undefined || !isSeq(seq) ? undefined : { ...texts, seq, at }
}

const checkpointTexts = ['replica', 'namespace', 'chain', 'time', 'key', 'signature'] as const

function checkpointIn(fields: Fields | undefined): Checkpoint | undefined {
  const texts = fields === undefined ? undefined : textsIn(fields, checkpointTexts)
  const seq = fields?.['seq']
  return texts === undefined || !isSeq(seq) ? undefined : { ...texts, seq }
}
