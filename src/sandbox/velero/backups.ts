/** ReadyToStart to the end of the run (velero pkg/controller/backup_controller.go), and what finalizing adds (backup_finalizer_controller.go). */
import { stamp } from '../apiserver/clock.ts'
import { textAt, textsAt, type JsonObject } from '../apiserver/json.ts'
import { nameOf } from './informer.ts'
import { phaseOf, withStatus } from './phases.ts'
import { prepared } from './prepare.ts'
import { itemsOf, runItems } from './running.ts'
import { scriptOf, type Script } from './script.ts'
import type { Life } from './server.ts'
import { withRetries } from './timing.ts'
import { logOf, putMetadata, uploadBackup } from './uploads.ts'

/** Runs and finalizes Backups for this life. */
export function runBackups(life: Life): void {
  const backups = life.copy('backups')
  const running = life.queue({
    name: 'backup',
    workers: life.settings.concurrentBackups,
    reconcile: (name) => start(life, name),
  })
  const finalizing = life.queue({ name: 'backup-finalizer', reconcile: (name) => finalize(life, name) })
  backups.onChange(({ old, now }) => {
    if (now === undefined) return
    // Only an update starts one: what a restarted Velero finds ReadyToStart stays so until somebody touches it.
    if (old !== undefined && phaseOf(now) === 'ReadyToStart') running.add(nameOf(now))
    finalizing.add(nameOf(now))
  })
}

async function start(life: Life, name: string): Promise<void> {
  const backup = life.copy('backups').get(name)
  if (backup === undefined || phaseOf(backup) !== 'ReadyToStart') return
  const script = scriptOf(backup, life.settings.runMs)
  const asked = script.problem === undefined ? backup : withProblem(backup, script.problem)
  const request = prepared(asked, {
    now: life.clock.now(),
    locations: life.copy('backupstoragelocations').list(),
    snapshotLocations: life.copy('volumesnapshotlocations').list(),
    namespaces: life.copy('namespaces').list(),
    version: life.options.version,
  })
  const stored = await life.client.patch('backups', backup, request)
  life.tracker.addRunning(name)
  if (phaseOf(stored) === 'FailedValidation') return life.tracker.delete(name)
  const ended = await run(life, stored, script)
  if (['Completed', 'PartiallyFailed', 'Failed'].includes(phaseOf(ended))) life.tracker.delete(name)
  else life.tracker.addFinishing(name)
  if (script.outcome === 'Stuck') return
  await withRetries(life, () => life.client.patch('backups', stored, ended)).catch((error: unknown) =>
    life.options.onTrouble({ controller: 'backup', key: name, error }),
  )
}

const withProblem = (backup: JsonObject, problem: string): JsonObject =>
  withStatus(backup, { validationErrors: [...textsAt(backup, 'status', 'validationErrors'), problem] })

/** What the Backup is when its run has ended; uploaded already, as Velero uploads before it patches. */
async function run(life: Life, backup: JsonObject, script: Script): Promise<JsonObject> {
  const name = nameOf(backup)
  const began = stamp(life.clock.now())
  if (life.store.hasBackup(name)) return failed(life, backup, 'backup already exists in object storage')
  const progress = (count: number): JsonObject => ({ itemsBackedUp: count, totalItems: itemsOf(backup) })
  await runItems({ life, plural: 'backups', object: backup, script, progress })
  const errors =
    script.outcome === 'PartiallyFailed' ? ['an error as asked for by the sandbox annotation'] : []
  if (script.outcome === 'Failed')
    return failed(life, backup, 'failed as asked for by the sandbox annotation')
  if (script.outcome === 'FailedNoCompletion')
    return withStatus(failed(life, backup, 'failed as asked for by the sandbox annotation'), {
      completionTimestamp: undefined,
    })
  const ended = withStatus(backup, {
    phase: errors.length > 0 ? 'FinalizingPartiallyFailed' : 'Finalizing',
    progress: progress(itemsOf(backup)),
    ...(errors.length > 0 ? { errors: errors.length } : {}),
  })
  const log = logOf(backup, 'backup', [
    { at: began, level: 'info', text: 'Setting up backup temp file' },
    ...errors.map((text) => ({ at: began, level: 'error', text })),
    { at: stamp(life.clock.now()), level: 'info', text: `Backed up a total of ${itemsOf(backup)} items` },
  ])
  uploadBackup(life.store, ended, { errors, log })
  return ended
}

const failed = (life: Life, backup: JsonObject, why: string): JsonObject =>
  withStatus(backup, {
    phase: 'Failed',
    failureReason: `backup execution failed: ${why}`,
    completionTimestamp: stamp(life.clock.now()),
  })

const finals: Readonly<Record<string, string>> = {
  Finalizing: 'Completed',
  FinalizingPartiallyFailed: 'PartiallyFailed',
}

async function finalize(life: Life, name: string): Promise<void> {
  const backup = life.copy('backups').get(name)
  const phase = finals[phaseOf(backup)]
  if (backup === undefined || phase === undefined) return
  const location = life.copy('backupstoragelocations').get(textAt(backup, 'spec', 'storageLocation'))
  if (location === undefined) throw new Error(`the storage location of backup ${name} is gone`)
  const done = withStatus(backup, { phase, completionTimestamp: stamp(life.clock.now()) })
  putMetadata(life.store, done)
  life.tracker.delete(name)
  await withRetries(life, () => life.client.patch('backups', backup, done)).catch((error: unknown) =>
    life.options.onTrouble({ controller: 'backup-finalizer', key: name, error }),
  )
}
