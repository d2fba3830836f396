/** Storage locations are said to be Available, and Backups in the bucket come into the cluster (backup_storage_location_controller.go, backup_sync_controller.go). */
import { stamp } from '../apiserver/clock.ts'
import { at, isObject, same, setAt, textAt, without, type Json, type JsonObject } from '../apiserver/json.ts'
import { nameOf } from './informer.ts'
import { labelName } from './label-name.ts'
import { metadataKey } from './object-store.ts'
import { phaseOf, withMarks, withSpec, withStatus } from './phases.ts'
import type { Life } from './server.ts'

/** Looks after storage locations for this life. */
export function syncLocations(life: Life): void {
  const locations = life.copy('backupstoragelocations')
  const validating = life.queue({
    name: 'backup-storage-location',
    reconcile: (name) => validate(life, name),
  })
  const syncing = life.queue({ name: 'backup-sync', reconcile: (name) => sync(life, name) })
  locations.onChange(({ old, now }) => {
    // Only a changed spec counts: every validation patches status.
    if (now !== undefined && (old === undefined || !same(at(old, 'spec'), at(now, 'spec'))))
      validating.add(nameOf(now))
  })
  life.every(life.settings.locationMs, () => {
    for (const one of locations.list()) validating.add(nameOf(one))
  })
  life.every(life.settings.syncMs, () => {
    for (const one of locations.list()) syncing.add(nameOf(one))
  })
}

async function validate(life: Life, name: string): Promise<void> {
  const location = life.copy('backupstoragelocations').get(name)
  if (location === undefined) return
  const bucket = textAt(location, 'spec', 'objectStorage', 'bucket')
  const wrong = bucket === '' ? `BackupStorageLocation "${name}" is unavailable: no bucket` : undefined
  await life.client.patch(
    'backupstoragelocations',
    location,
    withStatus(location, {
      phase: wrong === undefined ? 'Available' : 'Unavailable',
      message: wrong,
      lastValidationTime: stamp(life.clock.now()),
    }),
  )
}

async function sync(life: Life, name: string): Promise<void> {
  const location = life.copy('backupstoragelocations').get(name)
  if (location === undefined || phaseOf(location) !== 'Available') return
  const inBucket = life.store.backups()
  for (const backup of inBucket)
    if (life.copy('backups').get(backup) === undefined) await bring(life, location, backup)
  await dropOrphans(life, name, new Set(inBucket))
  await life.client.patch(
    'backupstoragelocations',
    location,
    withStatus(location, { lastSyncedTime: stamp(life.clock.now()) }),
  )
}

const finished = ['Completed', 'PartiallyFailed', 'Failed']
const unfinished = [
  'WaitingForPluginOperations',
  'WaitingForPluginOperationsPartiallyFailed',
  'Finalizing',
  'FinalizingPartiallyFailed',
]

/** Makes a Backup that is in the bucket and not in the cluster, finished as it is, labels and annotations included. */
async function bring(life: Life, location: JsonObject, name: string): Promise<void> {
  const text = life.store.get(metadataKey(name))?.toString()
  const stored: Json = text === undefined ? null : (JSON.parse(text) as Json)
  // One bucket stands for all: a Backup comes back where it was made.
  if (!isObject(stored) || textAt(stored, 'spec', 'storageLocation') !== nameOf(location)) return
  const expired = Date.parse(textAt(stored, 'status', 'expiration')) <= life.clock.now()
  const phase = phaseOf(stored)
  if (!finished.includes(phase) && !(unfinished.includes(phase) && expired)) return
  const ended = finished.includes(phase) ? stored : withStatus(stored, { phase: 'PartiallyFailed' })
  const here = withSpec(ended, { hooks: {}, storageLocation: nameOf(location) })
  const labelled = withMarks(here, { labels: { 'velero.io/storage-location': labelName(nameOf(location)) } })
  const metadata = labelled['metadata']
  const bare = isObject(metadata)
    ? without(metadata, 'resourceVersion', 'ownerReferences', 'managedFields')
    : {}
  const object = setAt({ ...labelled, metadata: bare }, ['metadata', 'namespace'], life.client.namespace)
  await life.client
    .create('backups', object)
    .catch((error: unknown) => life.options.onTrouble({ controller: 'backup-sync', key: name, error }))
}

async function dropOrphans(life: Life, location: string, inBucket: ReadonlySet<string>): Promise<void> {
  const orphans = life
    .copy('backups')
    .list()
    .filter((one) => textAt(one, 'metadata', 'labels', 'velero.io/storage-location') === labelName(location))
    .filter((one) => ['Completed', 'PartiallyFailed'].includes(phaseOf(one)) && !inBucket.has(nameOf(one)))
  for (const one of orphans)
    await life.client
      .remove('backups', nameOf(one))
      .catch((error: unknown) =>
        life.options.onTrouble({ controller: 'backup-sync', key: nameOf(one), error }),
      )
}
