/** What our Secret holds, and the rules by which each part of it is kept or made anew. It mints nothing itself. */
import type { X509Certificate } from 'node:crypto'
import { certificateState, fits, namesOf, readBundle, readCertificate, validity } from './certificate.ts'
import type { SecretValues } from './ports.ts'

/** What the service needs from the Secret. Everything but `cert` and `caBundle` is secret: never logged, never shown. */
export type Material = {
  readonly key: string
  readonly cert: string
  /** The CA certificates that API servers are to trust: the newest first, former ones while they last. */
  readonly caBundle: string
  /** The random first path segments that are accepted: the current one first, then the former while it turns. */
  readonly pathTokens: readonly string[]
  /** 32 bytes that authenticate author stamps. */
  readonly macKey: Uint8Array
  /** When `cert` ends, in milliseconds since the epoch. */
  readonly expiresAt: number
}

/** Where the parts are in the Secret. `tls.*` and `ca.crt` are named as in Secrets of type kubernetes.io/tls. */
export const keys = {
  cert: 'tls.crt',
  key: 'tls.key',
  caBundle: 'ca.crt',
  caKey: 'ca.key',
  pathToken: 'path-token',
  formerPathToken: 'former-path-token',
  macKey: 'mac-key',
} as const

/** What must be made anew, and why; all undefined if the Secret is good. */
export type Renewal = {
  readonly authority: string | undefined
  readonly leaf: string | undefined
  readonly pathToken: string | undefined
  readonly macKey: string | undefined
}

// A leaf is renewed when a third of its life is left (4 months of a year), an authority when a fifth is left: 2 years of 10, more
// than any leaf lasts, so that an authority never ends under its leaf.
/** What is left of a leaf when it is renewed. */
export const leafShare = 1 / 3
/** What is left of an authority when it is renewed. */
export const authorityShare = 1 / 5
// A new authority signs only after API servers had this long to learn of it from the bundle.
const overlapMs = 10 * 60 * 1000
// Of `authority.ts`, which is loaded only to mint.
const backdateMs = 60 * 60 * 1000

const token = /^[0-9a-f]{32}$/

/** Judges what the Secret holds at `now`, for a service that is called by `names`. */
export function renewalOf(values: SecretValues, names: readonly string[], now: number): Renewal {
  const authority = authorityRenewal(values, now)
  return {
    authority,
    leaf: leafRenewal(values, names, now),
    pathToken: token.test(values[keys.pathToken] ?? '') ? undefined : absent(values[keys.pathToken]),
    macKey: macKeyOf(values)?.length === 32 ? undefined : absent(values[keys.macKey]),
  }
}

const absent = (value: string | undefined): string =>
  value === undefined || value === '' ? 'missing' : 'garbage'

/** Whether nothing has to be made. */
export const isGood = (renewal: Renewal): boolean => Object.values(renewal).every((why) => why === undefined)

function authorityRenewal(values: SecretValues, now: number): string | undefined {
  const pem = values[keys.caBundle] ?? ''
  const authority = readCertificate(pem)
  const state = certificateState(pem, now)
  if (authority === undefined || state.state !== 'valid')
    return state.state === 'garbage' ? absent(pem) : state.state
  if (!authority.ca || !fits(values[keys.caKey] ?? '', authority))
    return 'its key is not there or does not fit'
  return state.expiresInMs <= state.lifetimeMs * authorityShare ? 'near its end' : undefined
}

function leafRenewal(values: SecretValues, names: readonly string[], now: number): string | undefined {
  const pem = values[keys.cert] ?? ''
  const leaf = readCertificate(pem)
  const state = certificateState(pem, now, names)
  if (leaf === undefined || state.state !== 'valid')
    return state.state === 'garbage' ? absent(pem) : state.state
  if (!fits(values[keys.key] ?? '', leaf)) return 'its key is not there or does not fit'
  if (!isVouchedFor(leaf, values, now)) return 'signed by no authority of the bundle'
  if (state.expiresInMs > state.lifetimeMs * leafShare) return undefined
  // The newest may be too young to sign: then the old leaf, which is good for months, stays a little longer.
  return maySign(values, now) ? 'near its end' : undefined
}

function maySign(values: SecretValues, now: number): boolean {
  const newest = readCertificate(values[keys.caBundle] ?? '')
  return newest !== undefined && now - (validity(newest).from + backdateMs) >= overlapMs
}

/** The authorities of the bundle that are still valid, as far as they are authorities. */
export const livingAuthorities = (values: SecretValues, now: number): readonly X509Certificate[] =>
  readBundle(values[keys.caBundle] ?? '').filter(
    (one) => one.ca && validity(one).from <= now && now < validity(one).until,
  )

// A name joins for a rolling update from one Service to another, in which two replicas want different names: each would replace
// the other's leaf for ever. What is not wanted goes at the next renewal for age.
const mostNames = 32

/** The names of a new leaf: the wanted ones, and if a good leaf only lacked one of them, also those that it had. */
export function namesForRenewal(
  values: SecretValues,
  names: readonly string[],
  now: number,
): readonly string[] {
  const pem = values[keys.cert] ?? ''
  const leaf = readCertificate(pem)
  if (leaf === undefined || certificateState(pem, now, names).state !== 'other-name') return names
  if (!isVouchedFor(leaf, values, now)) return names
  const kept = namesOf(leaf).filter((name) => !names.includes(name))
  return [...names, ...kept].slice(0, Math.max(mostNames, names.length))
}

/** Reads values as material, also if they are due for renewal; undefined if they are of no use at `now`. */
export function materialOf(
  values: SecretValues,
  names: readonly string[],
  now: number,
): Material | undefined {
  const served = servedOf(values, names, now)
  const macKey = macKeyOf(values)
  const pathTokens = pathTokensOf(values)
  if (served === undefined || macKey?.length !== 32 || pathTokens.length === 0) return undefined
  return { ...served, pathTokens, macKey }
}

type Served = Pick<Material, 'key' | 'cert' | 'caBundle' | 'expiresAt'>

function servedOf(values: SecretValues, names: readonly string[], now: number): Served | undefined {
  const { [keys.key]: key = '', [keys.cert]: cert = '', [keys.caBundle]: caBundle = '' } = values
  const leaf = readCertificate(cert)
  if (leaf === undefined || certificateState(cert, now, names).state !== 'valid') return undefined
  if (!fits(key, leaf) || !isVouchedFor(leaf, values, now)) return undefined
  return { key, cert, caBundle, expiresAt: validity(leaf).until }
}

const isVouchedFor = (leaf: X509Certificate, values: SecretValues, now: number): boolean =>
  livingAuthorities(values, now).some((authority) => leaf.verify(authority.publicKey))

const pathTokensOf = (values: SecretValues): readonly string[] =>
  [keys.pathToken, keys.formerPathToken].map((key) => values[key] ?? '').filter((one) => token.test(one))

const macKeyOf = (values: SecretValues): Uint8Array | undefined => {
  const text = values[keys.macKey]
  return text === undefined || text === '' ? undefined : Buffer.from(text, 'base64')
}
