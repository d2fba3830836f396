/** The built-in resources: one line each, as discovery of a real API server of 1.36 lists them. */
import { columnsOf } from '../rest/columns.ts'
import { nodeOfDefinition, nodes } from '../schema/definitions.ts'
import { builtinDefinition } from './definition-names.ts'
import { eventShown, eventStored } from './events.ts'
import { selectableFields } from './selectable.ts'
import { asItIs, type Resource, type ScalePaths, type Verb } from './resource.ts'

const all: readonly Verb[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
]
const createOnly: readonly Verb[] = ['create']
const replicas: ScalePaths = {
  spec: '.spec.replicas',
  status: '.status.replicas',
  selector: '.spec.selector',
}

// group/version | plural | kind | flags: C cluster-scoped, S status, R scale, V create only, N a PUT needs a version, P a PUT creates, A in category all, X api-extensions | short names
const table = `
v1|configmaps|ConfigMap||cm
v1|endpoints|Endpoints|P|ep
v1|events|Event|P|ev
v1|namespaces|Namespace|CS|ns
v1|nodes|Node|CS|no
v1|persistentvolumeclaims|PersistentVolumeClaim|S|pvc
v1|persistentvolumes|PersistentVolume|CS|pv
v1|pods|Pod|SA|po
v1|secrets|Secret||
v1|serviceaccounts|ServiceAccount||sa
v1|services|Service|SAP|svc
apps/v1|controllerrevisions|ControllerRevision||
apps/v1|daemonsets|DaemonSet|SA|ds
apps/v1|deployments|Deployment|SRA|deploy
apps/v1|replicasets|ReplicaSet|SRA|rs
apps/v1|statefulsets|StatefulSet|SRA|sts
autoscaling/v2|horizontalpodautoscalers|HorizontalPodAutoscaler|SA|hpa
events.k8s.io/v1|events|Event|P|ev
authentication.k8s.io/v1|selfsubjectreviews|SelfSubjectReview|CV|
authentication.k8s.io/v1|tokenreviews|TokenReview|CV|
authorization.k8s.io/v1|localsubjectaccessreviews|LocalSubjectAccessReview|V|
authorization.k8s.io/v1|selfsubjectaccessreviews|SelfSubjectAccessReview|CV|
authorization.k8s.io/v1|selfsubjectrulesreviews|SelfSubjectRulesReview|CV|
authorization.k8s.io/v1|subjectaccessreviews|SubjectAccessReview|CV|
batch/v1|cronjobs|CronJob|SA|cj
batch/v1|jobs|Job|SA|
networking.k8s.io/v1|ingresses|Ingress|S|ing
networking.k8s.io/v1|networkpolicies|NetworkPolicy||netpol
policy/v1|poddisruptionbudgets|PodDisruptionBudget|SN|pdb
rbac.authorization.k8s.io/v1|clusterrolebindings|ClusterRoleBinding|CP|
rbac.authorization.k8s.io/v1|clusterroles|ClusterRole|CP|
rbac.authorization.k8s.io/v1|rolebindings|RoleBinding|P|
rbac.authorization.k8s.io/v1|roles|Role|P|
storage.k8s.io/v1|storageclasses|StorageClass|C|sc
admissionregistration.k8s.io/v1|mutatingwebhookconfigurations|MutatingWebhookConfiguration|CXN|
admissionregistration.k8s.io/v1|validatingadmissionpolicies|ValidatingAdmissionPolicy|CSXN|
admissionregistration.k8s.io/v1|validatingadmissionpolicybindings|ValidatingAdmissionPolicyBinding|CXN|
admissionregistration.k8s.io/v1|validatingwebhookconfigurations|ValidatingWebhookConfiguration|CXN|
apiextensions.k8s.io/v1|customresourcedefinitions|CustomResourceDefinition|CSXN|crd,crds
coordination.k8s.io/v1|leases|Lease|NP|
discovery.k8s.io/v1|endpointslices|EndpointSlice||
`

function verbsOf(plural: string, flags: string): readonly Verb[] {
  if (flags.includes('V')) return createOnly
  return plural === 'namespaces' ? all.filter((verb) => verb !== 'deletecollection') : all
}

function categoriesOf(flags: string): readonly string[] {
  if (flags.includes('A')) return ['all']
  return flags.includes('X') ? ['api-extensions'] : []
}

function row(line: string): Resource {
  const [apiVersion = '', plural = '', kind = '', flags = '', short = ''] = line.split('|')
  const group = groupOf(apiVersion)
  const definition = builtinDefinition(apiVersion, kind)
  return {
    group,
    version: apiVersion.slice(apiVersion.indexOf('/') + 1),
    plural,
    singular: kind.toLowerCase(),
    kind,
    listKind: `${kind}List`,
    namespaced: !flags.includes('C'),
    shortNames: short.split(',').filter(Boolean),
    categories: categoriesOf(flags),
    verbs: verbsOf(plural, flags),
    node: nodeOfDefinition(definition) ?? nodes.of({}),
    definition,
    custom: false,
    status: flags.includes('S'),
    needsVersion: flags.includes('N'),
    putCreates: flags.includes('P'),
    scale: flags.includes('R') ? replicas : undefined,
    columns: columnsOf(kind),
    selectable: selectableFields(kind),
    ...storageOf(group, plural),
  }
}

const groupOf = (apiVersion: string): string =>
  apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''

function storageOf(group: string, plural: string): Pick<Resource, 'storage' | 'shown' | 'stored'> {
  if (group === 'events.k8s.io') return { storage: '/events', shown: eventShown, stored: eventStored }
  return { storage: `${group}/${plural}`, shown: asItIs, stored: asItIs }
}

/** Every built-in resource. */
export function builtinResources(): readonly Resource[] {
  return table.trim().split('\n').map(row)
}
