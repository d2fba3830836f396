/** Bugs in the stand-in for Velero. */
import { inFile, type Bug } from './bug.ts'

const queue = inFile('velero/backup-queue.ts', '^(queue|backups)')
const backups = inFile('velero/backups.ts', '^(queue|backups)')
const prepare = inFile('velero/prepare.ts', '^(backups|refused)')
const schedules = inFile('velero/schedules.ts', '^(schedules|denied)')
const restores = inFile('velero/restores.ts', '^restores')
const request = inFile('velero/restore-request.ts', '^restores')
const deletions = inFile('velero/deletions.ts', '^removal')
const sync = inFile('velero/sync.ts', '^(removal|asked)')

/** The bugs. */
export const bugs: readonly Bug[] = [
  queue('queuePosition stays when a Backup leaves the queue', [
    `{ phase: 'ReadyToStart', queuePosition: undefined }`,
    `{ phase: 'ReadyToStart' }`,
  ]),
  queue('Backups of one namespace run at once', [
    `return touched(one, namespaces).some((namespace) => mine.has(namespace))`,
    `return touched(one, namespaces).every((namespace) => mine.has(namespace)) && mine.size > 1`,
  ]),
  inFile('velero/phases.ts', '^queue')('a Backup that Failed runs again', [
    `['', 'New'].includes(phaseOf(object))`,
    `['', 'New', 'Failed'].includes(phaseOf(object))`,
  ]),
  backups('a Backup that is made ReadyToStart runs at once', [
    `if (old !== undefined && phaseOf(now) === 'ReadyToStart')`,
    `if (phaseOf(now) === 'ReadyToStart')`,
  ]),
  backups('completionTimestamp is there while a Backup is Finalizing', [
    `    progress: progress(itemsOf(backup)),
    ...(errors`,
    `    completionTimestamp: stamp(life.clock.now()),
    progress: progress(itemsOf(backup)),
    ...(errors`,
  ]),
  backups('a Backup is Completed without Finalizing', [
    `phase: errors.length > 0 ? 'FinalizingPartiallyFailed' : 'Finalizing',`,
    `phase: errors.length > 0 ? 'FinalizingPartiallyFailed' : 'Completed',`,
  ]),
  backups('a Backup whose name is in the bucket overwrites it', [
    `if (life.store.hasBackup(name)) return failed(`,
    `if (life.store.hasBackup(\`\${name}/\`)) return failed(`,
  ]),
  backups('a Backup whose name is in the bucket fails without completionTimestamp', [
    `    completionTimestamp: stamp(life.clock.now()),
  })

const finals`,
    `  })

const finals`,
  ]),
  backups('progress stops one item short', [
    `    progress: progress(itemsOf(backup)),`,
    `    progress: progress(itemsOf(backup) - 1),`,
  ]),
  prepare('a Backup expires after the usual time whatever its ttl', [
    `expiration: stamp(now + durationMs(ttl))`,
    `expiration: stamp(now + durationMs(defaultTtl))`,
  ]),
  prepare('a refused Backup has a startTimestamp', [
    `withStatus(filled, { phase: 'FailedValidation', validationErrors: errors })`,
    `withStatus(filled, { phase: 'FailedValidation', validationErrors: errors, startTimestamp: stamp(around.now) })`,
  ]),
  prepare('what others found wrong with a Backup is forgotten', [
    `    ...textsAt(backup, 'status', 'validationErrors'),
    ...locationErrors`,
    `    ...locationErrors`,
  ]),
  prepare('only the first thing that is wrong is told', [
    `validationErrors: errors })`,
    `validationErrors: errors.slice(0, 1) })`,
  ]),
  prepare('the label of the storage location is missing', [
    `    labels: { 'velero.io/storage-location': labelName(location) },
`,
    ``,
  ]),
  schedules('a Schedule makes a Backup while one is InProgress', [
    `['', 'New', 'InProgress'].includes(phaseOf(one))`,
    `['', 'New'].includes(phaseOf(one))`,
  ]),
  schedules('a Schedule waits for one that is ReadyToStart', [
    `['', 'New', 'InProgress'].includes(phaseOf(one))`,
    `['', 'New', 'ReadyToStart', 'InProgress'].includes(phaseOf(one))`,
  ]),
  schedules('a denied Backup counts as made', [
    `  await life.client.create('backups', backupOf(schedule, now))
`,
    `  await life.client.create('backups', backupOf(schedule, now)).catch(() => undefined)
`,
  ]),
  schedules('a paused Schedule is judged', [
    `if (now === undefined || paused(now)) return`,
    `if (now === undefined) return`,
  ]),
  schedules('labels of a template are added to the Schedule’s', [
    `own === undefined ? textMapAt(schedule, 'metadata', 'labels') : textMapAt(template, 'metadata', 'labels')`,
    `{ ...textMapAt(schedule, 'metadata', 'labels'), ...(own === undefined ? {} : textMapAt(template, 'metadata', 'labels')) }`,
  ]),
  schedules('annotations of a Schedule stay with it', [
    `...(Object.keys(annotations).length === 0 ? {} : { annotations }),`,
    ``,
  ]),
  schedules('a due run that is to be skipped stays to be skipped', [
    `withSpec(schedule, { skipImmediately: false })`,
    `schedule`,
  ]),
  schedules('a Schedule that is mended keeps what was wrong', [
    `{ phase: 'Enabled', validationErrors: undefined }`,
    `{ phase: 'Enabled' }`,
  ]),
  restores('a Restore starts without its finalizer', [
    `const restore = finalizersOf(seen).includes(finalizer)`,
    `const restore = isNew(seen) || finalizersOf(seen).includes(finalizer)`,
  ]),
  restores('a Restore that is made InProgress runs', [
    `  if (!isNew(restore)) return
`,
    `  if (!isNew(restore) && textAt(restore, 'status', 'startTimestamp') !== '') return
`,
  ]),
  restores('the finalizer of a Restore that is deleted stays', [
    `.filter((one) => one !== finalizer)`,
    `.filter((one) => one === finalizer)`,
  ]),
  restores('a refused Restore has a startTimestamp', [
    `...(invalid ? {} : { startTimestamp: stamp(life.clock.now()) }),`,
    `startTimestamp: stamp(life.clock.now()),`,
  ]),
  restores('a Restore is Completed without Finalizing', [
    `phase: errors.length > 0 ? 'FinalizingPartiallyFailed' : 'Finalizing',`,
    `phase: errors.length > 0 ? 'FinalizingPartiallyFailed' : 'Completed',`,
  ]),
  request('of a Schedule the Backup that started first is restored', [
    `startOf(b).localeCompare(startOf(a))`,
    `startOf(a).localeCompare(startOf(b))`,
  ]),
  request('a Restore of a Schedule takes what is PartiallyFailed', [
    `.filter((one) => phaseOf(one) === 'Completed')`,
    `.filter((one) => phaseOf(one) !== 'Failed')`,
  ]),
  request('a Restore does not name the Schedule of its Backup', [
    `textAt(restore, 'spec', 'scheduleName') || textAt(backup, 'metadata', 'labels', 'velero.io/schedule-name')`,
    `textAt(restore, 'spec', 'scheduleName')`,
  ]),
  deletions('a Backup is deleted without having been Deleting', [
    `withStatus(backup, { phase: 'Deleting' })`,
    `withStatus(backup, {})`,
  ]),
  deletions('a deletion leaves the Restores', [
    `await removeRestores(life, name).catch(note('error deleting restore'))`,
    ``,
  ]),
  deletions('a deletion leaves the files, so that the Backup comes back', [
    `life.store.removeFolder(\`backups/\${name}\`)`,
    ``,
  ]),
  deletions('an expired Backup is collected only when it was started', [
    `if (backup === undefined || !(expiration <= life.clock.now())) return`,
    `if (backup === undefined || !(expiration <= life.clock.now()) || textAt(backup, 'status', 'startTimestamp') === '') return`,
  ]),
  deletions('a Backup without an expiration is collected', [
    `if (backup === undefined || !(expiration <= life.clock.now())) return`,
    `if (backup === undefined || expiration > life.clock.now()) return`,
  ]),
  deletions('a second request for a deletion leaves the first', [
    `  await dropOthers(life, request)
`,
    ``,
  ]),
  sync('what comes back from the bucket is New', [
    `finished.includes(phase) ? stored : withStatus(stored, { phase: 'PartiallyFailed' })`,
    `withStatus(stored, { phase: 'New' })`,
  ]),
  sync('a Backup that Failed is dropped when the bucket does not have it', [
    `['Completed', 'PartiallyFailed'].includes(phaseOf(one))`,
    `['Completed', 'PartiallyFailed', 'Failed'].includes(phaseOf(one))`,
  ]),
  sync('a location without a bucket is Available', [`bucket === '' ?`, `bucket === 'none' ?`]),
  inFile('velero/client.ts', '^backups')('Velero’s writes name the resourceVersion they read', [
    `body: mergeDiff(from, to),`,
    `body: { ...mergeDiff(from, to), metadata: { ...Object(mergeDiff(from, to)['metadata']), resourceVersion: textAt(from, 'metadata', 'resourceVersion') } },`,
  ]),
]
