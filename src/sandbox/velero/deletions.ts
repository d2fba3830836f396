/** DeleteBackupRequests (velero pkg/controller/backup_deletion_controller.go) and garbage collection (gc_controller.go). */
import { at, setAt, textAt, type JsonObject } from '../apiserver/json.ts'
import { nameOf } from './informer.ts'
import { labelName } from './label-name.ts'
import { phaseOf, withMarks, withStatus } from './phases.ts'
import type { Life } from './server.ts'
import { sleep } from './timing.ts'

const requestMaxAgeMs = 24 * 3_600_000
const restoresGoneMs = 60_000
const lookMs = 1_000

/** Deletes Backups for this life. */
export function deleteBackups(life: Life): void {
  const requests = life.copy('deletebackuprequests')
  const queue = life.queue({ name: 'backup-deletion', reconcile: (name) => reconcile(life, name) })
  requests.onChange(({ now }) => {
    if (now !== undefined) queue.add(nameOf(now))
  })
  life.every(3_600_000, () => {
    for (const one of requests.list()) queue.add(nameOf(one))
  })
}

async function reconcile(life: Life, name: string): Promise<void> {
  const request = life.copy('deletebackuprequests').get(name)
  if (request === undefined) return
  if (['Processed', 'InProgress'].includes(phaseOf(request))) {
    const age = life.clock.now() - Date.parse(textAt(request, 'metadata', 'creationTimestamp'))
    if (age >= requestMaxAgeMs) await life.client.remove('deletebackuprequests', name)
    return
  }
  await dropOthers(life, request)
  const refused = whyNot(life, request)
  if (refused !== undefined)
    return void (await processed(life, request, [`backup deletion failed: ${refused}`]))
  const backup = life.copy('backups').get(textAt(request, 'spec', 'backupName'))
  if (backup === undefined) return
  await remove(life, request, backup)
}

/** Why a Backup may not be deleted, in Velero's words. */
function whyNot(life: Life, request: JsonObject): string | undefined {
  const name = textAt(request, 'spec', 'backupName')
  if (name === '') return 'spec.backupName is required'
  if (life.tracker.contains(name)) return 'backup is still in progress'
  const backup = life.copy('backups').get(name)
  if (backup === undefined) return 'backup not found'
  const wanted = textAt(backup, 'spec', 'storageLocation')
  const location = life.copy('backupstoragelocations').get(wanted)
  if (location === undefined) return `backup storage location ${wanted} not found`
  if (textAt(location, 'spec', 'accessMode') === 'ReadOnly')
    return `cannot delete backup because backup storage location ${wanted} is currently in read-only mode`
  if (phaseOf(location) !== 'Available')
    return `cannot delete backup because backup storage location ${wanted} is currently in Unavailable state`
  return undefined
}

const processed = (life: Life, request: JsonObject, errors: readonly string[]): Promise<JsonObject> =>
  life.client.patch(
    'deletebackuprequests',
    request,
    withStatus(request, { phase: 'Processed', errors: errors.length === 0 ? undefined : errors }),
  )

const ofBackup = (life: Life, backup: string): readonly JsonObject[] =>
  life
    .copy('deletebackuprequests')
    .list()
    .filter((one) => textAt(one, 'metadata', 'labels', 'velero.io/backup-name') === labelName(backup))

async function dropOthers(life: Life, request: JsonObject): Promise<void> {
  const backup = textAt(request, 'spec', 'backupName')
  if (backup === '') return
  for (const one of ofBackup(life, backup))
    if (nameOf(one) !== nameOf(request)) await life.client.remove('deletebackuprequests', nameOf(one))
}

async function remove(life: Life, request: JsonObject, backup: JsonObject): Promise<void> {
  const name = nameOf(backup)
  const labels = {
    'velero.io/backup-name': labelName(name),
    'velero.io/backup-uid': textAt(backup, 'metadata', 'uid'),
  }
  const begun = await life.client.patch(
    'deletebackuprequests',
    request,
    withMarks(withStatus(request, { phase: 'InProgress' }), { labels }),
  )
  const errors: string[] = []
  const note = (what: string) => (error: unknown) => {
    errors.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
  }
  await life.client
    .patch('backups', backup, withStatus(backup, { phase: 'Deleting' }))
    .catch(note('error setting backup phase to deleting'))
  if (errors.length > 0) return void (await processed(life, begun, errors))
  life.store.removeFolder(`backups/${name}`)
  await removeRestores(life, name).catch(note('error deleting restore'))
  if (errors.length === 0)
    await life.client.remove('backups', name).catch(note(`error deleting backup ${name}`))
  await processed(life, begun, errors)
  if (errors.length > 0) return
  for (const one of [...ofBackup(life, name), begun])
    await life.client.remove('deletebackuprequests', nameOf(one))
}

async function removeRestores(life: Life, backup: string): Promise<void> {
  const left = (): readonly JsonObject[] =>
    life
      .copy('restores')
      .list()
      .filter((one) => textAt(one, 'spec', 'backupName') === backup)
  for (const one of left()) await life.client.remove('restores', nameOf(one))
  for (let waited = 0; left().length > 0; waited += lookMs) {
    if (waited >= restoresGoneMs) throw new Error('timed out waiting for the condition')
    await sleep(life.clock, lookMs, life.signal)
  }
}

/** Asks for the deletion of expired Backups for this life. */
export function collectBackups(life: Life): void {
  const backups = life.copy('backups')
  const queue = life.queue({ name: 'gc', reconcile: (name) => collect(life, name) })
  backups.onChange(({ old, now }) => {
    if (old === undefined && now !== undefined) queue.add(nameOf(now))
  })
  life.every(life.settings.collectMs, () => {
    for (const one of backups.list()) queue.add(nameOf(one))
  })
}

const failureLabel = 'velero.io/gc-failure'

async function collect(life: Life, name: string): Promise<void> {
  const backup = life.copy('backups').get(name)
  const expiration = Date.parse(textAt(backup, 'status', 'expiration'))
  if (backup === undefined || !(expiration <= life.clock.now())) return
  const location = life.copy('backupstoragelocations').get(textAt(backup, 'spec', 'storageLocation'))
  const failure =
    location === undefined
      ? 'BSLNotFound'
      : textAt(location, 'spec', 'accessMode') === 'ReadOnly'
        ? 'BSLReadOnly'
        : undefined
  const labelled = setAt(backup, ['metadata', 'labels', failureLabel], failure)
  await life.client.update('backups', labelled).catch(() => undefined)
  if (location === undefined) throw new Error('error getting backup storage location')
  if (failure !== undefined) return
  if (phaseOf(location) !== 'Available')
    throw new Error(`bsl ${nameOf(location)} is unavailable, cannot gc backup`)
  const uid = textAt(backup, 'metadata', 'uid')
  const pending = ofBackup(life, name).some(
    (one) =>
      at(one, 'metadata', 'labels', 'velero.io/backup-uid') === uid &&
      ['', 'New', 'InProgress'].includes(phaseOf(one)),
  )
  if (pending) return
  await life.client.create('deletebackuprequests', {
    apiVersion: 'velero.io/v1',
    kind: 'DeleteBackupRequest',
    metadata: {
      generateName: `${name}-`,
      namespace: life.client.namespace,
      labels: { 'velero.io/backup-name': labelName(name), 'velero.io/backup-uid': uid },
    },
    spec: { backupName: name },
    status: {},
  })
}
