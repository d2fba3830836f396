/** A Backup, Restore or Schedule of a file as the admission request that it will become. */
import type { AdmissionRequest, RequestUser } from '../core/admission-request.ts'
import { backupOfSchedule } from '../core/schedule-backup.ts'
import { registeredSeconds } from '../core/registration.ts'
import { objectAt, textAt, type Json, type VeleroKind } from '../core/velero.ts'
import { veleroAccount } from '../wiring/foresight.ts'
import { veleroPlural } from '../wiring/kinds.ts'

/** One thing to plan for. */
export type Subject = {
  readonly kind: VeleroKind
  /** The Schedule that makes it, if it comes from one. */
  readonly schedule: string | undefined
  readonly request: AdmissionRequest
}

/** The API server gives one when it is created; until then this stands in its place, in what is rendered too. */
const unborn = '00000000-0000-4000-8000-000000000000'

/** What will be asked about it. A Schedule's Backups are created by Velero's own account. */
export function subjectOf(
  object: Json,
  { user, now, signal }: { readonly user: RequestUser; readonly now: number; readonly signal: AbortSignal },
): Subject {
  const isSchedule = object['kind'] === 'Schedule'
  const kind = object['kind'] === 'Restore' ? 'Restore' : 'Backup'
  const created = isSchedule ? backupOfSchedule(object, now) : object
  const namespace = textAt(object, 'metadata', 'namespace')
  const name = textAt(created, 'metadata', 'name') || `${textAt(created, 'metadata', 'generateName')}xxxxx`
  const resource = veleroPlural[kind]
  return {
    kind,
    schedule: isSchedule ? textAt(object, 'metadata', 'name') : undefined,
    request: {
      uid: unborn,
      kind: { group: 'velero.io', version: 'v1', kind },
      resource: { group: 'velero.io', version: 'v1', resource },
      operation: 'CREATE',
      name,
      namespace,
      user: isSchedule ? { username: veleroAccount(namespace), groups: [], extra: {} } : user,
      object: { ...created, metadata: { ...objectAt(created, 'metadata'), name, uid: unborn } },
      oldObject: null,
      dryRun: true,
      timeoutMs: registeredSeconds * 1000,
      receivedAt: now,
      signal: () => signal,
    },
  }
}
