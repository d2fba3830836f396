/** The defaults of webhook configurations and policies (kubernetes pkg/apis/admissionregistration/v1/defaults.go). */
import { isList, isObject, listAt, objectAt, setAt, textAt, type JsonObject } from '../json.ts'

const fill = (object: JsonObject, defaults: JsonObject): JsonObject => ({ ...defaults, ...object })

function rules(object: JsonObject, name: string): JsonObject {
  const list = listAt(object, name)
  if (list.length === 0) return object
  return { ...object, [name]: list.map((rule) => (isObject(rule) ? fill(rule, { scope: '*' }) : rule)) }
}

/** A webhook configuration with its defaults. */
export function webhookDefaults(object: JsonObject): JsonObject {
  const list = listAt(object, 'webhooks')
  if (list.length === 0) return object
  const mutating = textAt(object, 'kind') === 'MutatingWebhookConfiguration'
  const filled = list.map((hook) => (isObject(hook) ? webhook(hook, mutating) : hook))
  return { ...object, webhooks: filled }
}

function webhook(hook: JsonObject, mutating: boolean): JsonObject {
  const service = objectAt(hook, 'clientConfig', 'service')
  const withPort =
    textAt(service, 'name') === ''
      ? hook
      : setAt(hook, ['clientConfig', 'service'], fill(service, { port: 443 }))
  return rules(
    fill(withPort, {
      failurePolicy: 'Fail',
      matchPolicy: 'Equivalent',
      namespaceSelector: {},
      objectSelector: {},
      timeoutSeconds: 10,
      ...(mutating ? { reinvocationPolicy: 'Never' } : {}),
    }),
    'rules',
  )
}

/** A policy with its defaults. */
export function policyDefaults(object: JsonObject): JsonObject {
  const spec = fill(objectAt(object, 'spec'), { failurePolicy: 'Fail' })
  const constraints = objectAt(spec, 'matchConstraints')
  const matching =
    Object.keys(constraints).length === 0 ? spec : { ...spec, matchConstraints: matchDefaults(constraints) }
  return { ...object, spec: matching }
}

/** A binding with its defaults. */
export function bindingDefaults(object: JsonObject): JsonObject {
  const match = objectAt(object, 'spec', 'matchResources')
  if (Object.keys(match).length === 0) return object
  return setAt(object, ['spec', 'matchResources'], matchDefaults(match))
}

function matchDefaults(match: JsonObject): JsonObject {
  const filled = fill(match, { matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {} })
  const named = ['resourceRules', 'excludeResourceRules'].filter((name) => isList(filled[name]))
  return named.reduce<JsonObject>((all, name) => rules(all, name), filled)
}
