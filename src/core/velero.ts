/** What we read of Velero's Backups and Restores. Field names and rules: velero pkg/apis/velero/v1/{backup,restore}_types.go. */
import type { EndedAs } from '../api/action.ts'
import type { NamespaceScope } from './namespaces.ts'

/** Backup or Restore. */
export type VeleroKind = 'Backup' | 'Restore'

/** Any JSON object. */
export type Json = Readonly<Record<string, unknown>>

/** The label by which Velero names the Schedule that made a Backup. */
export const scheduleLabel = 'velero.io/schedule-name'

/** Whether a value is an object of JSON. */
export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The value at a path of own properties, or undefined. */
export function at(object: unknown, ...path: readonly string[]): unknown {
  let value: unknown = object
  for (const key of path) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined
    value = value[key]
  }
  return value
}

/** The list at a path; none where there is something else. */
export function listAt(object: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = at(object, ...path)
  return Array.isArray(found) ? found : []
}

/** The object at a path, or an empty one. */
export function objectAt(object: unknown, ...path: readonly string[]): Json {
  const value = at(object, ...path)
  return isObject(value) ? value : {}
}

/** The text at a path, or ''. */
export function textAt(object: unknown, ...path: readonly string[]): string {
  const value = at(object, ...path)
  return typeof value === 'string' ? value : ''
}

/** The texts of the list at a path; anything else in it is left out. */
export function textsAt(object: unknown, ...path: readonly string[]): readonly string[] {
  const value = at(object, ...path)
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []
}

/** The text values of the object at a path (labels, annotations, a mapping). */
export function textMapAt(object: unknown, ...path: readonly string[]): Readonly<Record<string, string>> {
  const found = objectAt(object, ...path)
  // Almost always all are texts: nothing is to be left out.
  if (Object.values(found).every((value) => typeof value === 'string'))
    return found as Readonly<Record<string, string>>
  return Object.fromEntries(
    Object.entries(found).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}

/** What the spec says of namespaces. */
export function namespaceScopeOf(object: unknown): NamespaceScope {
  return {
    included: textsAt(object, 'spec', 'includedNamespaces'),
    excluded: textsAt(object, 'spec', 'excludedNamespaces'),
    mapping: textMapAt(object, 'spec', 'namespaceMapping'),
  }
}

/** What Velero fills in before it starts (backup_controller.go prepareBackupRequest, restore_controller.go validateAndComplete). */
export type VeleroDefaults = {
  /** The BackupStorageLocation with spec.default, or the server's --default-backup-storage-location. */
  readonly storageLocation: string
}

/** The object with Velero's defaults filled in where it says nothing, as expressions see it. */
export function withDefaults(kind: VeleroKind, object: Json, defaults: VeleroDefaults): Json {
  const spec = objectAt(object, 'spec')
  const namespaces = textsAt(spec, 'includedNamespaces')
  const common = {
    includedNamespaces: namespaces.length === 0 ? ['*'] : namespaces,
    excludedNamespaces: textsAt(spec, 'excludedNamespaces'),
    itemOperationTimeout: textAt(spec, 'itemOperationTimeout') || '4h0m0s',
  }
  const own =
    kind === 'Restore'
      ? {
          namespaceMapping: textMapAt(spec, 'namespaceMapping'),
          backupName: textAt(spec, 'backupName'),
          scheduleName: textAt(spec, 'scheduleName'),
        }
      : {
          storageLocation: textAt(spec, 'storageLocation') || defaults.storageLocation,
          ttl: textAt(spec, 'ttl') || '720h0m0s',
          csiSnapshotTimeout: textAt(spec, 'csiSnapshotTimeout') || '10m0s',
          snapshotMoveData: at(spec, 'snapshotMoveData') ?? false,
        }
  const metadata = { labels: {}, annotations: {}, ...objectAt(object, 'metadata') }
  return { ...object, metadata, spec: { ...spec, ...common, ...own }, status: objectAt(object, 'status') }
}

const ends: ReadonlySet<string> = new Set(['Completed', 'PartiallyFailed', 'Failed', 'FailedValidation'])
const notStarted: ReadonlySet<string> = new Set(['', 'New', 'Queued', 'ReadyToStart', 'FailedValidation'])

/** Where a Backup or Restore is, as far as post actions care. */
export type Progress = {
  readonly phase: string
  /** Velero began to work on it. */
  readonly started: boolean
  /** It left InProgress after it started, or ended. */
  readonly itemsDone: boolean
  /** How it ended; undefined while it has not. */
  readonly ended?: EndedAs
  /** A `Failed` that Velero itself may still take back; look again later. */
  readonly provisional: boolean
}

// Two Velero pods may overlap in a rollout: the new one marks work of the old one Failed, the old one then completes it
// (velero issue 7230). Such a Failed counts only after a minute.
const restartNote = 'during the server starting'
const provisionalMs = 60_000

/** Where an object is. `now` and times are milliseconds; an object that is gone is `undefined`. */
export function progressOf(object: Json | undefined, now: number): Progress {
  if (object === undefined)
    return { phase: '', started: true, itemsDone: true, ended: 'Deleted', provisional: false }
  const phase = textAt(object, 'status', 'phase')
  const ended = ends.has(phase) ? (phase as EndedAs) : undefined
  const started = !notStarted.has(phase)
  const endedAt = Date.parse(textAt(object, 'status', 'completionTimestamp'))
  const provisional =
    phase === 'Failed' &&
    textAt(object, 'status', 'failureReason').includes(restartNote) &&
    now - endedAt < provisionalMs
  const itemsDone = started && phase !== 'InProgress' && phase !== 'Deleting'
  return { phase, started, itemsDone, provisional, ...(ended === undefined ? {} : { ended }) }
}

/** Whether a CREATE starts something: phase absent or New (backup sync creates finished ones). */
export function startsWork(object: unknown): boolean {
  const phase = textAt(object, 'status', 'phase')
  return phase === '' || phase === 'New'
}
