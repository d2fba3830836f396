/** Asks one registry with one credential (or none), signing in when it wants that. */
import { createMask } from '../core/masks.ts'
import type { Mask } from '../core/masks.ts'
import { readChallenges } from './challenge.ts'
import type { Challenge } from './challenge.ts'
import type { Hop } from './deliver.ts'
import { follow } from './follow.ts'
import type { Followed, Following } from './follow.ts'
import type { Credential } from './keyring.ts'
import type { Within } from './ports.ts'
import type { Session, Sessions } from './sessions.ts'
import type { Endpoint } from './settings.ts'
import { basicOf, fetchToken, secretsOf } from './token.ts'
import { refusedBy } from './trouble.ts'
import type { Trouble } from './trouble.ts'

/** Who asks whom, and until when. */
export type Login = {
  readonly endpoint: Endpoint
  readonly credential: Credential | undefined
  readonly within: Within
}

/** What signing in needs. */
export type SigningIn = Following & { readonly sessions: Sessions }

/** An answer below 300, and what masks the credential and the token in what is said of it. */
export type SignedIn = Followed & { readonly mask: Mask }

/** Asks; what goes wrong is told without the credential and the token. */
export async function signedIn(hop: Hop, login: Login, world: SigningIn): Promise<SignedIn | Trouble> {
  const key = {
    origin: login.endpoint.origin,
    repository: login.endpoint.repository,
    credential: login.credential,
  }
  const known = world.sessions.get(key)
  const first = await follow(withSession(hop, known), login.within, world)
  if (!('ok' in first) || first.ok.status !== 401) return settled(first, { login, session: known }, world)
  world.sessions.drop(key)
  // Another host's challenge is not answered: these credentials are not for it.
  if (first.elsewhere !== undefined) return settled(first, { login, session: known }, world)
  const session = await newSession(first, login, world)
  if ('code' in session) return masked(session, { login, session: known })
  const second = await follow(withSession(hop, session), login.within, world)
  if ('ok' in second && second.ok.status < 300) world.sessions.keep(key, session)
  return settled(second, { login, session }, world)
}

const withSession = (hop: Hop, session: Session | undefined): Hop =>
  session === undefined
    ? hop
    : { ...hop, headers: [...hop.headers, ['Authorization', session.authorization]] }

async function newSession(refused: Followed, login: Login, world: SigningIn): Promise<Session | Trouble> {
  const challenges = readChallenges(refused.ok.headers['www-authenticate'])
  const { credential, endpoint } = login
  const hasCredential = credential !== undefined && !isEmpty(credential)
  // Whoever is on the way may have written the challenge, a token server of their own in it, and would read the token.
  if (hasCredential && endpoint.origin.startsWith('http:'))
    return {
      code: 'UNAUTHORIZED',
      got: '401: it wants credentials over plain HTTP, where none are sent and no token server is believed',
    }
  const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.has('realm'))
  if (bearer !== undefined) return tokenSession(bearer, login, world)
  if (!challenges.some(({ scheme }) => scheme === 'basic')) return unknownWay(challenges)
  if (!hasCredential) return { code: 'UNAUTHORIZED', got: '401: it wants a user name and a password' }
  return {
    authorization: `Basic ${basicOf(credential)}`,
    secrets: secretsOf(credential),
    // Nothing says when a password ends; a 401 does.
    endsAt: Number.POSITIVE_INFINITY,
  }
}

function unknownWay(challenges: readonly Challenge[]): Trouble {
  const schemes = challenges
    .map(({ scheme }) => scheme)
    .join(', ')
    .slice(0, 80)
  const got = `401 with no way to sign in that is known here (${schemes || 'none'})`
  return { code: 'UNAUTHORIZED', got }
}

async function tokenSession(
  challenge: Challenge,
  login: Login,
  world: SigningIn,
): Promise<Session | Trouble> {
  const credential =
    login.credential !== undefined && isEmpty(login.credential) ? undefined : login.credential
  const got = await fetchToken({ challenge, ...login, credential }, world)
  if ('code' in got) return got
  return {
    authorization: `Bearer ${got.token}`,
    secrets: [...secretsOf(credential), got.token],
    endsAt: world.clock.now() + got.lifeMs,
  }
}

const isEmpty = ({ username, password, identityToken }: Credential): boolean =>
  username === '' && password === '' && identityToken === undefined

type Known = { readonly login: Login; readonly session: Session | undefined }

function settled(got: Followed | Trouble, known: Known, world: SigningIn): SignedIn | Trouble {
  if (!('ok' in got)) return masked(got, known)
  if (got.ok.status < 300) return { ...got, mask: maskOf(known) }
  const trouble = refusedBy(got.ok, { mask: maskOf(known), now: world.clock.now() })
  const elsewhere = got.elsewhere === undefined ? '' : ` from ${got.elsewhere}, to where it redirects`
  return masked({ ...trouble, got: trouble.got + elsewhere }, known)
}

const maskOf = ({ login, session }: Known) =>
  createMask([...secretsOf(login.credential), ...(session?.secrets ?? [])])

const masked = (trouble: Trouble, known: Known): Trouble => ({ ...trouble, got: maskOf(known)(trouble.got) })
