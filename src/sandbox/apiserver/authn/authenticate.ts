/** From headers to a user: bearer token, then impersonation. */
import type { IncomingHttpHeaders } from 'node:http'
import { forbiddenBy, type Attributes } from '../authz/attributes.ts'
import { badRequest, unauthorized } from '../errors/status.ts'
import type { World } from '../world.ts'
import { accountGroups, anonymous, type User } from './users.ts'

/** The user of a request; throws 401, and 403 where impersonation is not allowed. */
export function authenticate(world: World, headers: IncomingHttpHeaders, what: Attributes): User {
  return impersonated(world, userOf(world, headers.authorization), { headers, what })
}

function userOf(world: World, authorization: string | undefined): User {
  if (authorization === undefined || authorization === '') return anonymous
  const [, token] = /^Bearer\s+(\S+)$/i.exec(authorization) ?? []
  const user = token === undefined ? undefined : world.users.ofToken(token, { now: world.clock.now() })?.user
  if (user === undefined) throw unauthorized()
  return user
}

// Header names arrive in lower case; the list form keeps each Impersonate-Group.
function valuesOf(headers: IncomingHttpHeaders, name: string): readonly string[] {
  const value = headers[name]
  if (value === undefined) return []
  return (Array.isArray(value) ? value : value.split(',')).map((one) => one.trim()).filter(Boolean)
}

type Asked = { readonly headers: IncomingHttpHeaders; readonly what: Attributes }

function impersonated(world: World, user: User, { headers, what }: Asked): User {
  const [name = ''] = [headers['impersonate-user']].flat()
  const groups = valuesOf(headers, 'impersonate-group')
  const [uid = ''] = valuesOf(headers, 'impersonate-uid')
  const extra = extraOf(headers)
  if (name === '') {
    if (groups.length + uid.length + extra.length === 0) return user
    throw badRequest(`requested ${goUser({ name, groups, uid, extra })} without impersonating a user name`)
  }
  checkDemands(world, user, { wanted: { name, groups, uid, extra }, what })
  return { name, uid, groups: groupsOf(name, groups), extra: grouped(extra) }
}

type Extra = readonly (readonly [string, string])[]
type Wanted = {
  readonly name: string
  readonly groups: readonly string[]
  readonly uid: string
  readonly extra: Extra
}

function demands({ name, groups, uid, extra }: Wanted): readonly Partial<Attributes>[] {
  const [, , namespace = '', account = ''] = name.split(':')
  const group = 'authentication.k8s.io'
  return [
    accountGroups(name) === undefined
      ? { resource: 'users', name }
      : { resource: 'serviceaccounts', namespace, name: account },
    ...groups.map((one) => ({ resource: 'groups', name: one })),
    ...(uid === '' ? [] : [{ group, resource: 'uids', name: uid }]),
    ...extra.map(([key, value]) => ({ group, resource: 'userextras', subresource: key, name: value })),
  ]
}

function groupsOf(name: string, asked: readonly string[]): readonly string[] {
  const added = asked.length === 0 ? (accountGroups(name) ?? []) : []
  const everyone = name === anonymous.name ? 'system:unauthenticated' : 'system:authenticated'
  return [...new Set([...asked, ...added, everyone])]
}

function grouped(pairs: readonly (readonly [string, string])[]): Readonly<Record<string, readonly string[]>> {
  const keys = [...new Set(pairs.map(([key]) => key))]
  return Object.fromEntries(
    keys.map((wanted) => [wanted, pairs.filter(([key]) => key === wanted).map(([, value]) => value)]),
  )
}

function extraOf(headers: IncomingHttpHeaders): readonly (readonly [string, string])[] {
  const prefix = 'impersonate-extra-'
  return Object.keys(headers)
    .filter((name) => name.startsWith(prefix))
    .flatMap((name) =>
      valuesOf(headers, name).map((value) => [decodeURIComponent(name.slice(prefix.length)), value] as const),
    )
}

// The real server tries two ways, the one that last worked for this user first, and tells of the first alone:
// the plain verb, or the one that is constrained to what is done as the other.
const impersonators = new WeakMap<World, Set<string>>()

function checkDemands(
  world: World,
  user: User,
  { wanted, what }: { readonly wanted: Wanted; readonly what: Attributes },
): void {
  const known = impersonators.get(world) ?? new Set()
  const asked = demands(wanted).map((more) => ({ ...blank, ...more }))
  const refused = asked.find((one) => !world.authorize(user, one).allowed)
  if (refused === undefined) {
    impersonators.set(world, known.add(user.name))
    return
  }
  if (known.has(user.name)) throw forbiddenBy(user, refused, world.authorize(user, refused).reason)
  const mode = accountGroups(wanted.name) === undefined ? 'user-info' : 'serviceaccount'
  throw forbiddenBy(user, { ...what, verb: `impersonate-on:${mode}:${what.verb}` }, '')
}

const blank: Attributes = {
  verb: 'impersonate',
  group: '',
  version: 'v1',
  resource: '',
  subresource: '',
  namespace: '',
  name: '',
  path: '',
}

// A user as Go prints it with %#v.
function goUser({ name, groups, uid, extra }: Wanted): string {
  const list = (texts: readonly string[]): string =>
    `[]string{${texts.map((one) => JSON.stringify(one)).join(', ')}}`
  const pairs = Object.entries(grouped(extra)).map(
    ([key, values]) => `${JSON.stringify(key)}:${list(values)}`,
  )
  const [shownGroups, shownExtra] = [
    groups.length === 0 ? '[]string(nil)' : list(groups),
    pairs.length === 0 ? 'map[string][]string(nil)' : `map[string][]string{${pairs.join(', ')}}`,
  ]
  return `&user.DefaultInfo{Name:${JSON.stringify(name)}, UID:${JSON.stringify(uid)}, Groups:${shownGroups}, Extra:${shownExtra}}`
}
