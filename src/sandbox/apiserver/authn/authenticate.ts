/** From headers to a user: bearer token, then impersonation. */
import type { IncomingHttpHeaders } from 'node:http'
import { forbiddenBy, type Attributes } from '../authz/attributes.ts'
import { badRequest, unauthorized } from '../errors/status.ts'
import type { World } from '../world.ts'
import { accountGroups, anonymous, type User } from './users.ts'

/** The user of a request; throws 401, and 403 where impersonation is not allowed. */
export function authenticate(world: World, headers: IncomingHttpHeaders): User {
  return impersonated(world, userOf(world, headers.authorization), headers)
}

function userOf(world: World, authorization: string | undefined): User {
  if (authorization === undefined || authorization === '') return anonymous
  const [, token] = /^Bearer\s+(\S+)$/i.exec(authorization) ?? []
  const user = token === undefined ? undefined : world.users.ofToken(token)
  if (user === undefined) throw unauthorized()
  return user
}

// Header names arrive in lower case; the list form keeps each Impersonate-Group.
function valuesOf(headers: IncomingHttpHeaders, name: string): readonly string[] {
  const value = headers[name]
  if (value === undefined) return []
  return (Array.isArray(value) ? value : value.split(',')).map((one) => one.trim()).filter(Boolean)
}

function impersonated(world: World, user: User, headers: IncomingHttpHeaders): User {
  const [name] = [headers['impersonate-user']].flat()
  const groups = valuesOf(headers, 'impersonate-group')
  const [uid = ''] = valuesOf(headers, 'impersonate-uid')
  const extra = extraOf(headers)
  if (name === undefined || name === '') {
    if (groups.length === 0 && uid === '' && extra.length === 0) return user
    throw badRequest(`requested ${JSON.stringify(groups)} without impersonating a user`)
  }
  const may = (what: Partial<Attributes>): void => mayImpersonate(world, user, what)
  const account = accountGroups(name)
  const [, , namespace = '', accountName = ''] = name.split(':')
  may(account === undefined ? { resource: 'users', name } : { resource: 'serviceaccounts', namespace, name: accountName })
  for (const group of groups) may({ resource: 'groups', name: group })
  if (uid !== '') may({ group: 'authentication.k8s.io', resource: 'uids', name: uid })
  for (const [key, value] of extra) may({ group: 'authentication.k8s.io', resource: 'userextras', subresource: key, name: value })
  const added = groups.length === 0 ? (account ?? []) : []
  const all = new Set([...groups, ...added, name === anonymous.name ? 'system:unauthenticated' : 'system:authenticated'])
  return { name, uid, groups: [...all], extra: grouped(extra) }
}

function grouped(pairs: readonly (readonly [string, string])[]): Readonly<Record<string, readonly string[]>> {
  const keys = [...new Set(pairs.map(([key]) => key))]
  return Object.fromEntries(keys.map((wanted) => [wanted, pairs.filter(([key]) => key === wanted).map(([, value]) => value)]))
}

function extraOf(headers: IncomingHttpHeaders): readonly (readonly [string, string])[] {
  const prefix = 'impersonate-extra-'
  return Object.keys(headers)
    .filter((name) => name.startsWith(prefix))
    .flatMap((name) => valuesOf(headers, name).map((value) => [decodeURIComponent(name.slice(prefix.length)), value] as const))
}

function mayImpersonate(world: World, user: User, what: Partial<Attributes>): void {
  const wanted: Attributes = { verb: 'impersonate', group: '', version: 'v1', resource: '', subresource: '', namespace: '', name: '', path: '', ...what }
  const answer = world.authorize(user, wanted)
  if (!answer.allowed) throw forbiddenBy(user, wanted, answer.reason)
}
