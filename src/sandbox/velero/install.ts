/** What `velero install` makes: namespace, account, storage location and Deployment, beside the CRDs. */
import { readFileSync } from 'node:fs'
import type { Json, JsonObject } from '../apiserver/json.ts'

/** Velero's own account. */
export const veleroUser = 'system:serviceaccount:velero:velero'

/** Velero's CRDs, as its release carries them (see crds/README.md). */
export function veleroCrds(): readonly Json[] {
  const text = readFileSync(new URL('../crds/velero.ndjson', import.meta.url), 'utf8')
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Json)
}

/** The objects of an install; the storage location is in memory. */
export function veleroInstall(namespace = 'velero'): readonly JsonObject[] {
  const labels = { component: 'velero' }
  const account = { kind: 'ServiceAccount', name: 'velero', namespace }
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'velero', namespace, labels } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: namespace, labels },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [account],
    },
    {
      apiVersion: 'velero.io/v1',
      kind: 'BackupStorageLocation',
      metadata: { name: 'default', namespace, labels },
      spec: { provider: 'sandbox', default: true, objectStorage: { bucket: 'memory' } },
      // As after Velero's first look: else the first Backup of a new sandbox would fail validation.
      status: { phase: 'Available' },
    },
    deployment(namespace),
  ]
}

function deployment(namespace: string): JsonObject {
  const labels = { component: 'velero', deploy: 'velero' }
  const mounts = [
    { name: 'plugins', mountPath: '/plugins' },
    { name: 'scratch', mountPath: '/scratch' },
  ]
  const container = {
    name: 'velero',
    image: 'velero/velero:v1.18.3',
    command: ['/velero'],
    args: ['server'],
    volumeMounts: mounts,
  }
  const volumes = mounts.map(({ name }) => ({ name, emptyDir: {} }))
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'velero', namespace, labels: { component: 'velero' } },
    spec: {
      replicas: 1,
      selector: { matchLabels: { deploy: 'velero' } },
      template: {
        metadata: { labels },
        spec: { serviceAccountName: 'velero', restartPolicy: 'Always', containers: [container], volumes },
      },
    },
  }
}
