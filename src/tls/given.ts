/** Certificates that others keep: which is shown, and what API servers are to trust meanwhile. */
import type { X509Certificate } from 'node:crypto'
import { readBundle, readCertificate, validity } from './certificate.ts'
import type { FilePair } from './file-pair.ts'
import type { Told } from './ports.ts'

/** Tells what the files hold from what they held before. */
export const idOf = ({ cert, caBundle = '' }: FilePair): string =>
  [readCertificate(cert), ...readBundle(caBundle)].map((one) => one?.fingerprint256).join()

/** Whether the certificate leads to the authorities beside it: a file may be replaced before the other. */
export const isOfItsAuthorities = ({ cert, caBundle = '' }: FilePair): boolean =>
  leadsTo(cert, readBundle(caBundle))

/** Whether every webhook is registered with an authority that this certificate leads to. */
export const isTrustedBy = (told: readonly Told[], { cert }: FilePair): boolean =>
  told.length > 0 && told.every(({ caBundle }) => leadsTo(cert, readBundle(caBundle)))

/** Whether what the files hold is shown from now on, in the place of what is shown. */
export function isShownNext({
  read,
  shown,
  isLongTrusted,
  now,
}: {
  readonly read: FilePair
  readonly shown: FilePair
  /** For the overlap: API servers trust it. */
  readonly isLongTrusted: boolean
  readonly now: number
}): boolean {
  if (isLongTrusted || shown.expiresAt <= now) return true
  // Who trusts the one trusts the other: a renewal under the same authority need not wait.
  const common = readBundle(shown.caBundle ?? '').filter((one) => leadsTo(shown.cert, [one]))
  return leadsTo(read.cert, common)
}

// What is written by others, and longer, is not ours to carry along.
const mostAuthorities = 8

/**
 * What API servers are to trust: while another replica may still show the former certificate, its authority too. So what is
 * registered stays until the new one has been shown for the overlap. cert-manager's cainjector would take it away at once.
 */
export function bundleFor(
  {
    read,
    shown,
    told,
    isOver,
  }: {
    readonly read: FilePair
    readonly shown: FilePair
    readonly told: readonly Told[] | undefined
    readonly isOver: boolean
  },
  now: number,
): string | undefined {
  if (isOver || read.caBundle === undefined) return read.caBundle
  const pemOf = (one: X509Certificate) => one.toString().trimEnd()
  // What the file says is registered whole: any of it may be the issuer.
  const said = readBundle(read.caBundle).map(pemOf)
  const others = [shown.caBundle ?? '', ...(told ?? []).map(({ caBundle }) => caBundle)]
    .flatMap((bundle) => readBundle(bundle))
    .filter((one) => now < validity(one).until)
    .map(pemOf)
    .filter((one) => !said.includes(one))
  return `${[...new Set([...said, ...[...new Set(others)].slice(0, mostAuthorities)])].join('\n')}\n`
}

// A chain of ten is far longer than any in use.
const longestChain = 10

/** Whether a chain, its certificate first, leads to one of the authorities. */
function leadsTo(chain: string, authorities: readonly X509Certificate[]): boolean {
  const [leaf, ...between] = readBundle(chain)
  let last = leaf
  for (let i = 0; last !== undefined && i < longestChain; i += 1) {
    const here = last
    if (authorities.some((one) => one.fingerprint256 === here.fingerprint256 || here.verify(one.publicKey)))
      return true
    last = between.find((one) => one.fingerprint256 !== here.fingerprint256 && here.verify(one.publicKey))
  }
  return false
}
