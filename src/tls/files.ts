/** `--tls files`: a certificate that someone else keeps in files (cert-manager, an operator), reloaded when they change. */
import { constants, open } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
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

/** What a watcher of files is made of. `names`: by what API servers call us; a certificate for others would be refused by them. */
export type FilesOptions = {
  readonly paths: TlsPaths
  readonly names: readonly string[]
  readonly clock: Clock
  readonly log: Log
}

/** Holds the pair, and follows the files. */
export type TlsFiles = {
  /** Reads the files; rejects with everything that is wrong with them. Then looks again each 10 s until `signal` aborts. */
  readonly start: (signal: AbortSignal) => Promise<void>
  readonly current: () => FilePair
  /** Hears of each change after it is current; returns how to stop hearing. */
  readonly onChange: (listener: (pair: FilePair) => void) => () => void
}

const everyMs = 10_000

/** Builds the watcher; it reads nothing before `start`. */
export function buildTlsFiles({ paths, names, clock, log }: FilesOptions): TlsFiles {
  const listeners = new Set<(pair: FilePair) => void>()
  let pair: FilePair | undefined
  // What was told last, so that a lasting fault is told once and not each 10 s.
  let told = ''
  async function look(): Promise<void> {
    const read = await readPair(paths, names, clock.now())
    if ('problems' in read) {
      if (told !== read.problems.join())
        log.error({ problems: read.problems }, 'the certificate files are unusable; serving the former ones')
      told = read.problems.join()
      return
    }
    told = ''
    if (isDeepStrictEqual(read.ok, pair)) return
    pair = read.ok
    log.info(
      { cert: paths.cert, expires: new Date(pair.expiresAt).toISOString() },
      'serving another certificate from files',
    )
    for (const listener of listeners) listen(listener, pair)
  }
  function listen(listener: (pair: FilePair) => void, next: FilePair): void {
    try {
      listener(next)
    } catch (err) {
      log.error({ err }, 'a new certificate could not be put to use')
    }
  }
  async function goOn(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(everyMs, signal)
      await look()
    }
  }
  return {
    start: async (signal) => {
      const read = await readPair(paths, names, clock.now())
      if ('problems' in read)
        throw new Error(`the certificate files are unusable: ${read.problems.join('; ')}`)
      pair = read.ok
      // It ends by the signal only, which is no failure.
      goOn(signal).catch(() => {})
    },
    current: () => {
      if (pair === undefined)
        throw new TypeError('the certificate files were asked for before they were read')
      return pair
    },
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
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
