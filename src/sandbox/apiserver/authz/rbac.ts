/** RBAC: Role, ClusterRole and their bindings, as they are stored now (kubernetes plugin/pkg/auth/authorizer/rbac). */
import { accountGroups, type User } from '../authn/users.ts'
import { isObject, listAt, textAt, textsAt, type Json, type JsonObject } from '../json.ts'
import { keyOf, type Store } from '../storage/store.ts'
import type { Answer, Attributes } from './attributes.ts'

const group = 'rbac.authorization.k8s.io'

/** Asks the stored roles. */
export function rbacAnswer(store: Store, user: User, what: Attributes): Answer {
  const missing: string[] = []
  for (const { binding, namespace } of bindingsFor(store, what.namespace)) {
    const subject = listAt(binding, 'subjects').find((one) => isSubject(one, user, namespace))
    if (subject === undefined) continue
    const role = roleOf(store, binding, namespace)
    if (role === undefined) {
      missing.push(missingRole(binding))
      continue
    }
    if (listAt(role, 'rules').some((rule) => ruleAllows(rule, what)))
      return { allowed: true, reason: bindingReason(binding, subject) }
  }
  return { allowed: false, reason: missing.length === 0 ? '' : `RBAC: ${aggregated(missing)}` }
}

function aggregated(errors: readonly string[]): string {
  const unique = [...new Set(errors)]
  return unique.length === 1 ? (unique[0] ?? '') : `[${unique.join(', ')}]`
}

function missingRole(binding: JsonObject): string {
  const kind = textAt(binding, 'roleRef', 'kind').toLowerCase()
  return `${kind}.${group} ${JSON.stringify(textAt(binding, 'roleRef', 'name'))} not found`
}

function bindingReason(binding: JsonObject, subject: Json): string {
  const [kind, name] = [textAt(binding, 'kind'), textAt(binding, 'metadata', 'name')]
  const namespace = textAt(binding, 'metadata', 'namespace')
  const shown = JSON.stringify(namespace === '' ? name : `${name}/${namespace}`)
  const role = `${textAt(binding, 'roleRef', 'kind')} ${JSON.stringify(textAt(binding, 'roleRef', 'name'))}`
  return `RBAC: allowed by ${kind} ${shown} of ${role} to ${shownSubject(subject, namespace)}`
}

function shownSubject(subject: Json, namespace: string): string {
  const [kind, name] = [textAt(subject, 'kind'), textAt(subject, 'name')]
  if (kind !== 'ServiceAccount') return `${kind} ${JSON.stringify(name)}`
  return `${kind} ${JSON.stringify(`${name}/${textAt(subject, 'namespace') || namespace}`)}`
}

function bindingsFor(
  store: Store,
  namespace: string,
): readonly { readonly binding: JsonObject; readonly namespace: string }[] {
  const cluster = [...store.objects(`${group}/clusterrolebindings`).values()].map((binding) => ({
    binding,
    namespace: '',
  }))
  if (namespace === '') return cluster
  const local = [...store.objects(`${group}/rolebindings`).values()]
    .filter((binding) => textAt(binding, 'metadata', 'namespace') === namespace)
    .map((binding) => ({ binding, namespace }))
  return [...cluster, ...local]
}

/** The role that a binding refers to, if it exists. */
export function roleOf(store: Store, binding: JsonObject, namespace: string): JsonObject | undefined {
  const name = textAt(binding, 'roleRef', 'name')
  if (textAt(binding, 'roleRef', 'kind') === 'ClusterRole') return store.get(`${group}/clusterroles`, name)
  return namespace === '' ? undefined : store.get(`${group}/roles`, keyOf(namespace, name))
}

function isSubject(subject: Json, user: User, namespace: string): boolean {
  const name = textAt(subject, 'name')
  switch (textAt(subject, 'kind')) {
    case 'User':
      return name === user.name
    case 'Group':
      return user.groups.includes(name)
    case 'ServiceAccount': {
      const full = `system:serviceaccount:${textAt(subject, 'namespace') || namespace}:${name}`
      return full === user.name && accountGroups(full) !== undefined
    }
    default:
      return false
  }
}

/** Whether a PolicyRule allows something. */
export function ruleAllows(rule: Json, what: Attributes): boolean {
  if (!isObject(rule)) return false
  const has = (field: string, value: string): boolean => {
    const list = textsAt(rule, field)
    return list.includes('*') || list.includes(value)
  }
  if (!has('verbs', what.verb)) return false
  if (what.path !== '') return textsAt(rule, 'nonResourceURLs').some((url) => urlMatches(url, what.path))
  return (
    has('apiGroups', what.group) &&
    resourceMatches(textsAt(rule, 'resources'), what) &&
    nameMatches(rule, what)
  )
}

const urlMatches = (url: string, path: string): boolean =>
  url === '*' || url === path || (url.endsWith('*') && path.startsWith(url.slice(0, -1)))

function resourceMatches(resources: readonly string[], { resource, subresource }: Attributes): boolean {
  const full = subresource === '' ? resource : `${resource}/${subresource}`
  return resources.some(
    (one) => one === '*' || one === full || (subresource !== '' && one === `*/${subresource}`),
  )
}

function nameMatches(rule: JsonObject, what: Attributes): boolean {
  const names = textsAt(rule, 'resourceNames')
  return names.length === 0 || names.includes(what.name)
}
