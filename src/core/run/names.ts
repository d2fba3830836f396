/** The names, labels and keys of a run. */
import type { Stage } from '../../api/action.ts'
import type { VeleroKind } from '../velero.ts'

const longestName = 253
const longestLabel = 63

/** `<object name, cut>-<first 8 of uid>-<stage, lower case>`: at most 253 characters, a DNS subdomain. */
export function runName(object: { readonly name: string; readonly uid: string }, stage: Stage): string {
  const tail = `-${object.uid.slice(0, 8)}-${stage.toLowerCase()}`
  const head = object.name.slice(0, longestName - tail.length).replace(/[.-]+$/, '')
  return `${head}${tail}`
}

/** A label value for a name; a longer name is cut, so the label finds candidates and the spec decides. */
export const labelValue = (name: string): string => name.slice(0, longestLabel).replace(/[._-]+$/, '')

/** The labels of a run. */
export function runLabels(
  object: { readonly kind: VeleroKind; readonly name: string; readonly uid: string },
  stage: Stage,
  schedule?: string,
) {
  return {
    'tidewaiter.io/stage': stage,
    'tidewaiter.io/object-uid': object.uid,
    [object.kind === 'Backup' ? 'tidewaiter.io/backup-name' : 'tidewaiter.io/restore-name']: labelValue(
      object.name,
    ),
    ...(schedule === undefined || schedule === '' ? {} : { 'tidewaiter.io/schedule': labelValue(schedule) }),
    'velero.io/exclude-from-backup': 'true',
  }
}

/** The Idempotency-Key of an action: the same for every attempt and after every crash. */
export const idempotencyKey = (uid: string, stage: Stage, action: string): string =>
  `${uid}/${stage}/${action}`

/** The Idempotency-Key of the undo of an action. */
export const undoKey = (uid: string, stage: Stage, action: string): string =>
  `${idempotencyKey(uid, stage, action)}/undo`

/** A W3C traceparent from 16 random bytes in hex for the trace and 8 for the span. */
export const traceparent = (traceId: string, spanId: string): string => `00-${traceId}-${spanId}-01`

/** The pre and post stage of a kind. */
export const stagesOf = (kind: VeleroKind): { readonly pre: Stage; readonly post: Stage } =>
  kind === 'Backup' ? { pre: 'PreBackup', post: 'PostBackup' } : { pre: 'PreRestore', post: 'PostRestore' }
