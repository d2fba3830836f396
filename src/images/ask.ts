/** Asks for something of an image wherever it may be: mirrors first, at each place with each credential that is for it. */
import { registryCodes } from '../core/plugin-check/failure.ts'
import type { RegistryCode, RegistryFailure } from '../core/plugin-check/failure.ts'
import type { Access, Answered, Call, Image, Outcome } from './ports.ts'
import { credentialsFor } from './keyring.ts'
import type { Credential } from './keyring.ts'
import { mostCredentials } from './limits.ts'
import type { Endpoint } from './settings.ts'
import { endpointsOf } from './settings.ts'
import { signedIn } from './sign-in.ts'
import type { SigningIn } from './sign-in.ts'
import { trustFor } from './trust.ts'
import type { Trouble } from './trouble.ts'

/** What is asked for. */
export type Wish<T> = {
  /** In words, for messages: `the manifest of ghcr.io/acme/plugin:v1`. */
  readonly what: string
  readonly method: Call['method']
  /** After `/v2/NAME/`; empty for `/v2/` itself. */
  readonly path: string
  readonly accept: string
  readonly maxBytes: number
  /** Takes a good answer, or says what is wrong with it. */
  readonly take: (answer: Answered, endpoint: Endpoint) => { readonly ok: T } | Trouble
}

/** Asks for one thing of an image. */
export type Get = <T>(
  wish: Wish<T>,
  image: Pick<Image, 'registry' | 'repository'>,
  access: Access,
) => Promise<Outcome<T>>

/** What asking needs. */
export type Asking = Omit<SigningIn, 'trust'>

type Tried = Trouble & { readonly where: string }

// A matching entry of a pull secret may be an old one, or another team's: the next is tried, as the kubelet does.
const maybeNextCredential: ReadonlySet<RegistryCode> = new Set(['UNAUTHORIZED', 'DENIED', 'NOT_FOUND'])

/** The first good answer, or one failure that tells of every place that was asked. */
export async function ask<T>(
  wish: Wish<T>,
  { image, access }: { readonly image: Pick<Image, 'registry' | 'repository'>; readonly access: Access },
  world: Asking,
): Promise<Outcome<T>> {
  const tried: Tried[] = []
  for (const endpoint of endpointsOf(image, world.directory)) {
    for (const credential of loginsFor(endpoint, access)) {
      const got = await askOnce(wish, { endpoint, credential, within: access.within }, world)
      if ('ok' in got) return got
      tried.push({ ...got, where: whereOf(endpoint, credential) })
      if (access.within.signal.aborted) return { failed: failureOf(wish.what, tried) }
      if (!maybeNextCredential.has(got.code)) break
    }
  }
  return { failed: failureOf(wish.what, tried) }
}

/** As the kubelet: without credentials only if none are for it. */
function loginsFor(endpoint: Endpoint, { keyring }: Access): readonly (Credential | undefined)[] {
  const found = credentialsFor(`${endpoint.name}/${endpoint.repository}`, keyring).slice(0, mostCredentials)
  return found.length === 0 ? [undefined] : found
}

type Attempt = Parameters<typeof signedIn>[1]

async function askOnce<T>(
  wish: Wish<T>,
  login: Attempt,
  world: Asking,
): Promise<{ readonly ok: T } | Trouble> {
  const { endpoint } = login
  const url = new URL(
    `${endpoint.origin}/v2/${wish.path === '' ? '' : `${endpoint.repository}/${wish.path}`}`,
  )
  // As containerd does: one mirror for many registries has to know for which it stands in.
  if (endpoint.mirrorOf !== undefined) url.searchParams.set('ns', endpoint.mirrorOf)
  const { method, maxBytes, accept } = wish
  // A mirror that fails has somebody to stand in for it.
  const once = endpoint.mirrorOf !== undefined
  const trust = trustFor(endpoint, world)
  const got = await signedIn({ method, url, headers: [['Accept', accept]], maxBytes, once }, login, {
    ...world,
    trust,
  })
  if (!('ok' in got)) return got
  const encoding = got.ok.headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity')
    return { code: 'BAD_ANSWER', got: 'a compressed answer, which was not asked for' }
  const taken = wish.take(got.ok, endpoint)
  return 'ok' in taken ? taken : { ...taken, got: got.mask(taken.got) }
}

function whereOf(endpoint: Endpoint, credential: Credential | undefined): string {
  const place = endpoint.mirrorOf === undefined ? endpoint.name : `the mirror ${endpoint.name}`
  const how =
    credential === undefined
      ? 'without credentials, as no entry of a pull secret is for it'
      : `with ${credential.from}`
  return `${place}, ${how}`
}

function failureOf(what: string, tried: readonly Tried[]): RegistryFailure {
  const last = tried.at(-1) ?? { code: 'NOT_FOUND', got: 'nothing', where: 'nowhere' }
  const got = tried.map((one) => `${one.got} (${one.where})`).join('; ')
  const { code, retryAfterMs } = last
  return {
    code,
    message: `wanted ${what}, got ${got}. ${registryCodes[code].next}`,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }
}
