/** The bucket: what Velero has uploaded, in memory. It outlives restarts of Velero, and may be shared by two clusters. */

// A sandbox that runs for weeks must not grow for ever: the oldest files go first, as if somebody had emptied the bucket.
const mostFiles = 20_000

/** Files by key. */
export class ObjectStore {
  readonly #files = new Map<string, Buffer>()

  /** Stores a file. */
  put(key: string, content: Buffer | string): void {
    this.#files.delete(key)
    this.#files.set(key, typeof content === 'string' ? Buffer.from(content) : content)
    for (const oldest of this.#files.keys()) {
      if (this.#files.size <= mostFiles) break
      this.#files.delete(oldest)
    }
  }

  /** A file, or undefined. */
  get(key: string): Buffer | undefined {
    return this.#files.get(key)
  }

  /** Whether a Backup of this name was uploaded. */
  hasBackup(backup: string): boolean {
    return this.#files.has(metadataKey(backup))
  }

  /** The names of the Backups that were uploaded. */
  backups(): readonly string[] {
    return [...this.#files.keys()].flatMap(
      (key) => /^backups\/([^/]+)\/velero-backup\.json$/.exec(key)?.[1] ?? [],
    )
  }

  /** Removes everything below a folder. */
  removeFolder(folder: string): void {
    for (const key of this.#files.keys()) if (key.startsWith(`${folder}/`)) this.#files.delete(key)
  }
}

/** Where the Backup object itself is kept (velero pkg/persistence/object_store_layout.go). */
export const metadataKey = (backup: string): string => `backups/${backup}/velero-backup.json`

// object_store_layout.go: the file of each target kind of a DownloadRequest.
const files: Readonly<Record<string, (name: string) => string>> = {
  BackupLog: (name) => `backups/${name}/${name}-logs.gz`,
  BackupContents: (name) => `backups/${name}/${name}.tar.gz`,
  BackupVolumeSnapshots: (name) => `backups/${name}/${name}-volumesnapshots.json.gz`,
  BackupItemOperations: (name) => `backups/${name}/${name}-itemoperations.json.gz`,
  BackupResourceList: (name) => `backups/${name}/${name}-resource-list.json.gz`,
  BackupResults: (name) => `backups/${name}/${name}-results.gz`,
  CSIBackupVolumeSnapshots: (name) => `backups/${name}/${name}-csi-volumesnapshots.json.gz`,
  CSIBackupVolumeSnapshotContents: (name) => `backups/${name}/${name}-csi-volumesnapshotcontents.json.gz`,
  BackupVolumeInfos: (name) => `backups/${name}/${name}-volumeinfo.json.gz`,
  RestoreLog: (name) => `restores/${name}/restore-${name}-logs.gz`,
  RestoreResults: (name) => `restores/${name}/restore-${name}-results.gz`,
  RestoreResourceList: (name) => `restores/${name}/restore-${name}-resource-list.json.gz`,
  RestoreItemOperations: (name) => `restores/${name}/restore-${name}-itemoperations.json.gz`,
  RestoreVolumeInfo: (name) => `restores/${name}/${name}-volumeinfo.json.gz`,
}

/** The key of what a DownloadRequest asks for. */
export const fileOf = (kind: string, name: string): string | undefined => files[kind]?.(name)
