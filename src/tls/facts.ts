/** What may be told of the certificates: when they end, and when they are renewed. */
import type { X509Certificate } from 'node:crypto'
import type { CertificateFacts, Certificates } from '../core/certificates.ts'
import { namesOf, readBundle, readCertificate, validity } from './certificate.ts'
import { authorityShare, leafShare } from './material.ts'

/** What is served; `isOurs`: we renew it, and not who keeps the files. */
export function certificateFacts(
  { cert, caBundle }: { readonly cert: string; readonly caBundle: string },
  isOurs: boolean,
): Certificates | undefined {
  const leaf = readCertificate(cert)
  if (leaf === undefined) return undefined
  return {
    serving: factsOf(leaf, isOurs ? leafShare : undefined),
    // Only the newest is renewed: those behind it stay until they end.
    authorities: readBundle(caBundle).map((one, i) =>
      factsOf(one, isOurs && i === 0 ? authorityShare : undefined),
    ),
  }
}

function factsOf(certificate: X509Certificate, share: number | undefined): CertificateFacts {
  const { from, until } = validity(certificate)
  return {
    fingerprint: certificate.fingerprint256,
    names: namesOf(certificate),
    until,
    turns: share === undefined ? undefined : until - (until - from) * share,
  }
}
