/** The rules of built-in kinds whose breach clients meet (kubernetes pkg/apis/<group>/validation). */
import { forbiddenField, required, unsupported, wrong, type FieldError } from '../errors/field.ts'
import { at, isObject, listAt, objectAt, own, same, textAt, type Json, type JsonObject } from '../json.ts'
import type { Resource } from '../resources/resource.ts'
import { autoscalerProblems } from './validate-autoscaler.ts'
import { crdProblems } from './validate-crd.ts'
import { configMapProblems, secretProblems } from './validate-data.ts'
import { eventProblems } from './validate-event.ts'
import { podSpecProblems } from './validate-pod.ts'
import { policyProblems, bindingProblems, webhookProblems } from './validate-registration.ts'

type Rules = (object: JsonObject, before: JsonObject | undefined) => readonly FieldError[]

/** The problems of a built-in object. */
export function builtinProblems(
  resource: Resource,
  object: JsonObject,
  before: JsonObject | undefined,
): readonly FieldError[] {
  return kinds[resource.kind]?.(object, before) ?? []
}

function workload(object: JsonObject, before: JsonObject | undefined): readonly FieldError[] {
  const selector = at(object, 'spec', 'selector')
  const errors =
    isObject(selector) && Object.keys(selector).length > 0
      ? [...matching(object)]
      : [required('spec.selector')]
  const former = at(before, 'spec', 'selector')
  if (before !== undefined && !same(former ?? null, selector ?? null)) {
    errors.push(wrong('spec.selector', selector ?? null, 'field is immutable'))
  }
  const replicas = at(object, 'spec', 'replicas')
  if (typeof replicas === 'number' && replicas < 0)
    errors.push(wrong('spec.replicas', replicas, 'must be greater than or equal to 0'))
  return [...errors, ...podSpecProblems(objectAt(object, 'spec', 'template', 'spec'), 'spec.template.spec')]
}

function matching(object: JsonObject): readonly FieldError[] {
  const labels = objectAt(object, 'spec', 'template', 'metadata', 'labels')
  const wanted = objectAt(object, 'spec', 'selector', 'matchLabels')
  if (Object.entries(wanted).every(([key, value]) => own(labels, key) === value)) return []
  return [wrong('spec.template.metadata.labels', labels, '`selector` does not match template `labels`')]
}

const number = (value: Json | undefined): number | undefined =>
  typeof value === 'number' ? value : undefined

function lease(object: JsonObject): readonly FieldError[] {
  const spec = objectAt(object, 'spec')
  const [seconds, transitions] = [number(spec['leaseDurationSeconds']), number(spec['leaseTransitions'])]
  const errors: FieldError[] = []
  if (seconds !== undefined && seconds <= 0)
    errors.push(wrong('spec.leaseDurationSeconds', seconds, 'must be greater than 0'))
  if (transitions !== undefined && transitions < 0)
    errors.push(wrong('spec.leaseTransitions', transitions, 'must be greater than or equal to 0'))
  if (textAt(spec, 'preferredHolder') !== '' && textAt(spec, 'strategy') === '')
    errors.push(forbiddenField('spec.preferredHolder', 'may only be specified if `strategy` is defined'))
  return errors
}

function role(object: JsonObject): readonly FieldError[] {
  return listAt(object, 'rules').flatMap((rule, index) => {
    const errors: FieldError[] = []
    if (listAt(rule, 'verbs').length === 0)
      errors.push(required(`rules[${index}].verbs`, 'verbs must contain at least one value'))
    if (listAt(rule, 'nonResourceURLs').length > 0) return errors
    if (listAt(rule, 'apiGroups').length === 0)
      errors.push(required(`rules[${index}].apiGroups`, 'resource rules must supply at least one api group'))
    if (listAt(rule, 'resources').length === 0)
      errors.push(required(`rules[${index}].resources`, 'resource rules must supply at least one resource'))
    return errors
  })
}

function binding(object: JsonObject, before: JsonObject | undefined): readonly FieldError[] {
  const errors: FieldError[] = []
  const kind = textAt(object, 'roleRef', 'kind')
  if (!['Role', 'ClusterRole'].includes(kind))
    errors.push(unsupported('roleRef.kind', kind, ['ClusterRole', 'Role']))
  if (textAt(object, 'roleRef', 'name') === '') errors.push(required('roleRef.name'))
  const [now, former] = [objectAt(object, 'roleRef'), objectAt(before, 'roleRef')]
  if (before !== undefined && !same(now, former)) errors.push(wrong('roleRef', now, 'cannot change roleRef'))
  listAt(object, 'subjects').forEach((subject, index) => {
    if (textAt(subject, 'name') === '') errors.push(required(`subjects[${index}].name`))
  })
  return errors
}

const workloadKinds = ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet'] as const

const kinds: Readonly<Record<string, Rules>> = {
  Pod: (object) => podSpecProblems(objectAt(object, 'spec'), 'spec'),
  ...Object.fromEntries(workloadKinds.map((kind) => [kind, workload])),
  Job: (object) => podSpecProblems(objectAt(object, 'spec', 'template', 'spec'), 'spec.template.spec'),
  HorizontalPodAutoscaler: autoscalerProblems,
  ConfigMap: configMapProblems,
  Secret: secretProblems,
  Lease: lease,
  Event: eventProblems,
  Role: role,
  ClusterRole: role,
  RoleBinding: binding,
  ClusterRoleBinding: binding,
  Service: (object) =>
    listAt(object, 'spec', 'ports').length > 0 ||
    textAt(object, 'spec', 'clusterIP') === 'None' ||
    textAt(object, 'spec', 'type') === 'ExternalName'
      ? []
      : [required('spec.ports')],
  CustomResourceDefinition: crdProblems,
  ValidatingWebhookConfiguration: webhookProblems,
  MutatingWebhookConfiguration: webhookProblems,
  ValidatingAdmissionPolicy: policyProblems,
  ValidatingAdmissionPolicyBinding: bindingProblems,
}
