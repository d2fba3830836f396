/** The defaults of built-in kinds that clients look at (kubernetes pkg/apis/<group>/v1/defaults.go). */
import {
  isList,
  isObject,
  listAt,
  objectAt,
  own,
  setAt,
  textAt,
  textMapAt,
  without,
  type Json,
  type JsonObject,
} from '../json.ts'
import type { Resource } from '../resources/resource.ts'
import { podSpecDefaults } from './pod-defaults.ts'
import { bindingDefaults, policyDefaults, webhookDefaults } from './registration-defaults.ts'

type Defaults = (object: JsonObject) => JsonObject

/** The object with the defaults of its kind. */
export function builtinDefaults(resource: Resource, object: JsonObject): JsonObject {
  return kinds[resource.kind]?.(object) ?? object
}

/** Values for the fields of an object that it lacks. */
export function missing(object: JsonObject, defaults: JsonObject): JsonObject {
  return Object.keys(defaults).every((key) => Object.hasOwn(object, key))
    ? object
    : { ...defaults, ...object }
}

/** Each item of the list at a path, changed. */
export function eachAt(
  object: JsonObject,
  path: readonly string[],
  change: (item: JsonObject) => JsonObject,
): JsonObject {
  const list = listAt(object, ...path)
  return list.length === 0
    ? object
    : setAt(
        object,
        path,
        list.map((one) => (isObject(one) ? change(one) : one)),
      )
}

const spec = (object: JsonObject, defaults: JsonObject): JsonObject =>
  setAt(object, ['spec'], missing(objectAt(object, 'spec'), defaults))

function podTemplate(object: JsonObject, path: readonly string[] = ['spec', 'template', 'spec']): JsonObject {
  return setAt(object, path, podSpecDefaults(objectAt(object, ...path)))
}

const rolling = (more: JsonObject): JsonObject => ({ type: 'RollingUpdate', rollingUpdate: more })

function deployment(object: JsonObject): JsonObject {
  return podTemplate(
    spec(object, {
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: rolling({ maxUnavailable: '25%', maxSurge: '25%' }),
    }),
  )
}

// stringData is write-only: it becomes data, and wins over it.
function secret(object: JsonObject): JsonObject {
  const plain = Object.entries(textMapAt(object, 'stringData')).map(
    ([key, text]) => [key, Buffer.from(text, 'utf8').toString('base64')] as const,
  )
  const rest = without(object, 'stringData')
  const data =
    plain.length === 0 ? rest : { ...rest, data: { ...objectAt(rest, 'data'), ...Object.fromEntries(plain) } }
  const encoded = own(data, 'data') === undefined ? data : { ...data, data: inBase64(objectAt(data, 'data')) }
  const typed = textAt(encoded, 'type') === '' ? { ...encoded, type: 'Opaque' } : encoded
  return withoutHollow(typed, 'data')
}

// Bytes may be told as numbers too.
const inBase64 = (data: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(data).map(([key, value]): readonly [string, Json] => [
      key,
      isList(value) ? Buffer.from(value.map(Number)).toString('base64') : value,
    ]),
  )

// omitempty: a map without anything in it is not written.
function withoutHollow(object: JsonObject, ...names: readonly string[]): JsonObject {
  return without(object, ...names.filter((name) => Object.keys(own(object, name) ?? { a: 1 }).length === 0))
}

function service(object: JsonObject): JsonObject {
  const filled = spec(object, {
    type: 'ClusterIP',
    sessionAffinity: 'None',
    internalTrafficPolicy: 'Cluster',
  })
  return eachAt(filled, ['spec', 'ports'], (port) => {
    const target: Json = own(port, 'targetPort') ?? own(port, 'port') ?? 0
    return { ...missing(port, { protocol: 'TCP' }), targetPort: target }
  })
}

function roleRef(object: JsonObject): JsonObject {
  const subjects = eachAt(object, ['subjects'], (subject) => {
    const kind = textAt(subject, 'kind')
    return kind === 'ServiceAccount' ? subject : missing(subject, { apiGroup: 'rbac.authorization.k8s.io' })
  })
  return setAt(
    subjects,
    ['roleRef'],
    missing(objectAt(object, 'roleRef'), { apiGroup: 'rbac.authorization.k8s.io' }),
  )
}

function crd(object: JsonObject): JsonObject {
  const names = objectAt(object, 'spec', 'names')
  const kind = textAt(names, 'kind')
  const filled = missing(names, { singular: kind.toLowerCase(), listKind: `${kind}List` })
  return spec(setAt(object, ['spec', 'names'], filled), { conversion: { strategy: 'None' } })
}

function job(object: JsonObject): JsonObject {
  return podTemplate(
    spec(object, {
      backoffLimit: 6,
      completions: 1,
      parallelism: 1,
      completionMode: 'NonIndexed',
      suspend: false,
      manualSelector: false,
      podReplacementPolicy: 'TerminatingOrFailed',
    }),
  )
}

// pkg/apis/autoscaling/v2/defaults.go.
function autoscaler(object: JsonObject): JsonObject {
  const target = { type: 'Utilization', averageUtilization: 80 }
  const filled = spec(object, { minReplicas: 1 })
  return listAt(filled, 'spec', 'metrics').length > 0
    ? filled
    : setAt(filled, ['spec', 'metrics'], [{ type: 'Resource', resource: { name: 'cpu', target } }])
}

function namespace(object: JsonObject): JsonObject {
  const name = textAt(object, 'metadata', 'name')
  const labels = objectAt(object, 'metadata', 'labels')
  if (name === '') return object
  return setAt(object, ['metadata', 'labels'], { ...labels, 'kubernetes.io/metadata.name': name })
}

const kinds: Readonly<Record<string, Defaults>> = {
  Namespace: namespace,
  Secret: secret,
  ConfigMap: (object) => withoutHollow(object, 'data', 'binaryData'),
  // A struct in Go, which is written even when it is empty.
  Lease: (object) => spec(object, {}),
  Service: service,
  Pod: (object) =>
    setAt(object, ['spec'], podSpecDefaults(missing(objectAt(object, 'spec'), { enableServiceLinks: true }))),
  Deployment: deployment,
  ReplicaSet: (object) => podTemplate(spec(object, { replicas: 1 })),
  StatefulSet: (object) =>
    podTemplate(
      spec(object, {
        replicas: 1,
        podManagementPolicy: 'OrderedReady',
        revisionHistoryLimit: 10,
        updateStrategy: rolling({ partition: 0 }),
      }),
    ),
  DaemonSet: (object) =>
    podTemplate(
      spec(object, { revisionHistoryLimit: 10, updateStrategy: rolling({ maxUnavailable: 1, maxSurge: 0 }) }),
    ),
  Job: job,
  HorizontalPodAutoscaler: autoscaler,
  RoleBinding: roleRef,
  ClusterRoleBinding: roleRef,
  ValidatingWebhookConfiguration: (object) => webhookDefaults(object),
  MutatingWebhookConfiguration: (object) => webhookDefaults(object),
  ValidatingAdmissionPolicy: policyDefaults,
  ValidatingAdmissionPolicyBinding: bindingDefaults,
  CustomResourceDefinition: crd,
  NetworkPolicy: (object) =>
    spec(object, {
      podSelector: {},
      policyTypes: isList(own(objectAt(object, 'spec'), 'egress')) ? ['Ingress', 'Egress'] : ['Ingress'],
    }),
}
