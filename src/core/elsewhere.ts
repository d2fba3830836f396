/**
 * A word to who writes an Action where nothing will ever run it: outside Velero's namespaces. A policy, for our webhooks are not
 * asked about other namespaces; and a warning only, for GitOps may create it before tidewaiter is told of the namespace.
 */
import { ownLabels, type Manifest } from './registration.ts'

/** What whoever creates such an Action is told. The namespaces are not named: overlays replace them in bindings only. */
export const elsewhereMessage =
  "nothing will run this Action: tidewaiter looks after Velero's namespaces only (--velero-namespace)"

/** The policy and its binding; `namespaces` are Velero's. */
export function elsewhereOf({
  name,
  namespaces,
}: {
  readonly name: string
  readonly namespaces: readonly string[]
}): readonly Manifest[] {
  const apiVersion = 'admissionregistration.k8s.io/v1'
  const policyName = name === 'tidewaiter' ? 'elsewhere.tidewaiter.io' : `elsewhere.${name}.tidewaiter.io`
  const metadata = { name: policyName, labels: ownLabels }
  const rule = {
    apiGroups: ['tidewaiter.io'],
    apiVersions: ['*'],
    operations: ['CREATE', 'UPDATE'],
    resources: ['actions'],
    scope: 'Namespaced',
  }
  const outside = { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: [...namespaces] }
  return [
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicy',
      metadata,
      spec: {
        // It never refuses.
        failurePolicy: 'Ignore',
        matchConstraints: { matchPolicy: 'Equivalent', resourceRules: [rule] },
        validations: [
          { expression: 'object.metadata.?deletionTimestamp.hasValue()', message: elsewhereMessage },
        ],
      },
    },
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata,
      spec: {
        policyName,
        validationActions: ['Warn'],
        matchResources: { namespaceSelector: { matchExpressions: [outside] } },
      },
    },
  ]
}
