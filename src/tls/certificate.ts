/** Looks at certificates: what they are worth now, for which names, and which key is theirs. */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { isIP } from 'node:net'

/** What a certificate is worth at a moment. */
export type CertificateState =
  | { readonly state: 'valid'; readonly expiresInMs: number; readonly lifetimeMs: number }
  | { readonly state: 'expired'; readonly sinceMs: number }
  | { readonly state: 'not-yet-valid'; readonly inMs: number }
  /** Valid in time, but not for `name`. */
  | { readonly state: 'other-name'; readonly name: string; readonly names: readonly string[] }
  | { readonly state: 'garbage'; readonly why: string }

/** Judges the first certificate of a PEM at `now`, for all of `names`. */
export function certificateState(pem: string, now: number, names: readonly string[] = []): CertificateState {
  const certificate = readCertificate(pem)
  if (certificate === undefined)
    return {
      state: 'garbage',
      why: `must be a certificate in PEM, got ${pem === '' ? 'nothing' : 'something else'}`,
    }
  const { from, until } = validity(certificate)
  if (now >= until) return { state: 'expired', sinceMs: now - until }
  if (now < from) return { state: 'not-yet-valid', inMs: from - now }
  const missing = names.find((name) => !isFor(certificate, name))
  if (missing !== undefined) return { state: 'other-name', name: missing, names: namesOf(certificate) }
  return { state: 'valid', expiresInMs: until - now, lifetimeMs: until - from }
}

/** When a certificate begins and ends, in milliseconds. */
export const validity = (
  certificate: X509Certificate,
): { readonly from: number; readonly until: number } => ({
  from: certificate.validFromDate.getTime(),
  until: certificate.validToDate.getTime(),
})

/** Whether a client that calls `name` takes this certificate for it. */
const isFor = (certificate: X509Certificate, name: string): boolean =>
  (isIP(name) === 0 ? certificate.checkHost(name, { subject: 'never' }) : certificate.checkIP(name)) !==
  undefined

/** The DNS names and addresses of a certificate. */
export function namesOf(certificate: X509Certificate): readonly string[] {
  const entries = (certificate.subjectAltName ?? '').split(', ')
  return entries.flatMap((entry) => /^(?:DNS|IP Address):([^"]+)$/.exec(entry)?.[1] ?? [])
}

// A chain of ten certificates is far below this; a parser is not asked to look at more.
const longestPem = 256 * 1024
const block = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

// Whoever keeps certificates looks at the same few again and again. They cannot change: what a text was read as stays true.
const mostKept = 32
const kept = new Map<string, X509Certificate>()

/** The first certificate of a PEM; undefined if there is none. */
export function readCertificate(pem: string): X509Certificate | undefined {
  if (pem.length > longestPem) return undefined
  try {
    return kept.get(pem) ?? keep(pem, new X509Certificate(pem))
  } catch {
    return undefined
  }
}

function keep(pem: string, certificate: X509Certificate): X509Certificate {
  const [oldest] = kept.keys()
  if (kept.size >= mostKept && oldest !== undefined) kept.delete(oldest)
  kept.set(pem, certificate)
  return certificate
}

/** All certificates of a bundle that can be read. */
export const readBundle = (pem: string): readonly X509Certificate[] =>
  pem.length > longestPem ? [] : (pem.match(block) ?? []).flatMap((one) => readCertificate(one) ?? [])

/** A private key; undefined if it cannot be read, or is encrypted. */
export function readKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined
  }
}

/** Whether a key can be read and is the certificate's. */
export function fits(key: string, certificate: X509Certificate): boolean {
  const read = readKey(key)
  return read !== undefined && certificate.checkPrivateKey(read)
}
