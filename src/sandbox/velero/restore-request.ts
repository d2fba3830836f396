/** What Velero fills into a Restore, and what it has against it (velero pkg/controller/restore_controller.go validateAndComplete). */
import { at, textAt, textsAt, type JsonObject } from '../apiserver/json.ts'
import { nameOf } from './informer.ts'
import { phaseOf, withSpec, withStatus } from './phases.ts'
import { listErrors } from './prepare.ts'

/** What validation looks at. */
export type RestoreSurroundings = {
  readonly backups: readonly JsonObject[]
  readonly locations: readonly JsonObject[]
  /** What a script has against it. */
  readonly problem: string | undefined
}

const nonRestorable = [
  'nodes',
  'events',
  'events.events.k8s.io',
  'backups.velero.io',
  'restores.velero.io',
  'resticrepositories.velero.io',
  'csinodes.storage.k8s.io',
  'volumeattachments.storage.k8s.io',
  'backuprepositories.velero.io',
]

/** The Restore with what Velero fills in, and status.validationErrors. */
export function completed(restore: JsonObject, around: RestoreSurroundings): JsonObject {
  const included = textsAt(restore, 'spec', 'includedResources')
  const excluded = [...new Set([...textsAt(restore, 'spec', 'excludedResources'), ...nonRestorable])]
  const errors = [
    ...textsAt(restore, 'status', 'validationErrors'),
    ...(around.problem === undefined ? [] : [around.problem]),
    ...nonRestorable
      .filter((one) => included.includes(one))
      .map((one) => `${one} are non-restorable resources`),
    ...listErrors('resource', included, excluded),
    ...listErrors(
      'namespace',
      textsAt(restore, 'spec', 'includedNamespaces'),
      textsAt(restore, 'spec', 'excludedNamespaces'),
    ),
    ...otherErrors(restore),
  ]
  const source = sourceOf(restore, around)
  const all = 'errors' in source ? [...errors, ...source.errors] : errors
  const filled = withSpec(restore, { excludedResources: excluded, ...('spec' in source ? source.spec : {}) })
  return all.length === 0 ? filled : withStatus(filled, { validationErrors: all })
}

function otherErrors(restore: JsonObject): readonly string[] {
  const both =
    at(restore, 'spec', 'labelSelector') !== undefined &&
    at(restore, 'spec', 'orLabelSelectors') !== undefined
  const policy = textAt(restore, 'spec', 'existingResourcePolicy')
  return [
    ...(both
      ? ['encountered labelSelector as well as orLabelSelectors in restore spec, only one can be specified']
      : []),
    ...(['', 'none', 'update'].includes(policy) ? [] : [`Invalid ExistingResourcePolicy: ${policy}`]),
  ]
}

type Source = { readonly errors: readonly string[] } | { readonly spec: Readonly<Record<string, string>> }

function sourceOf(restore: JsonObject, around: RestoreSurroundings): Source {
  const backupName = textAt(restore, 'spec', 'backupName')
  const schedule = textAt(restore, 'spec', 'scheduleName')
  if ((backupName === '') === (schedule === ''))
    return {
      errors: ['Either a backup or schedule must be specified as a source for the restore, but not both'],
    }
  if (backupName !== '') return backupSource(restore, backupName, around)
  const made = around.backups.filter(
    (one) => textAt(one, 'metadata', 'labels', 'velero.io/schedule-name') === schedule,
  )
  const latest = made
    .filter((one) => phaseOf(one) === 'Completed')
    .toSorted((a, b) => startOf(b).localeCompare(startOf(a)))[0]
  if (latest !== undefined) return backupSource(restore, nameOf(latest), around)
  return {
    errors: [
      ...(made.length === 0 ? ['No backups found for schedule'] : []),
      'No completed backups found for schedule',
    ],
  }
}

const startOf = (backup: JsonObject): string => textAt(backup, 'status', 'startTimestamp')

function backupSource(
  restore: JsonObject,
  name: string,
  { backups, locations }: RestoreSurroundings,
): Source {
  const namespace = textAt(restore, 'metadata', 'namespace')
  const backup = backups.find((one) => nameOf(one) === name)
  if (backup === undefined)
    return {
      errors: [
        `Error retrieving backup: can't find backup ${namespace}/${name}: Backup.velero.io "${name}" not found`,
      ],
    }
  const wanted = textAt(backup, 'spec', 'storageLocation')
  const location = locations.find((one) => nameOf(one) === wanted)
  if (location === undefined)
    return { errors: [`Error retrieving backup: BackupStorageLocation.velero.io "${wanted}" not found`] }
  if (phaseOf(location) !== 'Available')
    return { errors: [`The BSL ${wanted} is unavailable, cannot retrieve the backup`] }
  const schedule =
    textAt(restore, 'spec', 'scheduleName') || textAt(backup, 'metadata', 'labels', 'velero.io/schedule-name')
  return { spec: { backupName: name, ...(schedule === '' ? {} : { scheduleName: schedule }) } }
}
