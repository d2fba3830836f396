/** Restores: finalizer, validation, run and finalizing (velero pkg/controller/restore_controller.go, restore_finalizer_controller.go). Nothing is restored. */
import { stamp } from '../apiserver/clock.ts'
import { at, setAt, textAt, textsAt, type JsonObject } from '../apiserver/json.ts'
import { durationMs } from './duration.ts'
import { nameOf } from './informer.ts'
import { isNew, phaseOf, withSpec, withStatus } from './phases.ts'
import { completed } from './restore-request.ts'
import { itemsOf, runItems } from './running.ts'
import { scriptOf, type Script } from './script.ts'
import type { Life } from './server.ts'
import { withRetries } from './timing.ts'
import { logOf, uploadRestore } from './uploads.ts'

/** velero pkg/controller/constants.go ExternalResourcesFinalizer. */
export const finalizer = 'restores.velero.io/external-resources-finalizer'

/** Runs Restores for this life. */
export function runRestores(life: Life): void {
  const running = life.queue({ name: 'restore', reconcile: (name) => reconcile(life, name) })
  const finalizing = life.queue({ name: 'restore-finalizer', reconcile: (name) => finalize(life, name) })
  life.copy('restores').onChange(({ now }) => {
    if (now === undefined) return
    running.add(nameOf(now))
    finalizing.add(nameOf(now))
  })
}

const finalizersOf = (restore: JsonObject): readonly string[] => textsAt(restore, 'metadata', 'finalizers')

async function reconcile(life: Life, name: string): Promise<void> {
  const seen = life.copy('restores').get(name)
  if (seen === undefined) return
  if (at(seen, 'metadata', 'deletionTimestamp') !== undefined) return clean(life, seen)
  const restore = finalizersOf(seen).includes(finalizer)
    ? seen
    : await life.client.patch(
        'restores',
        seen,
        setAt(seen, ['metadata', 'finalizers'], [...finalizersOf(seen), finalizer]),
      )
  if (!isNew(restore)) return
  await start(life, restore)
}

/** Velero removes what it keeps of the Restore in the bucket, then lets the object go. */
async function clean(life: Life, restore: JsonObject): Promise<void> {
  if (!finalizersOf(restore).includes(finalizer)) return
  life.store.removeFolder(`restores/${nameOf(restore)}`)
  const left = finalizersOf(restore).filter((one) => one !== finalizer)
  await life.client.patch('restores', restore, setAt(restore, ['metadata', 'finalizers'], left))
}

async function start(life: Life, restore: JsonObject): Promise<void> {
  const script = scriptOf(restore, life.settings.runMs)
  const request = completed(restore, {
    backups: life.copy('backups').list(),
    locations: life.copy('backupstoragelocations').list(),
    problem: script.problem,
  })
  const invalid = textsAt(request, 'status', 'validationErrors').length > 0
  const begun = withStatus(request, {
    phase: invalid ? 'FailedValidation' : 'InProgress',
    ...(invalid ? {} : { startTimestamp: stamp(life.clock.now()) }),
  })
  const timed =
    durationMs(textAt(begun, 'spec', 'itemOperationTimeout')) === 0
      ? withSpec(begun, { itemOperationTimeout: '4h0m0s' })
      : begun
  const stored = await life.client.patch('restores', restore, timed)
  if (invalid) return
  const ended = await run(life, stored, script)
  if (script.outcome === 'Stuck') return
  await withRetries(life, () => life.client.patch('restores', stored, ended)).catch((error: unknown) =>
    life.options.onTrouble({ controller: 'restore', key: nameOf(stored), error }),
  )
}

async function run(life: Life, restore: JsonObject, script: Script): Promise<JsonObject> {
  const progress = (count: number): JsonObject => ({ itemsRestored: count, totalItems: itemsOf(restore) })
  const began = stamp(life.clock.now())
  await runItems({ life, plural: 'restores', object: restore, script, progress })
  if (script.outcome === 'Failed' || script.outcome === 'FailedNoCompletion') {
    return withStatus(restore, {
      phase: 'Failed',
      failureReason: 'restore execution failed: failed as asked for by the sandbox annotation',
      ...(script.outcome === 'Failed' ? { completionTimestamp: stamp(life.clock.now()) } : {}),
    })
  }
  const errors =
    script.outcome === 'PartiallyFailed' ? ['an error as asked for by the sandbox annotation'] : []
  const log = logOf(restore, 'restore', [
    { at: began, level: 'info', text: 'starting restore' },
    ...errors.map((text) => ({ at: began, level: 'error', text })),
    { at: stamp(life.clock.now()), level: 'info', text: 'restore completed' },
  ])
  uploadRestore(life.store, restore, { errors, log })
  return withStatus(restore, {
    phase: errors.length > 0 ? 'FinalizingPartiallyFailed' : 'Finalizing',
    progress: progress(itemsOf(restore)),
    ...(errors.length > 0 ? { errors: errors.length } : {}),
  })
}

const finals: Readonly<Record<string, string>> = {
  Finalizing: 'Completed',
  FinalizingPartiallyFailed: 'PartiallyFailed',
}

async function finalize(life: Life, name: string): Promise<void> {
  const restore = life.copy('restores').get(name)
  const usual = finals[phaseOf(restore)]
  if (restore === undefined || usual === undefined) return
  // A Backup that was deleted meanwhile leaves its Restore PartiallyFailed.
  const phase =
    life.copy('backups').get(textAt(restore, 'spec', 'backupName')) === undefined ? 'PartiallyFailed' : usual
  const done = withStatus(restore, { phase, completionTimestamp: stamp(life.clock.now()) })
  await withRetries(life, () => life.client.patch('restores', restore, done))
}
