/** What Velero fills into a Backup before it starts, and what it has against it (velero pkg/controller/backup_controller.go prepareBackupRequest). */
import { stamp } from '../apiserver/clock.ts'
import { at, textAt, textsAt, type Json, type JsonObject } from '../apiserver/json.ts'
import { durationMs } from './duration.ts'
import { nameOf } from './informer.ts'
import { labelName } from './label-name.ts'
import { withMarks, withSpec, withStatus } from './phases.ts'

/** What preparing looks at. */
export type Surroundings = {
  readonly now: number
  readonly locations: readonly JsonObject[]
  readonly snapshotLocations: readonly JsonObject[]
  readonly namespaces: readonly JsonObject[]
  readonly version: Readonly<Record<string, string>>
}

const defaultTtl = '720h0m0s'
const autoExcludedNamespaced = 'volumesnapshots.snapshot.storage.k8s.io'
const autoExcludedCluster = 'volumesnapshotcontents.snapshot.storage.k8s.io'

/** The Backup as it is patched to InProgress; with what is wrong, to FailedValidation. */
export function prepared(backup: JsonObject, around: Surroundings): JsonObject {
  const wanted = textAt(backup, 'spec', 'storageLocation')
  const location = wanted === '' ? defaultLocation(around.locations) : wanted
  const filled = withDefaults(backup, location, around)
  const errors = [
    ...textsAt(backup, 'status', 'validationErrors'),
    ...locationErrors(location, { named: wanted !== '', locations: around.locations }),
    ...snapshotErrors(backup, around.snapshotLocations),
    ...filterErrors(backup),
  ]
  return errors.length > 0
    ? withStatus(filled, { phase: 'FailedValidation', validationErrors: errors })
    : withStatus(filled, { phase: 'InProgress', startTimestamp: stamp(around.now) })
}

function withDefaults(
  backup: JsonObject,
  location: string,
  { now, namespaces, version }: Surroundings,
): JsonObject {
  const unset = (field: string): boolean => durationMs(textAt(backup, 'spec', field)) === 0
  const ttl = unset('ttl') ? defaultTtl : textAt(backup, 'spec', 'ttl')
  const spec = withSpec(backup, {
    ttl,
    storageLocation: location,
    volumeGroupSnapshotLabelKey:
      textAt(backup, 'spec', 'volumeGroupSnapshotLabelKey') || 'velero.io/volume-group',
    ...(unset('csiSnapshotTimeout') ? { csiSnapshotTimeout: '10m0s' } : {}),
    ...(unset('itemOperationTimeout') ? { itemOperationTimeout: '4h0m0s' } : {}),
    defaultVolumesToFsBackup: at(backup, 'spec', 'defaultVolumesToFsBackup') ?? false,
    snapshotMoveData: at(backup, 'spec', 'snapshotMoveData') ?? false,
    ...namespaceLists(backup, namespaces),
    ...resourceLists(backup),
  })
  const marked = withMarks(spec, {
    labels: { 'velero.io/storage-location': labelName(location) },
    annotations: {
      'velero.io/source-cluster-k8s-gitversion': version['gitVersion'] ?? '',
      'velero.io/source-cluster-k8s-major-version': version['major'] ?? '',
      'velero.io/source-cluster-k8s-minor-version': version['minor'] ?? '',
      'velero.io/resource-timeout': '10m0s',
    },
  })
  return withStatus(marked, { version: 1, formatVersion: '1.1.0', expiration: stamp(now + durationMs(ttl)) })
}

function defaultLocation(locations: readonly JsonObject[]): string {
  const found = locations.find((one) => at(one, 'spec', 'default') === true)
  return found === undefined ? 'default' : nameOf(found)
}

function namespaceLists(
  backup: JsonObject,
  namespaces: readonly JsonObject[],
): Readonly<Record<string, Json>> {
  const included = textsAt(backup, 'spec', 'includedNamespaces')
  const left = namespaces.filter(
    (one) => textAt(one, 'metadata', 'labels', 'velero.io/exclude-from-backup') === 'true',
  )
  const excluded = [...textsAt(backup, 'spec', 'excludedNamespaces'), ...left.map(nameOf)]
  return {
    includedNamespaces: included.length === 0 ? ['*'] : included,
    ...(excluded.length === 0 ? {} : { excludedNamespaces: excluded }),
  }
}

