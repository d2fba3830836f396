/**
 * Asks a token server (distribution token specification; OAuth2 for identity tokens).
 *
 * Which servers? The registry names one, on any host: Docker Hub's is auth.docker.io, a GitLab's is the GitLab beside it.
 * The Docker client and containerd send the credentials wherever the registry says, and a registry that may be given them
 * could pass them on anyway. So do we, with three limits: over HTTPS only, within the egress rules, and only to the hosts
 * in `realms` where an install lists them.
 */
import type { Json } from '../core/velero.ts'
import type { Challenge } from './challenge.ts'
import { deliver } from './deliver.ts'
import { follow } from './follow.ts'
import type { Followed, Following } from './follow.ts'
import { readObject } from './json.ts'
import type { Credential } from './keyring.ts'
import { longestToken, tokenMs } from './limits.ts'
import type { Within } from './ports.ts'
import { settingsAt } from './settings.ts'
import type { Endpoint } from './settings.ts'
import { readable, refusedBy } from './trouble.ts'
import type { Trouble } from './trouble.ts'
import { createMask } from '../core/masks.ts'

/** A token, and for how long it is believed to be good. */
export type Token = { readonly token: string; readonly lifeMs: number }

/** For whom a token is asked. */
export type TokenAsk = {
  readonly challenge: Challenge
  readonly endpoint: Endpoint
  readonly credential: Credential | undefined
  readonly within: Within
}

/** Gets a token, or why there is none. */
export async function fetchToken(ask: TokenAsk, world: Following): Promise<Token | Trouble> {
  const realm = realmOf(ask, world)
  if ('code' in realm) return realm
  const answer = await askRealm(realm, ask, world)
  if (!('ok' in answer)) return { ...answer, got: `from the token server ${realm.host}: ${answer.got}` }
  if (answer.ok.status === 200) return tokenOf(answer, realm.host)
  const mask = createMask(secretsOf(ask.credential))
  const refused = refusedBy(answer.ok, { mask, now: world.clock.now() })
  // A token server says 401 or 403 for the credentials; 404 is no word about the image.
  const code =
    refused.code === 'DENIED' ? 'UNAUTHORIZED' : refused.code === 'NOT_FOUND' ? 'BAD_ANSWER' : refused.code
  return { ...refused, code, got: `${refused.got} from the token server ${answer.elsewhere ?? realm.host}` }
}

/** What of a credential must never be shown. */
export const secretsOf = (credential: Credential | undefined): readonly string[] =>
  credential === undefined ? [] : [credential.password, credential.identityToken ?? '', basicOf(credential)]

/** The value of Basic (RFC 7617), UTF-8. */
export const basicOf = ({ username, password }: Credential): string =>
  Buffer.from(`${username}:${password}`).toString('base64')

function realmOf({ challenge, endpoint, credential }: TokenAsk, { directory }: Following): URL | Trouble {
  const realm = URL.parse(challenge.parameters.get('realm') ?? '')
  if (realm === null) return { code: 'BAD_ANSWER', got: 'a challenge whose realm is no URL' }
  const refused =
    schemeRefusal(realm, { credential, plain: settingsAt(realm.host, directory).plainHttp === true }) ??
    hostRefusal(realm, endpoint)
  return refused === undefined ? realm : { code: 'REALM_REFUSED', got: refused }
}

function schemeRefusal(
  { protocol, host, username, password }: URL,
  { credential, plain }: { readonly credential: Credential | undefined; readonly plain: boolean },
): string | undefined {
  if (username !== '' || password !== '') return 'a token server with user information in its URL'
  if (protocol === 'https:') return undefined
  if (protocol !== 'http:' || !plain)
    return `the token server ${host} by ${protocol.slice(0, 20)} instead of https:`
  return credential === undefined
    ? undefined
    : `the token server ${host} by plain HTTP, over which no credentials are sent`
}

function hostRefusal({ host }: URL, { origin, settings }: Endpoint): string | undefined {
  const { realms } = settings
  if (realms === undefined || host === new URL(origin).host || realms.includes(host)) return undefined
  return `the token server ${host}, which is not among its realms (${realms.join(', ')})`
}

async function askRealm(realm: URL, ask: TokenAsk, world: Following): Promise<Followed | Trouble> {
  const { credential, within } = ask
  const wanted = wantedOf(ask)
  const identityToken = credential?.identityToken
  if (identityToken !== undefined && credential?.password === '') {
    const body = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: 'tidewaiter',
      refresh_token: identityToken,
      ...Object.fromEntries(wanted),
    }).toString()
    return redeem(realm, { body, within }, world)
  }
  const url = new URL(realm)
  for (const [name, value] of wanted) url.searchParams.set(name, value)
  const signed = credential === undefined ? [] : [['Authorization', `Basic ${basicOf(credential)}`] as const]
  const headers = [['Accept', 'application/json'] as const, ...signed]
  return follow({ method: 'GET', url, headers, maxBytes: longestToken }, within, world)
}

/** POST of a refresh token. A redirect would take it along, so none is followed. */
async function redeem(
  url: URL,
  { body, within }: { readonly body: string; readonly within: Within },
  world: Following,
): Promise<Followed | Trouble> {
  const headers = [['Content-Type', 'application/x-www-form-urlencoded'] as const]
  const ca = world.trust(url)
  const got = await deliver({ method: 'POST', url, headers, body, ca, maxBytes: longestToken }, within, world)
  if (!('ok' in got) || got.ok.status < 300 || got.ok.status > 399) return got
  return { code: 'REDIRECT_REFUSED', got: 'a redirect where an identity token was to be redeemed' }
}

type Parameters = readonly (readonly [name: string, value: string])[]

/** Only pull, whatever the challenge asks for; of a repository that it names, as some registries know it by another name. */
function wantedOf({ challenge, endpoint }: TokenAsk): Parameters {
  const service = challenge.parameters.get('service')
  const [, named] =
    /^repository:([a-z0-9][a-z0-9._/:-]{0,254}):[a-z*]+(?:,[a-z*]+)*$/.exec(
      challenge.parameters.get('scope') ?? '',
    ) ?? []
  const repository = named ?? endpoint.repository
  return [
    ...(service === undefined ? [] : [['service', service] as const]),
    ...(repository === '' ? [] : [['scope', `repository:${repository}:pull`] as const]),
  ]
}

function tokenOf({ ok }: Followed, host: string): Token | Trouble {
  const bad = (what: string): Trouble => ({
    code: 'BAD_ANSWER',
    got: `${readable(what)} from the token server ${host}`,
  })
  const read = readObject(ok.body)
  if ('problem' in read) return bad(read.problem)
  const { token = read.ok['access_token'] } = read.ok
  // RFC 6750 2.1: what else could be in it would end up in a header.
  if (typeof token !== 'string' || !/^[A-Za-z0-9._~+/-]+=*$/.test(token))
    return bad('no token that can be sent')
  return { token, lifeMs: lifeOf(read.ok) }
}

/** By our own clock, from now: `issued_at` is by theirs. */
function lifeOf({ expires_in: seconds }: Json): number {
  const said = typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : tokenMs.usual
  return Math.min(said, tokenMs.longest) - tokenMs.margin
}
