/** The author of an Action: who last wrote its spec, stamped by our mutating webhook, authenticated with a key of ours. */
import { group } from '../api/schema.ts'
import { canonical } from './canonical.ts'
import type { Author } from './plan.ts'

/** The annotation that carries the stamp. */
export const authorAnnotation = `${group}/author`

/** Makes the authentication code of a text with a key of ours. */
export type Sign = (text: string) => string
/** Makes a short text of a long one. */
export type Hash = (text: string) => string

type Named = { readonly namespace: string; readonly name: string }

/** Which Action a stamp is for; a stamp copied to another Action is void. */
export type Stamped = Named & { readonly spec: unknown }

const payload = (author: Author, specHash: string, at: Named): string =>
  canonical({
    user: author.username,
    groups: author.groups,
    spec: specHash,
    namespace: at.namespace,
    name: at.name,
  })

/** The stamp for a spec that this author wrote. */
export function stamp(
  author: Author,
  at: Stamped,
  tools: { readonly hash: Hash; readonly sign: Sign },
): string {
  const spec = tools.hash(canonical(at.spec))
  return JSON.stringify({
    user: author.username,
    groups: author.groups,
    spec,
    mac: tools.sign(payload(author, spec, at)),
  })
}

/** The author that a stamp names, or undefined if the stamp is missing, not ours, or for another spec. */
export function authorOf(
  text: string | undefined,
  at: Stamped,
  tools: { readonly hash: Hash; readonly sign: Sign },
): Author | undefined {
  const read = text === undefined ? undefined : readStamp(text)
  if (read === undefined || read.spec !== tools.hash(canonical(at.spec))) return undefined
  return isSigned(read, at, tools.sign) ? read.author : undefined
}

/** Whether a stamp is by our key and for the Action of this name, whatever its spec says: that may be one that nobody here can read. */
export function isOurs(text: string | undefined, at: Named, sign: Sign): boolean {
  const read = text === undefined ? undefined : readStamp(text)
  return read !== undefined && isSigned(read, at, sign)
}

const isSigned = ({ author, spec, mac }: Read, at: Named, sign: Sign): boolean =>
  sign(payload(author, spec, at)) === mac

/** Who a stamp says the author is, not authenticated: to be shown, never to be relied on. */
export const claimedAuthor = (text: string | undefined): Author | undefined =>
  text === undefined ? undefined : readStamp(text)?.author

type Read = { readonly author: Author; readonly spec: string; readonly mac: string }

function readStamp(text: string): Read | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // A person may write anything into an annotation: what is not JSON is no stamp.
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { user, groups, spec, mac } = value as Readonly<Record<string, unknown>>
  if (
    typeof user !== 'string' ||
    typeof spec !== 'string' ||
    typeof mac !== 'string' ||
    !Array.isArray(groups)
  )
    return undefined
  return {
    author: { username: user, groups: groups.filter((one): one is string => typeof one === 'string') },
    spec,
    mac,
  }
}

/** The username of a ServiceAccount (kubernetes.io, Authenticating: service account tokens). */
export const usernameOf = (namespace: string, name: string): string =>
  `system:serviceaccount:${namespace}:${name}`

/** The groups that the API server gives every ServiceAccount of a namespace. */
export const accountGroups = (namespace: string): readonly string[] => [
  'system:serviceaccounts',
  `system:serviceaccounts:${namespace}`,
  'system:authenticated',
]