const usesOldFilters = (backup: JsonObject): boolean =>
  at(backup, 'spec', 'includeClusterResources') !== undefined ||
  textsAt(backup, 'spec', 'includedResources').length > 0 ||
  textsAt(backup, 'spec', 'excludedResources').length > 0

function resourceLists(backup: JsonObject): Readonly<Record<string, Json>> {
  const added = (field: string, more: readonly string[]): readonly string[] => [
    ...new Set([...textsAt(backup, 'spec', field), ...more]),
  ]
  if (usesOldFilters(backup))
    return { excludedResources: added('excludedResources', [autoExcludedNamespaced, autoExcludedCluster]) }
  return {
    excludedClusterScopedResources: added('excludedClusterScopedResources', [autoExcludedCluster]),
    excludedNamespaceScopedResources: added('excludedNamespaceScopedResources', [autoExcludedNamespaced]),
  }
}

type Choice = { readonly named: boolean; readonly locations: readonly JsonObject[] }

function locationErrors(name: string, { named, locations }: Choice): readonly string[] {
  const location = locations.find((one) => nameOf(one) === name)
  if (location === undefined) {
    const which = named ? `the default ${name} was not found` : `the server default ${name} does not exist`
    return [
      `an existing backup storage location was not specified at backup creation time and ${which}. Please address this issue (see \`velero backup-location -h\` for options) and create a new backup. Error: BackupStorageLocation.velero.io "${name}" not found`,
    ]
  }
  return [
    ...(textAt(location, 'spec', 'accessMode') === 'ReadOnly'
      ? [`backup can't be created because backup storage location ${name} is currently in read-only mode`]
      : []),
    ...(textAt(location, 'status', 'phase') === 'Available'
      ? []
      : [`backup can't be created because BackupStorageLocation ${name} is in Unavailable status.`]),
  ]
}

function snapshotErrors(backup: JsonObject, locations: readonly JsonObject[]): readonly string[] {
  return textsAt(backup, 'spec', 'volumeSnapshotLocations')
    .filter((name) => !locations.some((one) => nameOf(one) === name))
    .map(
      (name) =>
        `a VolumeSnapshotLocation CRD for the location ${name} with the name specified in the backup spec needs to be created before this snapshot can be executed. Error: VolumeSnapshotLocation.velero.io "${name}" not found`,
    )
}

function filterErrors(backup: JsonObject): readonly string[] {
  const texts = (field: string): readonly string[] => textsAt(backup, 'spec', field)
  const scoped = ['Cluster', 'Namespace'].flatMap((scope) => [
    ...texts(`included${scope}ScopedResources`),
    ...texts(`excluded${scope}ScopedResources`),
  ])
  const both =
    at(backup, 'spec', 'labelSelector') !== undefined && at(backup, 'spec', 'orLabelSelectors') !== undefined
  return [
    ...(usesOldFilters(backup) && scoped.length > 0
      ? [
          'include-resources, exclude-resources and include-cluster-resources are old filter parameters.\n' +
            'include-cluster-scoped-resources, exclude-cluster-scoped-resources, include-namespace-scoped-resources and exclude-namespace-scoped-resources are new filter parameters.\n' +
            'They cannot be used together',
        ]
      : []),
    ...listErrors('resource', texts('includedResources'), texts('excludedResources')),
    ...listErrors('namespace', texts('includedNamespaces'), texts('excludedNamespaces')),
    ...(both
      ? ['encountered labelSelector as well as orLabelSelectors in backup spec, only one can be specified']
      : []),
  ]
}

/** What is wrong with a pair of lists (velero pkg/util/collections ValidateIncludesExcludes). */
export function listErrors(
  what: string,
  included: readonly string[],
  excluded: readonly string[],
): readonly string[] {
  const wrong = [
    ...(included.length > 1 && included.includes('*')
      ? ["includes list must either contain '*' only, or a non-empty list of items"]
      : []),
    ...(excluded.includes('*') ? ["excludes list cannot contain '*'"] : []),
    ...[...new Set(excluded)]
      .toSorted()
      .filter((one) => included.includes(one))
      .map((one) => `excludes list cannot contain an item in the includes list: ${one}`),
  ]
  return wrong.map((text) => `Invalid included/excluded ${what} lists: ${text}`)
}
