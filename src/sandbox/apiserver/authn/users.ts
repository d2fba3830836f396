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
  /** Whom the token is for; absent: the API server. */
  readonly audiences?: readonly string[]
  /** When the token ends, in milliseconds; absent: never. */
  readonly expiresAt?: number
}

/** The audience of the API server itself. */
export const apiAudience = 'https://kubernetes.default.svc'

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

  /** The user of a token that has not ended, if it is for one of the audiences; and for which of them. */
  ofToken(
    token: string,
    { now, audiences = [apiAudience] }: { readonly now: number; readonly audiences?: readonly string[] },
  ): { readonly user: User; readonly audiences: readonly string[] } | undefined {
    const wanted = digest(token)
    const found = this.#known.filter((one) => timingSafeEqual(one.digest, wanted))[0]
    if (found === undefined || now >= (found.user.expiresAt ?? Infinity)) return undefined
    const common = (found.user.audiences ?? [apiAudience]).filter((one) => audiences.includes(one))
    return common.length === 0 ? undefined : { user: asUser(found.user), audiences: common }
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
