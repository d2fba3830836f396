/** Objects and paths of the cases. */
import type { Json } from './http.ts'

type Fields = Readonly<Record<string, Json>>

/** Paths by namespace. */
export const paths = {
  configMaps: (ns: string, name?: string) => core(ns, 'configmaps', name),
  secrets: (ns: string, name?: string) => core(ns, 'secrets', name),
  events: (ns: string, name?: string) => core(ns, 'events', name),
  pods: (ns: string, name?: string) => core(ns, 'pods', name),
  serviceAccounts: (ns: string, name?: string) => core(ns, 'serviceaccounts', name),
  leases: (ns: string, name?: string) => at(`/apis/coordination.k8s.io/v1/namespaces/${ns}/leases`, name),
  deployments: (ns: string, name?: string) => at(`/apis/apps/v1/namespaces/${ns}/deployments`, name),
  autoscalers: (ns: string, name?: string) =>
    at(`/apis/autoscaling/v2/namespaces/${ns}/horizontalpodautoscalers`, name),
  roles: (ns: string, name?: string) => at(`/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}/roles`, name),
  bindings: (ns: string, name?: string) =>
    at(`/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}/rolebindings`, name),
} as const

/** Collections that belong to no namespace. */
export const collections = {
  namespaces: '/api/v1/namespaces',
  crds: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  validating: '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
  mutating: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
  policies: '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies',
  policyBindings: '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings',
  clusterRoles: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  clusterBindings: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
} as const

const at = (collection: string, name?: string): string =>
  name === undefined ? collection : `${collection}/${name}`
const core = (ns: string, resource: string, name?: string): string =>
  at(`/api/v1/namespaces/${ns}/${resource}`, name)

/** A ConfigMap. */
export const configMap = (name: string, data: Fields = {}, metadata: Fields = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
})

/** A Lease: a small object that no controller of the whole cluster adds to or changes. */
export const lease = (name: string, spec: Fields = {}, metadata: Fields = {}) => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name, ...metadata },
  spec,
})

/** A Secret. */
export const secret = (name: string, rest: Fields = {}) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name },
  ...rest,
})

/** A Deployment of no replicas, which no controller acts on. */
export const deployment = (name: string, containers: readonly Json[] = [{ name: 'a', image: 'a:1' }]) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas: 0,
    paused: true,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers } },
  },
})
