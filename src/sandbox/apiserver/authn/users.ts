/** Who is asking: users by bearer token, with the groups that every user has. */
import { createHash, timingSafeEqual } from 'node:crypto'

/** What a user may do without any RBAC object; an absent list or `*` means all. */
export type Grant = {
  readonly verbs: readonly string[]
  readonly groups?: readonly string[]
  readonly resources: readonly string[]
  readonly subresources?: readonly string[]
  readonly namespaces?: readonly string[]
  readonly names?: readonly string[]
}

/** A user who may log in with a token. */
export type TokenUser = {
  readonly name: string
  readonly token: string
  readonly uid?: string
  readonly groups?: readonly string[]
  readonly grants?: readonly Grant[]
}

/** Who asks, after authentication and impersonation. */
export type User = {
  readonly name: string
  readonly uid: string
  readonly groups: readonly string[]
  readonly extra: Readonly<Record<string, readonly string[]>>
}

/** Who asks without a token. */
export const anonymous: User = {
  name: 'system:anonymous',
  uid: '',
  groups: ['system:unauthenticated'],
  extra: {},
}

/** The groups of a service account, from its user name; undefined for other users. */
export function accountGroups(name: string): readonly string[] | undefined {
  const [system, kind, namespace, account, more] = name.split(':')
  if (system !== 'system' || kind !== 'serviceaccount' || !namespace || !account || more !== undefined)
    return undefined
  return ['system:serviceaccounts', `system:serviceaccounts:${namespace}`]
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** The users that this server knows; tokens are compared by digest, in the same time for all. */
export class Users {
  readonly #known: { readonly user: TokenUser; readonly digest: Buffer }[]

  constructor(users: readonly TokenUser[]) {
    this.#known = users.map((user) => ({ user, digest: digest(user.token) }))
  }

  /** The names of the users. */
  names(): readonly string[] {
    return this.#known.map((one) => one.user.name)
  }

  /** One user by name. */
  find(name: string): TokenUser | undefined {
    return this.#known.find((one) => one.user.name === name)?.user
  }

  /** Lets one more user in. */
  add(user: TokenUser): void {
    this.#known.push({ user, digest: digest(user.token) })
  }

  /** The user of a token. */
  ofToken(token: string): User | undefined {
    const wanted = digest(token)
    const found = this.#known.filter((one) => timingSafeEqual(one.digest, wanted))[0]
    return found === undefined ? undefined : asUser(found.user)
  }
}

function asUser(user: TokenUser): User {
  const groups = new Set([
    ...(user.groups ?? []),
    ...(accountGroups(user.name) ?? []),
    'system:authenticated',
  ])
  return { name: user.name, uid: user.uid ?? '', groups: [...groups], extra: {} }
}
