/** What is signed: the exported outputs, and of which Backup they are. Whoever reads it holds it against the Backup that carries it. Pure. */
import type { ActionRun } from '../../api/action-run.ts'
import { time } from '../run/ending.ts'
import { at, isObject, textAt, type Json } from '../velero.ts'
import { exportedBy, type ExportedOutputs } from './outputs.ts'

/** The format. A reader takes this one only. */
export const statementVersion = 1

/** The exported outputs of one Backup, and what they are bound to. */
export type Statement = {
  readonly v: typeof statementVersion
  /** uid of the namespace kube-system of the cluster in which the Backup was made. */
  readonly cluster: string
  readonly namespace: string
  readonly backup: string
  readonly uid: string
  readonly run: string
  /** When it was signed, just before Velero could start. */
  readonly at: string
  readonly outputs: ExportedOutputs
}

/** What a run exports, as it is signed; undefined if it exports nothing. */
export function statementOf(run: ActionRun, now: number): Statement | undefined {
  const outputs = exportedBy(run)
  if (outputs === undefined) return undefined
  const { objectRef, cluster } = run.spec
  const { namespace, name } = run.metadata
  const bound = { cluster, namespace, backup: objectRef.name, uid: objectRef.uid, run: name }
  return { v: statementVersion, ...bound, at: time(now), outputs }
}

/** A statement that was signed by somebody who is trusted; it may still be of another version. */
export function readStatement(value: unknown): { readonly ok: Statement } | { readonly problem: string } {
  const v = at(value, 'v')
  const outputs = at(value, 'outputs')
  if (v !== statementVersion)
    return {
      problem: `their format must be ${statementVersion}, got ${JSON.stringify(v) ?? 'none'}: another version of tidewaiter wrote them`,
    }
  const text = (key: string) => textAt(value, key)
  const signedAt = Date.parse(text('at'))
  const isWhole = required.every((key) => text(key) !== '') && Number.isFinite(signedAt)
  if (!isWhole || !areOutputs(outputs)) return { problem: 'what is signed lacks a field' }
  if (!isWithin(deepest, outputs)) return { problem: `they must be at most ${deepest} levels deep` }
  const bound = { cluster: text('cluster'), namespace: text('namespace'), uid: text('uid') }
  return { ok: { v, ...bound, backup: text('backup'), run: text('run'), at: time(signedAt), outputs } }
}

const required = ['cluster', 'namespace', 'uid', 'backup', 'run']

const areOutputs = (value: unknown): value is ExportedOutputs =>
  isObject(value) && Object.values(value).every(isObject)

// An output has 32 levels at most when it is signed, below its action and its name.
const deepest = 34

const isWithin = (levels: number, value: unknown): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (levels > 0 && Object.values(value).every((one) => isWithin(levels - 1, one)))

/** The Backup that carries a statement. */
export type Carrier = {
  readonly name: string
  readonly namespace: string
  readonly uid: string
  /** Backup sync may have brought it here from object storage: then uid and namespace are not those with which it was made. */
  readonly synced: boolean
  /** When Velero began with it, milliseconds; NaN if it does not say. */
  readonly startedAt: number
}

// Clocks of API servers, nodes and ours; the start is in whole seconds.
const clocksMs = 5 * 60_000
// Velero starts a Backup in a moment once its hold ends, unless it is away. A wider window would take in more Backups of the same name.
const startsWithinMs = 24 * 3_600_000

/** Why a statement is not of the Backup that carries it; undefined if it is. `cluster` is ours, or '' where it is not known. */
export function foreignTo(carrier: Carrier, statement: Statement, cluster: string): string | undefined {
  if (statement.backup !== carrier.name)
    return `they are of another Backup (${statement.backup}, made in the cluster ${statement.cluster})`
  const isElsewhere = cluster !== '' && statement.cluster !== cluster
  if (!isElsewhere && statement.uid === carrier.uid && statement.namespace === carrier.namespace)
    return undefined
  // What another cluster made came by a sync: nobody else could bring the annotation along.
  if (carrier.synced || isElsewhere) return otherTime(carrier, statement)
  return `they are of another Backup of this name (uid ${statement.uid} in the cluster ${statement.cluster}); this one has the uid ${carrier.uid}`
}

/** The uid is another in each cluster that it is synced to. What stays is the name, and when it started: that is soon after the signature. */
function otherTime({ startedAt }: Carrier, { at: signedAt }: Statement): string | undefined {
  const after = startedAt - Date.parse(signedAt)
  if (after >= -clocksMs && after <= startsWithinMs) return undefined
  const started = Number.isFinite(startedAt) ? new Date(startedAt).toISOString() : 'at no time that it says'
  return `they were signed at ${signedAt}, and it started ${started}: they are of another Backup of this name, or Velero took longer than a day to start it`
}

/** What a reader keeps of a statement that holds. */
export const keptOf = ({
  cluster,
  at,
  outputs,
}: Statement): Json & { readonly outputs: ExportedOutputs } => ({
  cluster,
  at,
  outputs,
})
