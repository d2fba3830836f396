// Collects the OpenAPI definitions of the built-in kinds from a real API server into src/sandbox/apiserver/schema/definitions.ndjson.
// usage: kubectl proxy --port 8001 & node test/sandbox/apiserver/collect-definitions.mjs http://127.0.0.1:8001
import { writeFileSync } from 'node:fs'

if (process.argv.length < 3) throw new TypeError('wanted: the URL of a kubectl proxy; see the usage above')

const wanted = {
  'api/v1':
    'core.v1: Namespace Secret ConfigMap ServiceAccount Service Pod PodTemplateSpec Event Endpoints Node PersistentVolume PersistentVolumeClaim',
  'apis/apps/v1': 'apps.v1: Deployment ReplicaSet DaemonSet StatefulSet ControllerRevision',
  'apis/batch/v1': 'batch.v1: Job CronJob',
  'apis/autoscaling/v1': 'autoscaling.v1: Scale',
  'apis/autoscaling/v2': 'autoscaling.v2: HorizontalPodAutoscaler',
  'apis/events.k8s.io/v1': 'events.v1: Event',
  'apis/coordination.k8s.io/v1': 'coordination.v1: Lease',
  'apis/rbac.authorization.k8s.io/v1': 'rbac.v1: Role RoleBinding ClusterRole ClusterRoleBinding',
  'apis/admissionregistration.k8s.io/v1':
    'admissionregistration.v1: ValidatingWebhookConfiguration MutatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding',
  'apis/apiextensions.k8s.io/v1':
    'apiextensions-apiserver.pkg.apis.apiextensions.v1: CustomResourceDefinition',
  'apis/policy/v1': 'policy.v1: PodDisruptionBudget',
  'apis/networking.k8s.io/v1': 'networking.v1: NetworkPolicy Ingress',
  'apis/authentication.k8s.io/v1': 'authentication.v1: TokenReview SelfSubjectReview',
  'apis/authorization.k8s.io/v1':
    'authorization.v1: SubjectAccessReview SelfSubjectAccessReview LocalSubjectAccessReview SelfSubjectRulesReview',
  'apis/storage.k8s.io/v1': 'storage.v1: StorageClass',
  'apis/discovery.k8s.io/v1': 'discovery.v1: EndpointSlice',
}
const firstSentence = (text) => (text.split(/(?<=\.)\s|\n/)[0] ?? '').slice(0, 200)
const lean = (value) =>
  Array.isArray(value)
    ? value.map(lean)
    : value !== null && typeof value === 'object'
      ? Object.fromEntries(
          Object.entries(value).map(([key, one]) => [
            key,
            key === 'description' && typeof one === 'string' ? firstSentence(one) : lean(one),
          ]),
        )
      : value
const found = new Map()
const follow = (all, name) => {
  if (found.has(name)) return
  found.set(name, lean(all[name]))
  for (const [, ref] of JSON.stringify(all[name]).matchAll(/#\/components\/schemas\/([^"]+)/g))
    follow(all, ref)
}
for (const [path, line] of Object.entries(wanted)) {
  const [where, kinds] = line.split(': ')
  const { components } = await (await fetch(`${process.argv[2]}/openapi/v3/${path}`)).json()
  for (const kind of kinds.split(' ')) {
    const name = where.includes('apiextensions')
      ? `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.${kind}`
      : `io.k8s.api.${where}.${kind}`
    if (components.schemas[name]) follow(components.schemas, name)
  }
  follow(components.schemas, 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions')
}
const lines = [...found]
  .toSorted(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, schema]) => JSON.stringify({ name, schema }))
writeFileSync(
  new URL('../../../src/sandbox/apiserver/schema/definitions.ndjson', import.meta.url),
  `${lines.join('\n')}\n`,
)
