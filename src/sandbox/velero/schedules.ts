/** Schedules (velero pkg/controller/schedule_controller.go, pkg/builder/backup_builder.go FromSchedule). */
import { stamp } from '../apiserver/clock.ts'
import { at, objectAt, same, textAt, textMapAt, type JsonObject } from '../apiserver/json.ts'
import { parseCron, type Cron } from './cron.ts'
import { durationMs, goDuration } from './duration.ts'
import { nameOf } from './informer.ts'
import { phaseOf, withSpec, withStatus } from './phases.ts'
import type { Life } from './server.ts'

/** Makes Backups for Schedules for this life. */
export function runSchedules(life: Life): void {
  const schedules = life.copy('schedules')
  const queue = life.queue({ name: 'schedule', reconcile: (name) => reconcile(life, name) })
  const paused = (schedule: JsonObject): boolean => at(schedule, 'spec', 'paused') === true
  schedules.onChange(({ old, now }) => {
    if (now === undefined || paused(now)) return
    // Only a changed spec counts: every reconcile patches status.
    if (old === undefined || !same(at(old, 'spec'), at(now, 'spec'))) queue.add(nameOf(now))
  })
  life.every(life.settings.scheduleMs, () => {
    for (const one of schedules.list()) if (!paused(one)) queue.add(nameOf(one))
  })
}

async function reconcile(life: Life, name: string): Promise<void> {
  const schedule = life.copy('schedules').get(name)
  if (schedule === undefined) return
  const cron = cronOf(textAt(schedule, 'spec', 'schedule'))
  const checked = validated(skipped(life, schedule), cron)
  // As Velero: it compares pointers, so that it patches each time, often with nothing.
  const stored = await life.client.patch('schedules', schedule, checked)
  if ('problem' in cron || !isDue(life, stored, cron) || hasUnfinished(life, name)) return
  await submit(life, stored)
}

function cronOf(text: string): Cron | { readonly problem: string } {
  if (text === '') return { problem: 'Schedule must be a non-empty valid Cron expression' }
  const parsed = parseCron(text)
  return 'problem' in parsed ? { problem: `invalid schedule: ${parsed.problem}` } : parsed
}

function skipped(life: Life, schedule: JsonObject): JsonObject {
  const skips = at(schedule, 'spec', 'skipImmediately') === true
  const spec = withSpec(schedule, { skipImmediately: false })
  return skips ? withStatus(spec, { lastSkipped: stamp(life.clock.now()) }) : spec
}

const validated = (schedule: JsonObject, cron: Cron | { readonly problem: string }): JsonObject =>
  'problem' in cron
    ? withStatus(schedule, { phase: 'FailedValidation', validationErrors: [cron.problem] })
    : withStatus(schedule, { phase: 'Enabled', validationErrors: undefined })

function isDue(life: Life, schedule: JsonObject, cron: Cron): boolean {
  const time = (...path: readonly string[]): number => Date.parse(textAt(schedule, ...path)) || 0
  const last = time('status', 'lastBackup') || time('metadata', 'creationTimestamp')
  return life.clock.now() > cron(Math.max(last, time('status', 'lastSkipped')))
}

/** Queued and ReadyToStart are not counted: a gap of Velero's. */
const hasUnfinished = (life: Life, schedule: string): boolean =>
  life
    .copy('backups')
    .list()
    .some(
      (one) =>
        textAt(one, 'metadata', 'labels', 'velero.io/schedule-name') === schedule &&
        ['', 'New', 'InProgress'].includes(phaseOf(one)),
    )

/** Makes the Backup. A refusal is thrown, so that it is tried again under a new name, for ever. */
async function submit(life: Life, schedule: JsonObject): Promise<void> {
  const now = life.clock.now()
  await life.client.create('backups', backupOf(schedule, now))
  await life.client.patch('schedules', schedule, withStatus(schedule, { lastBackup: stamp(now) }))
}

const durations = ['ttl', 'csiSnapshotTimeout', 'itemOperationTimeout'] as const

/** The Backup that a Schedule makes, with the zero values that Velero's Go types send. */
export function backupOf(schedule: JsonObject, now: number): JsonObject {
  const name = nameOf(schedule)
  const template = objectAt(schedule, 'spec', 'template')
  const own = at(template, 'metadata', 'labels')
  const labels =
    own === undefined ? textMapAt(schedule, 'metadata', 'labels') : textMapAt(template, 'metadata', 'labels')
  const annotations = textMapAt(schedule, 'metadata', 'annotations')
  const owner = {
    apiVersion: 'velero.io/v1',
    kind: 'Schedule',
    name,
    uid: textAt(schedule, 'metadata', 'uid'),
    controller: true,
  }
  return {
    apiVersion: 'velero.io/v1',
    kind: 'Backup',
    metadata: {
      name: `${name}-${stamp(now).replaceAll(/[-:TZ]/g, '')}`,
      namespace: textAt(schedule, 'metadata', 'namespace'),
      labels: { ...labels, 'velero.io/schedule-name': name },
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      ...(at(schedule, 'spec', 'useOwnerReferencesInBackup') === true ? { ownerReferences: [owner] } : {}),
    },
    spec: {
      hooks: {},
      metadata: {},
      ...template,
      ...Object.fromEntries(durations.map((one) => [one, goDuration(durationMs(textAt(template, one)))])),
    },
    status: {},
  }
}
