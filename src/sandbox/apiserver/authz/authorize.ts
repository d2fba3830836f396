/** May this user do that? Scripted grants first, then what every cluster allows, then RBAC. */
import type { Grant, User, Users } from '../authn/users.ts'
import type { JsonObject } from '../json.ts'
import type { Store } from '../storage/store.ts'
import { rbacAnswer, ruleAllows } from './rbac.ts'
import type { Answer, Attributes } from './attributes.ts'

/** Answers for any user. */
export type Authorizer = (user: User, what: Attributes) => Answer

// The bootstrap roles system:public-info-viewer, system:discovery and system:basic-user.
const publicPaths = ['/healthz', '/livez', '/livez/*', '/readyz', '/readyz/*', '/version', '/version/']
const discoveryPaths = [...publicPaths, '/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*']
const everyone = [{ verbs: ['get'], nonResourceURLs: publicPaths }]
/** What every authenticated user may do. */
export const authenticated: readonly JsonObject[] = [
  { verbs: ['get'], nonResourceURLs: discoveryPaths },
  {
    verbs: ['create'],
    apiGroups: ['authorization.k8s.io'],
    resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
  },
  { verbs: ['create'], apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'] },
]

/** The authorizer over the users' grants and the stored roles. */
export function authorizerOf(store: Store, users: Users): Authorizer {
  return (user, what) => {
    if (user.groups.includes('system:masters')) return { allowed: true, reason: '' }
    const usual = user.groups.includes('system:authenticated') ? authenticated : everyone
    if (usual.some((rule) => ruleAllows(rule, what))) return { allowed: true, reason: '' }
    const grants = users.find(user.name)?.grants ?? []
    if (grants.some((grant) => grantAllows(grant, what)))
      return { allowed: true, reason: 'granted to the user by the sandbox' }
    return rbacAnswer(store, user, what)
  }
}

function grantAllows(grant: Grant, what: Attributes): boolean {
  const has = (list: readonly string[] | undefined, value: string): boolean =>
    list === undefined || list.includes('*') || list.includes(value)
  if (what.path !== '') return false
  return (
    has(grant.verbs, what.verb) &&
    has(grant.groups, what.group) &&
    has(grant.resources, what.resource) &&
    (grant.subresources === undefined
      ? what.subresource === ''
      : has(grant.subresources, what.subresource)) &&
    has(grant.namespaces, what.namespace) &&
    has(grant.names, what.name)
  )
}
