/** Which calls a registration is for: rules, scope, and selectors on namespace and object. */
import { at, isObject, listAt, textAt, textMapAt, textsAt, type Json, type JsonObject } from '../json.ts'
import { labelSelectorOf } from '../rest/label-selector.ts'
import type { World } from '../world.ts'
import type { Call } from './call.ts'

// Registrations never apply to registrations, or a bad one could not be removed.
const exempt: ReadonlySet<string> = new Set([
  'validatingwebhookconfigurations',
  'mutatingwebhookconfigurations',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
])

/** Whether a call is beyond all registrations. */
export function isExempt(call: Call): boolean {
  return call.resource.group === 'admissionregistration.k8s.io' && exempt.has(call.resource.plural)
}

/** Whether one of the rules means a call. */
export function rulesMatch(rules: readonly Json[], call: Call): boolean {
  return rules.some((rule) => ruleMatches(rule, call))
}

function ruleMatches(rule: Json, call: Call): boolean {
  const has = (field: string, value: string): boolean => {
    const list = textsAt(rule, field)
    return list.includes('*') || list.includes(value)
  }
  const names = textsAt(rule, 'resourceNames')
  return (
    has('operations', call.operation) &&
    has('apiGroups', call.resource.group) &&
    has('apiVersions', call.resource.version) &&
    scopeMatches(textAt(rule, 'scope'), call) &&
    textsAt(rule, 'resources').some((one) => resourceMatches(one, call)) &&
    (names.length === 0 || names.includes(call.name))
  )
}

function scopeMatches(scope: string, call: Call): boolean {
  // A Namespace counts as cluster-scoped, as apiserver's rules.Matcher has it.
  if (scope === 'Namespaced') return call.resource.namespaced
  return scope === 'Cluster' ? !call.resource.namespaced : true
}

function resourceMatches(pattern: string, { resource, subresource }: Call): boolean {
  const [wanted, sub = ''] = pattern.split('/')
  return (wanted === '*' || wanted === resource.plural) && (sub === '*' || sub === subresource)
}

/** Whether the selectors of a registration select the namespace and the object of a call. */
export function selectorsMatch(world: World, of: Json | undefined, call: Call): boolean {
  return (
    namespaceMatches(world, at(of, 'namespaceSelector'), call) &&
    objectMatches(at(of, 'objectSelector'), call)
  )
}

// A selector that is not there, or empty, selects all.
const isEverything = (selector: Json | undefined): boolean =>
  !isObject(selector) || Object.keys(selector).length === 0

function namespaceMatches(world: World, selector: Json | undefined, call: Call): boolean {
  if (isEverything(selector)) return true
  const selects = labelSelectorOf(selector)
  const isNamespace = call.resource.kind === 'Namespace' && call.resource.group === ''
  if (isNamespace) return selects(textMapAt(call.object ?? call.oldObject, 'metadata', 'labels'))
  if (!call.resource.namespaced) return true
  const namespace = world.store.get('/namespaces', call.namespace)
  return namespace === undefined || selects(textMapAt(namespace, 'metadata', 'labels'))
}

function objectMatches(selector: Json | undefined, call: Call): boolean {
  if (isEverything(selector)) return true
  const selects = labelSelectorOf(selector)
  return [call.object, call.oldObject].some(
    (object) => object !== undefined && selects(textMapAt(object, 'metadata', 'labels')),
  )
}

/** Whether matchResources (of a policy or a binding) mean a call. An absent list of rules means all in a binding. */
export function matchResourcesMatch(world: World, match: Json | undefined, call: Call): boolean {
  if (match === undefined) return true
  if (!selectorsMatch(world, match, call)) return false
  if (rulesMatch(listAt(match, 'excludeResourceRules'), call)) return false
  const rules = listAt(match, 'resourceRules')
  return rules.length === 0 || rulesMatch(rules, call)
}

/** The stored registrations of a kind in the order in which they apply: by name. */
export function registrations(world: World, plural: string): readonly JsonObject[] {
  const resource = `admissionregistration.k8s.io/${plural}`
  return world.store.keys(resource).flatMap((key) => {
    const found = world.store.get(resource, key)
    return found === undefined ? [] : [found]
  })
}
