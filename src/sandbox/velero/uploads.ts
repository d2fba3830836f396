/** What Velero uploads about a Backup or Restore: enough for `velero backup describe --details`, `logs` and `download`. */
import { gzipSync } from 'node:zlib'
import { textAt, textsAt, type Json, type JsonObject } from '../apiserver/json.ts'
import { nameOf } from './informer.ts'
import { fileOf, metadataKey, type ObjectStore } from './object-store.ts'

/** What went wrong in a run, as results files hold it. */
export type Results = { readonly errors: readonly string[] }

// An empty tar: two blocks of zeros.
const emptyTar = Buffer.alloc(1024)

/** Uploads a Backup with all its files. */
export function uploadBackup(
  store: ObjectStore,
  backup: JsonObject,
  results: Results & { readonly log: string },
): void {
  const name = nameOf(backup)
  const put = (kind: string, content: Json | Buffer): void => putFile(store, { kind, name }, content)
  putMetadata(store, backup)
  put('BackupLog', Buffer.from(results.log))
  put('BackupContents', emptyTar)
  put('BackupResults', resultsFile(results))
  put('BackupResourceList', { 'v1/Namespace': textsAt(backup, 'spec', 'includedNamespaces') })
  for (const kind of ['BackupVolumeSnapshots', 'BackupItemOperations', 'BackupVolumeInfos']) put(kind, [])
  for (const kind of ['CSIBackupVolumeSnapshots', 'CSIBackupVolumeSnapshotContents']) put(kind, [])
}

/** Uploads a Backup object alone. */
export function putMetadata(store: ObjectStore, backup: JsonObject): void {
  store.put(metadataKey(nameOf(backup)), JSON.stringify(backup))
}

/** Uploads the files of a Restore. */
export function uploadRestore(
  store: ObjectStore,
  restore: JsonObject,
  results: Results & { readonly log: string },
): void {
  const name = nameOf(restore)
  const put = (kind: string, content: Json | Buffer): void => putFile(store, { kind, name }, content)
  put('RestoreLog', Buffer.from(results.log))
  put('RestoreResults', resultsFile(results))
  put('RestoreResourceList', {})
  for (const kind of ['RestoreItemOperations', 'RestoreVolumeInfo']) put(kind, [])
}

function putFile(
  store: ObjectStore,
  file: { readonly kind: string; readonly name: string },
  content: Json | Buffer,
): void {
  const key = fileOf(file.kind, file.name)
  if (key !== undefined)
    store.put(key, gzipSync(Buffer.isBuffer(content) ? content : JSON.stringify(content)))
}

// velero pkg/util/results/result.go.
const resultsFile = ({ errors }: Results): Json => ({
  warnings: {},
  errors: errors.length === 0 ? {} : { velero: errors },
})

/** A log as Velero writes it: one logfmt line for each sentence. */
export function logOf(
  object: JsonObject,
  kind: 'backup' | 'restore',
  lines: readonly { readonly at: string; readonly level: string; readonly text: string }[],
): string {
  const about = `${textAt(object, 'metadata', 'namespace')}/${nameOf(object)}`
  return lines
    .map(
      ({ at, level, text }) => `time="${at}" level=${level} msg=${JSON.stringify(text)} ${kind}=${about}\n`,
    )
    .join('')
}
