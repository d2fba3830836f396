/** AdmissionReviews as kube-apiserver sends them: about a Backup that is created, of about so many bytes. */

/** What the load generator (bench/go/load) makes a number of: each request is about another Backup. */
const mark = '@@@@@@@@@@@@'

type Labels = Readonly<Record<string, string>>

/** The sizes that are measured, and what they stand for. */
export const sizes = { 3: 3_072, 8: 8_192, 24: 24_576 } as const

/** The body of a review of about this many bytes, with more labels: hooks are what makes Backups large. */
export function reviewOf(bytes: number, more: Labels = {}): string {
  const text = (hooks: number, padding = 0) => JSON.stringify(review(hooks, 'x'.repeat(padding), more))
  let hooks = 0
  while (text(hooks + 1).length <= bytes) hooks += 1
  // What is missing to the full size goes where a hook would put it: into the object.
  return text(hooks, bytes - text(hooks).length)
}

/** A hook of a Backup, about 300 bytes. */
export const hookOf = (index: number): object => ({
  name: `freeze-${index}`,
  includedNamespaces: [`shop-${index}`],
  labelSelector: { matchLabels: { 'app.kubernetes.io/name': `postgres-${index}` } },
  pre: [
    {
      exec: {
        container: 'postgres',
        command: ['/bin/sh', '-c', `psql -c "select pg_backup_start('${index}')"`],
        onError: 'Fail',
        timeout: '30s',
      },
    },
  ],
})

function review(hooks: number, padding: string, more: Labels): object {
  const kind = { group: 'velero.io', version: 'v1', kind: 'Backup' }
  const resource = { group: 'velero.io', version: 'v1', resource: 'backups' }
  const name = `nightly-${mark}`
  return {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: `5e1c6b9e-7d7c-4f2b-9a54-${mark}`,
      kind,
      resource,
      requestKind: kind,
      requestResource: resource,
      name,
      namespace: 'velero',
      operation: 'CREATE',
      userInfo: {
        username: 'system:serviceaccount:ops:deployer',
        uid: '0f8ad3a1-25a5-4d1a-8a0e-6a3f5f0c9d11',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:ops', 'system:authenticated'],
        extra: { 'authentication.kubernetes.io/pod-name': ['deployer-7d9c5b6f4-x2x8k'] },
      },
      object: backup(name, hooks, padding, more),
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'kubectl-create' },
    },
  }
}

const backup = (name: string, hooks: number, padding: string, more: Labels): object => ({
  apiVersion: 'velero.io/v1',
  kind: 'Backup',
  metadata: {
    name,
    namespace: 'velero',
    uid: `9b3e4c2a-1f0d-4f6e-8c11-${mark}`,
    generation: 1,
    creationTimestamp: '2026-03-01T03:00:00Z',
    // Of a Schedule, as most Backups are: decisions about those that differ in nothing else are counted in one record.
    labels: {
      'velero.io/storage-location': 'default',
      'velero.io/schedule-name': 'nightly',
      team: 'shop',
      ...more,
    },
    annotations: { 'velero.io/source-cluster-k8s-gitversion': 'v1.34.2', note: padding },
    managedFields: [
      {
        manager: 'kubectl-create',
        operation: 'Update',
        apiVersion: 'velero.io/v1',
        time: '2026-03-01T03:00:00Z',
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': { 'f:annotations': { '.': {} }, 'f:labels': { '.': {}, 'f:team': {} } },
          'f:spec': { '.': {}, 'f:hooks': {}, 'f:includedNamespaces': {}, 'f:ttl': {} },
        },
      },
    ],
  },
  spec: {
    csiSnapshotTimeout: '10m0s',
    hooks: { resources: Array.from({ length: hooks }, (_, index) => hookOf(index)) },
    includedNamespaces: ['*'],
    itemOperationTimeout: '4h0m0s',
    metadata: {},
    snapshotMoveData: false,
    storageLocation: 'default',
    ttl: '720h0m0s',
  },
  status: {},
})
