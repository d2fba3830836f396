/** The rules of built-in kinds whose breach clients meet (kubernetes pkg/apis/<group>/validation). */
import { forbiddenField, required, unsupported, wrong, type FieldError } from '../errors/field.ts'
import { at, isObject, listAt, objectAt, own, same, textAt, type JsonObject } from '../json.ts'
import type { Resource } from '../resources/resource.ts'
import { crdProblems } from './validate-crd.ts'
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

function podSpec(spec: JsonObject, field: string): readonly FieldError[] {
  const containers = listAt(spec, 'containers')
  if (containers.length === 0) return [required(`${field}.containers`)]
  const names = new Set<string>()
  return [
    ...listAt(spec, 'initContainers').map((one, index) => ({ one, at: `${field}.initContainers[${index}]` })),
    ...containers.map((one, index) => ({ one, at: `${field}.containers[${index}]` })),
  ].flatMap(({ one, at }): readonly FieldError[] => {
    const name = textAt(one, 'name')
    const errors: FieldError[] = []
    if (name === '') errors.push(required(`${at}.name`))
    else if (names.has(name)) errors.push({ type: 'FieldValueDuplicate', field: `${at}.name`, value: name })
    if (textAt(one, 'image') === '' && !field.includes('template')) errors.push(required(`${at}.image`))
    names.add(name)
    return errors
  })
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
  return [...errors, ...podSpec(objectAt(object, 'spec', 'template', 'spec'), 'spec.template.spec')]
}

function matching(object: JsonObject): readonly FieldError[] {
  const labels = objectAt(object, 'spec', 'template', 'metadata', 'labels')
  const wanted = objectAt(object, 'spec', 'selector', 'matchLabels')
  if (Object.entries(wanted).every(([key, value]) => own(labels, key) === value)) return []
  return [wrong('spec.template.metadata.labels', labels, '`selector` does not match template `labels`')]
}

function immutableData(object: JsonObject, before: JsonObject | undefined): readonly FieldError[] {
  if (before === undefined || own(before, 'immutable') !== true) return []
  const errors: FieldError[] = []
  if (own(object, 'immutable') !== true)
    errors.push(forbiddenField('immutable', 'field is immutable when `immutable` is set'))
  if (!same(objectAt(object, 'data'), objectAt(before, 'data')))
    errors.push(forbiddenField('data', 'field is immutable when `immutable` is set'))
  return errors
}

const dataKey = /^[-._a-zA-Z0-9]+$/
const dataKeyText =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"

function dataKeys(object: JsonObject): readonly FieldError[] {
  return Object.keys(objectAt(object, 'data'))
    .filter((key) => !dataKey.test(key))
    .map((key) => wrong(`data[${key}]`, key, dataKeyText))
}

function secret(object: JsonObject, before: JsonObject | undefined): readonly FieldError[] {
  const errors = [...dataKeys(object), ...immutableData(object, before)]
  const [type, former] = [textAt(object, 'type'), textAt(before, 'type')]
  if (before !== undefined && type !== former) errors.push(wrong('type', type, 'field is immutable'))
  const needed =
    type === 'kubernetes.io/dockerconfigjson'
      ? ['.dockerconfigjson']
      : type === 'kubernetes.io/tls'
        ? ['tls.crt', 'tls.key']
        : []
  return [
    ...errors,
    ...needed
      .filter((key) => !Object.hasOwn(objectAt(object, 'data'), key))
      .map((key) => required(`data[${key}]`)),
  ]
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
  Pod: (object) => podSpec(objectAt(object, 'spec'), 'spec'),
  ...Object.fromEntries(workloadKinds.map((kind) => [kind, workload])),
  Job: (object) => podSpec(objectAt(object, 'spec', 'template', 'spec'), 'spec.template.spec'),
  ConfigMap: (object, before) => [...dataKeys(object), ...immutableData(object, before)],
  Secret: secret,
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
