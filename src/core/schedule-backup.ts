/** The Backup that a Schedule makes (velero pkg/builder/backup_builder.go FromSchedule; the name: schedule_types.go TimestampedName). */
import { at, objectAt, scheduleLabel, textAt, textMapAt, type Json } from './velero.ts'
import { time } from './run/ending.ts'

/** As Velero makes it at this time. */
export function backupOfSchedule(schedule: unknown, now: number): Json {
  const name = textAt(schedule, 'metadata', 'name')
  const template = objectAt(schedule, 'spec', 'template')
  // Labels of the template replace those of the Schedule; annotations too, in what comes after Velero 1.18.2.
  const given = (key: string): Readonly<Record<string, string>> =>
    at(template, 'metadata', key) === undefined
      ? textMapAt(schedule, 'metadata', key)
      : textMapAt(template, 'metadata', key)
  return {
    apiVersion: 'velero.io/v1',
    kind: 'Backup',
    metadata: {
      name: `${name}-${time(now).slice(0, 19).replaceAll(/[-:T]/g, '')}`,
      namespace: textAt(schedule, 'metadata', 'namespace'),
      labels: { ...given('labels'), [scheduleLabel]: name },
      annotations: given('annotations'),
    },
    spec: template,
  }
}
