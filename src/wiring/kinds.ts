/** The kinds that we talk to the API server about, as typed resources of one client. */
import type { ActionRun } from '../api/action-run.ts'
import { group, version } from '../api/schema.ts'
import { at, type Json, type VeleroKind } from '../core/velero.ts'
import type { KubeClient } from '../kube/client.ts'
import { collectionPath, resource, type Resource } from '../kube/resource.ts'

/** velero.io/v1. */
export const veleroPlural: Readonly<Record<VeleroKind, string>> = { Backup: 'backups', Restore: 'restores' }

/** The collection of a kind of Velero in a namespace. */
export const veleroPath = (plural: string, namespace: string): string =>
  collectionPath({ group: 'velero.io', version: 'v1', plural, namespace })

/** The collection of a kind of ours in a namespace. */
export const ownPath = (plural: string, namespace: string): string =>
  collectionPath({ group, version, plural, namespace })

// A node has about 20 KB, half of them its images, and a cluster 5,000 nodes: whole, a list of them would fill the pod.
const addressed = (node: unknown): Json => ({
  status: {
    addresses: at(node, 'status', 'addresses'),
    nodeInfo: {
      operatingSystem: at(node, 'status', 'nodeInfo', 'operatingSystem'),
      architecture: at(node, 'status', 'nodeInfo', 'architecture'),
    },
  },
})

/** Typed calls. */
export const calls = (client: KubeClient) => ({
  velero: (plural: string, namespace: string): Resource<Json> =>
    resource(client, { group: 'velero.io', version: 'v1', plural, namespace }),
  own: (plural: string, namespace: string | undefined): Resource<Json> =>
    resource(client, { group, version, plural, namespace }),
  leases: (namespace: string): Resource<Json> =>
    resource(client, { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', namespace }),
  secrets: (namespace: string): Resource<Json> =>
    resource(client, { group: '', version: 'v1', plural: 'secrets', namespace }),
  configMaps: (namespace: string): Resource<Json> =>
    resource(client, { group: '', version: 'v1', plural: 'configmaps', namespace }),
  events: (namespace: string): Resource<Json> =>
    resource(client, { group: '', version: 'v1', plural: 'events', namespace }),
  namespaces: (): Resource<Json> => resource(client, { group: '', version: 'v1', plural: 'namespaces' }),
  nodes: (): Resource<Json> =>
    resource(client, { group: '', version: 'v1', plural: 'nodes', parse: addressed }),
  admission: (plural: string): Resource<Json> =>
    resource(client, { group: 'admissionregistration.k8s.io', version: 'v1', plural }),
  of: (apiGroup: string, plural: string, namespace: string | undefined): Resource<Json> =>
    resource(client, { group: apiGroup, version: 'v1', plural, namespace }),
})

/** Typed calls of one client. */
export type Calls = ReturnType<typeof calls>

/** A run as JSON for the API server. */
export const runBody = (run: ActionRun): Json => ({
  apiVersion: `${group}/${version}`,
  kind: 'ActionRun',
  ...run,
})
