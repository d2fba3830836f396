/** What our Secret holds, and how it is read. */
import type { X509Certificate } from 'node:crypto'
import { certificateState, fits, namesOf, readBundle, readCertificate, validity } from './certificate.ts'
import { outputsKeysOf, type OutputsKeys } from './outputs-key.ts'
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
  /** What signs exported outputs; undefined while there is none, which keeps nothing else from being served. */
  readonly outputsKeys: OutputsKeys | undefined
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

/** What must be made anew or can go, and why; all undefined if the Secret is good. */
export type Renewal = {
  readonly authority: string | undefined
  readonly leaf: string | undefined
  readonly pathToken: string | undefined
  /** The path by which API servers call is not accepted. */
  readonly formerPath: string | undefined
  readonly macKey: string | undefined
  readonly outputsKey: string | undefined
  /** Authorities of before that are no longer needed. */
  readonly oldAuthorities: string | undefined
  /** The path of before is no longer needed. */
  readonly oldPath: string | undefined
}

// A leaf is renewed when a third of its life is left (4 months of a year), an authority when a fifth is left: 2 years of 10, more
// than any leaf lasts, so that an authority never ends under its leaf.
/** What is left of a leaf when it is renewed. */
export const leafShare = 1 / 3
/** What is left of an authority when it is renewed. */
export const authorityShare = 1 / 5
/** Whether a text is a path token of ours. */
export const isToken = (text: string): boolean => /^[0-9a-f]{32}$/.test(text)

/** One part of the Secret; '' if it is not there. */
export const part = (values: SecretValues, name: keyof typeof keys): string => values[keys[name]] ?? ''

/** The authorities of the bundle that are still valid, as far as they are authorities. */
export const livingAuthorities = (bundle: string, now: number): readonly X509Certificate[] =>
  readBundle(bundle).filter((one) => one.ca && validity(one).from <= now && now < validity(one).until)

// A name joins for a rolling update from one Service to another, in which two replicas want different names: each would replace
// the other's leaf for ever. What is not wanted goes at the next renewal for age.
const mostNames = 32

/** The names of a new leaf: the wanted ones, and if a good leaf only lacked one of them, also those that it had. */
export function namesForRenewal(
  values: SecretValues,
  names: readonly string[],
  now: number,
): readonly string[] {
  const pem = part(values, 'cert')
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
  return { ...served, pathTokens, macKey, outputsKeys: outputsKeysOf(values) }
}

type Served = Pick<Material, 'key' | 'cert' | 'caBundle' | 'expiresAt'>

function servedOf(values: SecretValues, names: readonly string[], now: number): Served | undefined {
  const { [keys.key]: key = '', [keys.cert]: cert = '', [keys.caBundle]: caBundle = '' } = values
  const leaf = readCertificate(cert)
  if (leaf === undefined || certificateState(cert, now, names).state !== 'valid') return undefined
  if (!fits(key, leaf) || !isVouchedFor(leaf, values, now)) return undefined
  return { key, cert, caBundle, expiresAt: validity(leaf).until }
}

/** Whether a living authority of the bundle signed it. */
export const isVouchedFor = (leaf: X509Certificate, values: SecretValues, now: number): boolean =>
  livingAuthorities(part(values, 'caBundle'), now).some((authority) => leaf.verify(authority.publicKey))

/** The paths that are accepted. */
export const pathTokensOf = (values: SecretValues): readonly string[] =>
  [keys.pathToken, keys.formerPathToken].map((key) => values[key] ?? '').filter(isToken)

/** The key of the stamps, also a damaged one. */
export const macKeyOf = (values: SecretValues): Uint8Array | undefined => {
  const text = values[keys.macKey]
  return text === undefined || text === '' ? undefined : Buffer.from(text, 'base64')
}
