/** What an install is made of, in the order in which it is taken away. */
import { holderAnnotation, keyAnnotation, keyLabels } from '../hold/exclusive.ts'
import { ownLabels } from '../registration.ts'
import { textAt, textMapAt, type Json } from '../velero.ts'

/** One kind of what we install. */
export type OwnKind = { readonly group: string; readonly plural: string; readonly kind: string }

/** One object of ours. */
export type Owned = OwnKind & {
  /** '' for what is cluster-scoped. */
  readonly namespace: string
  readonly name: string
  readonly uid: string
  /** What somebody would miss who knows it by another name. */
  readonly means?: string
}

/** Everything but the CRDs carries these labels, the objects that the service itself makes too. */
export const ownSelector = Object.entries(ownLabels)
  .map(([key, value]) => `${key}=${value}`)
  .join(',')

const of = (group: string, kinds: Readonly<Record<string, string>>): readonly OwnKind[] =>
  Object.entries(kinds).map(([plural, kind]) => ({ group, plural, kind }))

const admission = (kinds: Readonly<Record<string, string>>) => of('admissionregistration.k8s.io', kinds)

/** The steps. A step is begun when the one before has ended; what is missing was taken away by a run before. */
export const ownKinds = {
  // The mutating one first: without the other, what it holds would be held with nobody to look at it.
  admitting: admission({
    mutatingwebhookconfigurations: 'MutatingWebhookConfiguration',
    validatingwebhookconfigurations: 'ValidatingWebhookConfiguration',
  }),
  // While they end they need their rights: to write down what they did, and to give the Lease back.
  running: of('apps', { deployments: 'Deployment' }),
  // Not before: what is held must not start because nobody is left to keep it.
  guard: admission({
    validatingadmissionpolicybindings: 'ValidatingAdmissionPolicyBinding',
    validatingadmissionpolicies: 'ValidatingAdmissionPolicy',
  }),
  rest: [
    ...of('policy', { poddisruptionbudgets: 'PodDisruptionBudget' }),
    ...of('networking.k8s.io', { networkpolicies: 'NetworkPolicy' }),
    ...of('', { services: 'Service', configmaps: 'ConfigMap', secrets: 'Secret' }),
    ...of('coordination.k8s.io', { leases: 'Lease' }),
    ...of('rbac.authorization.k8s.io', {
      rolebindings: 'RoleBinding',
      roles: 'Role',
      clusterrolebindings: 'ClusterRoleBinding',
      clusterroles: 'ClusterRole',
    }),
    ...of('', { serviceaccounts: 'ServiceAccount' }),
    ...of('scheduling.k8s.io', { priorityclasses: 'PriorityClass' }),
  ],
  // Last, so that whatever is left in it is seen to be somebody else's.
  namespaces: of('', { namespaces: 'Namespace' }),
} as const satisfies Readonly<Record<string, readonly OwnKind[]>>

/** A step of taking away. */
export type OwnStep = keyof typeof ownKinds

/** The CRDs, and with them every Action and every record. */
export const dataKind: OwnKind = {
  group: 'apiextensions.k8s.io',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
}

/** What a list gave as an object of ours. */
export function ownedOf(kind: OwnKind, object: Json): Owned {
  const means = exclusiveKeyOf(object)
  return {
    ...kind,
    namespace: textAt(object, 'metadata', 'namespace'),
    name: textAt(object, 'metadata', 'name'),
    uid: textAt(object, 'metadata', 'uid'),
    ...(means === undefined ? {} : { means }),
  }
}

/** The exclusive key that a Lease stands for, and who has it. */
function exclusiveKeyOf(object: Json): string | undefined {
  const labels = textMapAt(object, 'metadata', 'labels')
  if (!Object.entries(keyLabels).every(([key, value]) => labels[key] === value)) return undefined
  const notes = textMapAt(object, 'metadata', 'annotations')
  return `exclusive key "${notes[keyAnnotation] ?? '?'}" of ${notes[holderAnnotation] ?? 'nobody knows whom'}`
}

/** Of a process outside the cluster (`serve --webhook-url`), which takes it away itself when it stops. */
export const isOfDevelopment = ({ name }: Owned): boolean => name.includes('tidewaiter-dev-')

/** `Deployment tidewaiter/tidewaiter`. */
export const ownedText = ({ kind, namespace, name, means }: Owned): string =>
  `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}${means === undefined ? '' : ` (${means})`}`

/** As rights name it: `deployments.apps`. */
export const resourceText = ({ group, plural }: OwnKind): string =>
  group === '' ? plural : `${plural}.${group}`
