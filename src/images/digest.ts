/** Digests of content: `sha256:` and 64 hexadecimal digits, or `sha512:` and 128 (OCI image specification, descriptors). */
import { createHash } from 'node:crypto'

const lengths: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 }

/** Whether this is a digest that can be verified. */
export function isDigest(text: unknown): text is string {
  if (typeof text !== 'string') return false
  const colon = text.indexOf(':')
  const algorithm = text.slice(0, colon)
  return (
    Object.hasOwn(lengths, algorithm) &&
    new RegExp(`^[0-9a-f]{${lengths[algorithm]}}$`).test(text.slice(colon + 1))
  )
}

/** The digest of exactly these bytes, with the algorithm of `like` (sha256 unless given). */
export function digestOf(bytes: Uint8Array, like = 'sha256:'): string {
  const algorithm = like.slice(0, like.indexOf(':'))
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
}
