/** SelfSubjectRulesReview: what `kubectl auth can-i --list` shows. */
import type { User } from '../authn/users.ts'
import { listAt, textAt, type Json, type JsonObject } from '../json.ts'
import { authenticated } from './authorize.ts'
import { keyOf } from '../storage/store.ts'
import type { World } from '../world.ts'

const group = 'rbac.authorization.k8s.io'

/** The rules that hold for a user in a namespace, as far as they can be listed. */
export function rulesFor(world: World, user: User, namespace: string): JsonObject {
  const everything: Json = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] }
  const scripted = (world.users.find(user.name)?.grants ?? []).map((grant): Json => ({
    verbs: grant.verbs,
    apiGroups: grant.groups ?? ['*'],
    resources: grant.resources,
    ...(grant.names === undefined ? {} : { resourceNames: grant.names }),
  }))
  const master = user.groups.includes('system:masters')
  const bound = [
    ...authenticated,
    ...rolesOf(world, user, namespace).flatMap((role) => listAt(role, 'rules')),
  ]
  const resourceRules = [
    ...(master ? [everything] : []),
    ...scripted,
    ...bound.filter((rule) => listAt(rule, 'resources').length > 0),
  ]
  const nonResourceRules = [
    ...(master ? [{ verbs: ['*'], nonResourceURLs: ['*'] }] : []),
    ...bound.filter((rule) => listAt(rule, 'nonResourceURLs').length > 0),
  ]
  return { resourceRules, nonResourceRules, incomplete: false }
}

function rolesOf({ store }: World, user: User, namespace: string): readonly JsonObject[] {
  const bindings = [
    ...store.objects(`${group}/clusterrolebindings`).values(),
    ...store.objects(`${group}/rolebindings`).values(),
  ]
  return bindings.flatMap((binding) => {
    const own = textAt(binding, 'metadata', 'namespace')
    if (own !== '' && own !== namespace) return []
    const bound = listAt(binding, 'subjects').some((subject) => isUser(subject, user, own))
    const name = textAt(binding, 'roleRef', 'name')
    const role =
      textAt(binding, 'roleRef', 'kind') === 'ClusterRole'
        ? store.get(`${group}/clusterroles`, name)
        : store.get(`${group}/roles`, keyOf(own, name))
    return bound && role !== undefined ? [role] : []
  })
}

function isUser(subject: Json, user: User, namespace: string): boolean {
  const name = textAt(subject, 'name')
  const kind = textAt(subject, 'kind')
  if (kind === 'ServiceAccount')
    return user.name === `system:serviceaccount:${textAt(subject, 'namespace') || namespace}:${name}`
  return kind === 'Group' ? user.groups.includes(name) : user.name === name
}
