/** Reads PEM certificates. */
import { X509Certificate } from 'node:crypto'

const mostCertificates = 100

/** What is wrong with a list of PEM certificates, in a phrase; undefined if TLS can use it. */
export function parsePem(pem: string): string | undefined {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  const begun = pem.match(/-----BEGIN [^-]*-----/g) ?? []
  if (blocks.length === 0) return 'no certificate is in it'
  if (blocks.length !== begun.length)
    return `${begun.length} blocks begin in it, ${blocks.length} are whole certificates`
  if (blocks.length > mostCertificates)
    return `at most ${mostCertificates} are taken, ${blocks.length} are in it`
  const broken = blocks.findIndex((block) => !isCertificate(block))
  return broken < 0 ? undefined : `number ${broken + 1} in it cannot be read`
}

function isCertificate(block: string): boolean {
  try {
    return new X509Certificate(block).raw.length > 0
  } catch {
    return false
  }
}
