/** Hashes and authentication codes, as functions for rooms that know no crypto. */
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  hash as hashAtOnce,
  hkdfSync,
  randomBytes,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto'

/** SHA-256 in lower-case hex: 64 characters. */
export const hash = (text: string): string => hashAtOnce('sha256', text, 'hex')

/** Makes HMAC-SHA-256 codes in base64url with a key. */
export const signer =
  (key: Uint8Array) =>
  (text: string): string =>
    createHmac('sha256', key).update(text).digest('base64url')

/** Random bytes in hex. */
export const randomHex = (bytes: number): string => randomBytes(bytes).toString('hex')

// PKCS #8 of an Ed25519 key (RFC 8410, section 7): this, and the 32 bytes of the key.
const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The Ed25519 key that signs decisions, made from our MAC key (HKDF, RFC 5869): all replicas of an install have the same. */
export function signingKey(macKey: Uint8Array) {
  const seed = hkdfSync('sha256', macKey, '', 'tidewaiter decisions ed25519 1', 32)
  const secret = createPrivateKey({
    key: Buffer.concat([pkcs8, Buffer.from(seed)]),
    format: 'der',
    type: 'pkcs8',
  })
  return {
    /** The public half: 32 bytes in base64url. */
    key: createPublicKey(secret).export({ format: 'jwk' }).x ?? '',
    sign: (text: string): string => signBytes(null, Buffer.from(text), secret).toString('base64url'),
  }
}

/** Whether the signature of a text is by an Ed25519 key, given by its public bytes in base64url. */
export function isSignedBy(key: string, text: string, signature: string): boolean {
  try {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: key }
    const publicKey = createPublicKey({ key: jwk, format: 'jwk' })
    return verifyBytes(null, Buffer.from(text), publicKey, Buffer.from(signature, 'base64url'))
  } catch {
    // Node throws on what is no key at all: a record may carry anything.
    return false
  }
}
