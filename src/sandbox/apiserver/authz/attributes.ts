/** What somebody wants to do, as authorizers see it. */
import type { Question } from '../cel/authorizer.ts'
import { forbidden, type ApiError } from '../errors/status.ts'
import type { User } from '../authn/users.ts'

/** A request as authorizers see it; `path` is set for those that are no resource requests. */
export type Attributes = Question

/** The answer of an authorizer. */
export type Answer = { readonly allowed: boolean; readonly reason: string }

/** The 403 for a request, as apiserver's responsewriters word it. */
export function forbiddenBy(user: User, what: Attributes, reason: string): ApiError {
  const who = `User ${JSON.stringify(user.name)}`
  const tail = reason === '' ? '' : `: ${reason}`
  if (what.path !== '')
    return forbidden(
      { group: '', resource: '' },
      '',
      `${who} cannot ${what.verb} path ${JSON.stringify(what.path)}${tail}`,
    )
  const resource = what.subresource === '' ? what.resource : `${what.resource}/${what.subresource}`
  const scope =
    what.namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(what.namespace)}`
  const why = `${who} cannot ${what.verb} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(what.group)} ${scope}${tail}`
  return forbidden({ group: what.group, resource: what.resource }, what.name, why)
}
