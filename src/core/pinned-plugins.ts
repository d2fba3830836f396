/**
 * The option that keeps images without a digest from bringing plugins, also while no pod of ours answers: what the webhook on
 * Velero's Deployments writes is pinned, and what it lets pass while we are away (it is registered with Ignore) must be too.
 */
import { componentLabel, pluginFolder, targetFolder, veleroContainer } from './plugin/deployment.ts'
import { breakGlass } from './refusal.ts'
import { ownLabels, scopeOf, type Manifest } from './registration.ts'

const name = 'pinned-plugins.tidewaiter.io'

/** A CEL list: a folder, with and without the slash that says nothing. */
const written = (folder: string): string => `['${folder}', '${folder}/']`

// A variable is evaluated when it is first used. Kubernetes does not let a name be used twice among the containers of a pod.
const variables = [
  { name: 'pod', expression: 'object.spec.template.spec' },
  {
    name: 'mounts',
    expression: `variables.pod.containers.filter(c, c.name == '${veleroContainer}' && has(c.volumeMounts))`,
  },
  {
    // An initContainer brings plugins if it writes to the volume that the server reads them from, or looks as if it did.
    name: 'bringing',
    expression:
      '!has(variables.pod.initContainers) ? [] : variables.pod.initContainers.filter(c, has(c.volumeMounts) && c.volumeMounts.exists(m, ' +
      `m.mountPath in ${written(targetFolder)} || variables.mounts.exists(s, s.volumeMounts.exists(v, ` +
      `v.mountPath in ${written(pluginFolder)} && v.name == m.name))))`,
  },
  {
    name: 'loose',
    // The digests that pods may name: core/image.ts.
    expression:
      "variables.bringing.filter(c, !has(c.image) || !c.image.matches('@sha(256:[a-f0-9]{64}|384:[a-f0-9]{96}|512:[a-f0-9]{128})$'))",
  },
]

const validation = {
  // Whatever else changes of a Deployment that carries such an image already is none of its business.
  expression:
    `oldObject != null && object.spec.template == oldObject.spec.template || ` +
    `!variables.pod.containers.exists(c, c.name == '${veleroContainer}') || variables.loose.size() == 0`,
  reason: 'Forbidden',
  message: refusalOf('some of its initContainers'),
  messageExpression: `'${refusalOf('NAMES')
    .replaceAll('NAMESPACE', "' + request.namespace + '")
    .replaceAll('NAMES', "initContainers ' + variables.loose.map(c, c.name).join(', ') + '")}'`,
}

function refusalOf(who: string): string {
  return (
    `tidewaiter: ${who} would bring plugins to Velero by images that are not pinned. ` +
    `Name each by its digest (name:tag@sha256:...). ${breakGlass('NAMESPACE')}`
  )
}

/** The policy and its binding; `namespaces` are Velero's. */
export function pinnedPluginsOf(namespaces: readonly string[]): readonly Manifest[] {
  const apiVersion = 'admissionregistration.k8s.io/v1'
  const metadata = { name, labels: ownLabels }
  const rule = {
    apiGroups: ['apps'],
    apiVersions: ['*'],
    operations: ['CREATE', 'UPDATE'],
    resources: ['deployments'],
    scope: 'Namespaced',
  }
  const objectSelector = { matchLabels: { [componentLabel.key]: componentLabel.value } }
  const spec = {
    failurePolicy: 'Fail',
    matchConstraints: { matchPolicy: 'Equivalent', objectSelector, resourceRules: [rule] },
    variables,
    validations: [validation],
  }
  const binding = {
    policyName: name,
    validationActions: ['Deny'],
    matchResources: { namespaceSelector: scopeOf(namespaces) },
  }
  return [
    { apiVersion, kind: 'ValidatingAdmissionPolicy', metadata, spec },
    { apiVersion, kind: 'ValidatingAdmissionPolicyBinding', metadata, spec: binding },
  ]
}
