/** Hashes and authentication codes, as functions for rooms that know no crypto. */
import { createHash, createHmac, randomBytes } from 'node:crypto'

/** SHA-256 in lower-case hex: 64 characters. */
export const hash = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Makes HMAC-SHA-256 codes in base64url with a key. */
export const signer =
  (key: Uint8Array) =>
  (text: string): string =>
    createHmac('sha256', key).update(text).digest('base64url')

/** Random bytes in hex. */
export const randomHex = (bytes: number): string => randomBytes(bytes).toString('hex')
