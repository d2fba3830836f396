/** `plan --probe`: whether what the actions need is there. Servers are reached and told nothing; of Secrets only names are looked at. */
import type { Foresight } from '../admission/foresee.ts'
import type { Foreseen } from '../admission/foreseen.ts'
import { forActionsLabel } from '../admission/actions.ts'
import type { SecretFacts } from '../admission/action-ports.ts'
import { secretsOf } from '../core/action-check.ts'
import type { Author } from '../core/plan.ts'
import { specOf } from '../core/run/rows.ts'
import { textAt, textsAt } from '../core/velero.ts'
import type { Touched, Touching } from '../net/touch.ts'

/** One thing that was looked at. */
export type Probed = {
  readonly what: string
  /** unknown: it could not be looked at from here. */
  readonly found: 'yes' | 'no' | 'unknown'
  readonly said: string
}

/** Something that may not be known: then why. */
export type Known<T> = { readonly ok: T } | { readonly unknown: string }

/** What probing needs; without a cluster Secrets are not looked at. */
export type ProbePorts = {
  readonly touch: (touching: Touching) => Promise<Touched>
  readonly signal: AbortSignal
  readonly secret?: (namespace: string, name: string) => Promise<Known<SecretFacts | undefined>>
  readonly mayGet?: (
    author: Author,
    at: { readonly namespace: string; readonly name: string },
  ) => Promise<Known<boolean>>
}

/** Probes what the actions of a plan need, each thing once. */
export async function probe(
  { before, after }: Pick<Foresight, 'before' | 'after'>,
  namespace: string,
  ports: ProbePorts,
): Promise<readonly Probed[]> {
  const rows = [...before, ...after].filter(({ does }) => does !== 'skip')
  const servers = [...serversOf(rows).values()]
  const secrets = [...secretRefs(rows).values()]
  return Promise.all([
    ...servers.map((server) => probeServer(server, ports)),
    ...secrets.map((ref) => probeSecret(ref, namespace, ports)),
  ])
}

type Server = { readonly origin: string; readonly ca: string | undefined }

/** Scheme, host and port are literals in every URL, so they are known before it is rendered. */
function serversOf(rows: readonly Foreseen[]): ReadonlyMap<string, Server> {
  const found = new Map<string, Server>()
  for (const { action } of rows) {
    const { http } = specOf(action)
    const [origin] = /^https?:\/\/[^/?#]+/i.exec(http?.url ?? '') ?? []
    if (origin !== undefined) found.set(`${origin} ${http?.caBundle ?? ''}`, { origin, ca: http?.caBundle })
  }
  return found
}

async function probeServer({ origin, ca }: Server, { touch, signal }: ProbePorts): Promise<Probed> {
  const touched = await touch({ url: origin, ca, signal })
  if (!('ok' in touched)) return { what: origin, found: 'no', said: touched.message }
  const how = origin.toLowerCase().startsWith('https:') ? 'its certificate is good' : 'it is open'
  return { what: origin, found: 'yes', said: `${touched.ok.address} answers, ${how}; nothing was sent` }
}

type Ref = { readonly name: string; readonly key: string; readonly author: Author | undefined }

function secretRefs(rows: readonly Foreseen[]): ReadonlyMap<string, Ref> {
  const found = new Map<string, Ref>()
  for (const { action } of rows) {
    const username = textAt(action.author, 'username')
    const author = username === '' ? undefined : { username, groups: textsAt(action.author, 'groups') }
    for (const { name, key } of secretsOf(specOf(action)))
      found.set(JSON.stringify([name, key, username]), { name, key, author })
  }
  return found
}

async function probeSecret(
  { name, key, author }: Ref,
  namespace: string,
  ports: ProbePorts,
): Promise<Probed> {
  const what = `Secret ${namespace}/${name}, key ${key}`
  if (ports.secret === undefined)
    return { what, found: 'unknown', said: 'not looked at: there is no cluster (--actions)' }
  const secret = await ports.secret(namespace, name)
  if ('unknown' in secret) return { what, found: 'unknown', said: secret.unknown }
  const wrong = faultOf(secret.ok, key)
  if (wrong !== undefined) return { what, found: 'no', said: wrong }
  return { what, ...(await mayAuthor(author, { namespace, name }, ports)) }
}

function faultOf(secret: SecretFacts | undefined, key: string): string | undefined {
  if (secret === undefined) return 'there is no such Secret'
  if (!secret.labelled) return `it must carry the label ${forActionsLabel}: "true"`
  return secret.keys.includes(key)
    ? undefined
    : `it has no such key, it has ${secret.keys.join(', ') || 'none'}`
}

async function mayAuthor(
  author: Author | undefined,
  at: { readonly namespace: string; readonly name: string },
  { mayGet }: ProbePorts,
): Promise<Omit<Probed, 'what'>> {
  if (author === undefined || mayGet === undefined) return { found: 'yes', said: 'it is there' }
  const may = await mayGet(author, at)
  if ('unknown' in may)
    return {
      found: 'unknown',
      said: `it is there; whether ${author.username} may get it is not known: ${may.unknown}`,
    }
  return may.ok
    ? { found: 'yes', said: `it is there, and ${author.username}, the author, may get it` }
    : { found: 'no', said: `${author.username}, the author of the Action, may not get it` }
}
