/** A certificate, its key and the authority behind it, as they are in files: read, and judged. */
import { constants, open } from 'node:fs/promises'
import {
  certificateState,
  fits,
  readBundle,
  readCertificate,
  readKey,
  validity,
  type CertificateState,
} from './certificate.ts'

/** Where the files are. */
export type TlsPaths = {
  /** The certificate, and behind it what leads to the authority. */
  readonly cert: string
  readonly key: string
  /** What API servers are to trust; without it the registrations' caBundle is left to who manages it. */
  readonly ca?: string
}

/** A pair from files, as PEM. */
export type FilePair = {
  readonly key: string
  readonly cert: string
  readonly caBundle?: string
  readonly expiresAt: number
}

type Text = { readonly ok: string } | { readonly problem: string }

/** Reads and judges the files: a pair that fits, or everything that is wrong. */
export async function readPair(
  paths: TlsPaths,
  names: readonly string[],
  now: number,
): Promise<{ readonly ok: FilePair } | { readonly problems: readonly string[] }> {
  const cert = await readText(paths.cert)
  const key = await readText(paths.key)
  const ca = paths.ca === undefined ? { ok: undefined } : await readText(paths.ca)
  const unread = [cert, key, ca].flatMap((one) => ('problem' in one ? [one.problem] : []))
  if ('problem' in cert || 'problem' in key || 'problem' in ca) return { problems: unread }
  const problems = [
    ...certificateProblems(paths.cert, certificateState(cert.ok, now, names)),
    ...keyProblems(paths, key.ok, cert.ok),
    ...authorityProblems(paths.ca, ca.ok, now),
  ]
  const leaf = readCertificate(cert.ok)
  if (problems.length > 0 || leaf === undefined) return { problems }
  const pair = { key: key.ok, cert: cert.ok, expiresAt: validity(leaf).until }
  return { ok: ca.ok === undefined ? pair : { ...pair, caBundle: ca.ok } }
}

// A chain of ten certificates has some 20 kB.
const largest = 256 * 1024

async function readText(path: string): Promise<Text> {
  try {
    // Opening a pipe would wait for a writer without end.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const status = await file.stat()
      if (!status.isFile()) return { problem: `${path} must be a file, got something else` }
      if (status.size > largest)
        return { problem: `${path} must have at most ${largest} bytes, got ${status.size}` }
      return { ok: await file.readFile('utf8') }
    } finally {
      await file.close()
    }
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    return { problem: `${path} must be readable, got ${code}; check the mount and its rights` }
  }
}

function certificateProblems(path: string, state: CertificateState): readonly string[] {
  switch (state.state) {
    case 'valid':
      return []
    case 'garbage':
      return [`${path} ${state.why}`]
    case 'expired':
      return [
        `${path} must be valid now, got a certificate that expired ${days(state.sinceMs)} ago; renew it`,
      ]
    case 'not-yet-valid':
      return [
        `${path} must be valid now, got a certificate that begins in ${days(state.inMs)}; check this machine's clock`,
      ]
    case 'other-name':
      return [
        `${path} must be for ${state.name}, got one for ${state.names.join(', ') || 'no name'}; API servers would refuse it`,
      ]
  }
}

function keyProblems(paths: TlsPaths, key: string, cert: string): readonly string[] {
  if (readKey(key) === undefined) {
    const got = key.includes('ENCRYPTED')
      ? 'an encrypted one; store it without a passphrase'
      : 'something else'
    return [`${paths.key} must be a private key in PEM, got ${got}`]
  }
  const leaf = readCertificate(cert)
  return leaf === undefined || fits(key, leaf)
    ? []
    : [`${paths.key} must be the key of ${paths.cert}, got another key`]
}

function authorityProblems(
  path: string | undefined,
  pem: string | undefined,
  now: number,
): readonly string[] {
  if (path === undefined || pem === undefined) return []
  const living = readBundle(pem).filter((one) => now < validity(one).until)
  return living.length > 0 ? [] : [`${path} must hold a CA certificate in PEM that has not expired, got none`]
}

const days = (ms: number): string =>
  ms < 172_800_000 ? `${Math.ceil(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} days`
