/**
 * The fields that expressions may find. A typo in one would only show when it is run, as a refusal in the night. Velero's
 * are those of the CRDs of 1.18 (held to them by a test); another version may have more, so an unknown one is a warning.
 */

/** The fields of an object by name; 'any': whatever is below is not known beforehand. */
export type Fields = { readonly [name: string]: Fields | 'any' }

/** A field that an expression asks for and that is not known. */
export type UnknownField = {
  /** As it is reached from its variable: `backup.spec.includedNamespace`. */
  readonly path: string
  readonly name: string
  /** What is known there. */
  readonly known: readonly string[]
}

const names = (text: string): Fields =>
  Object.fromEntries(
    text
      .trim()
      .split(/\s+/)
      .map((name) => [name, 'any']),
  )

// apimachinery pkg/apis/meta/v1/types.go: ObjectMeta.
const metadata = names(`name generateName namespace selfLink uid resourceVersion generation creationTimestamp
  deletionTimestamp deletionGracePeriodSeconds labels annotations ownerReferences finalizers managedFields`)
const selector = names('matchExpressions matchLabels')
const reference = names('apiGroup kind name')
const hookStatus = names('hooksAttempted hooksFailed')

const backup: Fields = {
  ...names('apiVersion kind'),
  metadata,
  spec: {
    ...names(`csiSnapshotTimeout datamover defaultVolumesToFsBackup defaultVolumesToRestic
      excludedClusterScopedResources excludedNamespaceScopedResources excludedNamespaces excludedResources
      includeClusterResources includedClusterScopedResources includedNamespaceScopedResources includedNamespaces
      includedResources itemOperationTimeout orLabelSelectors orderedResources snapshotMoveData snapshotVolumes
      storageLocation ttl volumeGroupSnapshotLabelKey volumeSnapshotLocations`),
    hooks: names('resources'),
    labelSelector: selector,
    metadata: names('labels'),
    resourcePolicy: reference,
    uploaderConfig: names('parallelFilesUpload'),
  },
  status: {
    ...names(`backupItemOperationsAttempted backupItemOperationsCompleted backupItemOperationsFailed
      completionTimestamp csiVolumeSnapshotsAttempted csiVolumeSnapshotsCompleted errors expiration failureReason
      formatVersion phase queuePosition startTimestamp validationErrors version volumeSnapshotsAttempted
      volumeSnapshotsCompleted warnings`),
    hookStatus,
    progress: names('itemsBackedUp totalItems'),
  },
}

const restore: Fields = {
  ...names('apiVersion kind'),
  metadata,
  spec: {
    ...names(`backupName excludedNamespaces excludedResources existingResourcePolicy includeClusterResources
      includedNamespaces includedResources itemOperationTimeout namespaceMapping orLabelSelectors preserveNodePorts
      restorePVs scheduleName`),
    hooks: names('resources'),
    labelSelector: selector,
    resourceModifier: reference,
    resourcePolicy: reference,
    restoreStatus: names('excludedResources includedResources'),
    uploaderConfig: names('parallelFilesDownload writeSparseFiles'),
  },
  status: {
    ...names(`completionTimestamp errors failureReason phase restoreItemOperationsAttempted
      restoreItemOperationsCompleted restoreItemOperationsFailed startTimestamp validationErrors warnings`),
    hookStatus,
    progress: names('itemsRestored totalItems'),
  },
}

/** What expressions find in each variable whose fields are known. */
export const knownFields: { readonly backup: Fields; readonly restore: Fields } = { backup, restore }

/** The fields of an object that are not among those that are known, each with its path. */
export function strangersIn(object: unknown, known: Fields, path = ''): readonly UnknownField[] {
  if (typeof object !== 'object' || object === null || Array.isArray(object)) return []
  return Object.entries(object).flatMap(([name, value]: readonly [string, unknown]) => {
    const field = Object.hasOwn(known, name) ? known[name] : undefined
    const here = path === '' ? name : `${path}.${name}`
    if (field === undefined) return [{ path: here, name, known: Object.keys(known) }]
    return field === 'any' ? [] : strangersIn(value, field, here)
  })
}

/** What a body gave back; ours, so there are no others. */
export const responseFields = {
  http: names('status headers body durationMs'),
  patch: names('objects'),
  scale: names('objects'),
  wait: names('objects durationMs'),
  waitForOne: names('object objects durationMs'),
} as const satisfies Readonly<Record<string, Fields>>
