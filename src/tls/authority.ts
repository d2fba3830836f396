/** Mints our own certificates: an authority and leaves under it, ECDSA P-256 because each handshake with RSA costs half as much again. */
import {
  createHash,
  createPrivateKey,
  generateKeyPair,
  randomBytes,
  sign,
  X509Certificate,
  type KeyObject,
} from 'node:crypto'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import * as der from './der.ts'

/** A certificate and its private key (PKCS #8), both PEM. */
export type Pair = { readonly cert: string; readonly key: string }

const dayMs = 24 * 60 * 60 * 1000
/** How long an authority lasts unless told. */
export const authorityMs = 3650 * dayMs
/** How long a leaf lasts unless told. */
export const leafMs = 365 * dayMs
/** How long before `now` a certificate begins: clocks of nodes differ. */
export const backdateMs = 60 * 60 * 1000

/** Mints an authority that signs itself; its name ends in a random part, so that two generations are told apart. */
export async function mintAuthority(wanted: {
  readonly name: string
  readonly now: number
  readonly validMs?: number
}): Promise<Pair> {
  const keys = await newKeys()
  const name = der.commonName(`${wanted.name.slice(0, 50)} ${randomBytes(4).toString('hex')}`)
  const id = keyId(keys.publicKey)
  const extensions = [der.constraints(true), der.keyUsage(true), der.subjectKey(id), der.authorityKey(id)]
  const until = wanted.now + (wanted.validMs ?? authorityMs)
  const cert = certify(
    {
      issuer: name,
      subject: name,
      publicKey: keys.publicKey,
      from: wanted.now - backdateMs,
      until,
      extensions,
    },
    keys.privateKey,
  )
  return { cert, key: pemOf(keys.privateKey) }
}

/** What a leaf is for. */
export type Leaf = {
  readonly authority: Pair
  /** DNS names and IP addresses; may be empty for a client. */
  readonly names: readonly string[]
  readonly now: number
  readonly validMs?: number
  readonly use?: 'server' | 'client'
}

/** Mints a leaf under an authority; it never outlives it. */
export async function mintLeaf({
  authority,
  names,
  now,
  validMs = leafMs,
  use = 'server',
}: Leaf): Promise<Pair> {
  checkNames(names, use)
  const parent = new X509Certificate(authority.cert)
  const parentKey = createPrivateKey(authority.key)
  if (!parent.ca || !parent.checkPrivateKey(parentKey)) {
    throw new TypeError('an authority must be a CA certificate with its own key, got another pair')
  }
  const keys = await newKeys()
  const extensions = [
    der.constraints(false),
    der.keyUsage(false),
    der.extendedUsage(use),
    der.subjectKey(keyId(keys.publicKey)),
    der.authorityKey(keyId(parent.publicKey)),
    ...(names.length > 0 ? [der.alternativeNames(names)] : []),
  ]
  const until = Math.min(now + validMs, parent.validToDate.getTime())
  const issuer = der.subjectOf(parent.raw)
  const subject = der.commonName('tidewaiter')
  const cert = certify(
    { issuer, subject, publicKey: keys.publicKey, from: now - backdateMs, until, extensions },
    parentKey,
  )
  return { cert, key: pemOf(keys.privateKey) }
}

/** What a certificate says, beside its serial number. */
export type Contents = {
  readonly issuer: der.Der
  readonly subject: der.Der
  readonly publicKey: KeyObject
  readonly from: number
  readonly until: number
  readonly extensions: readonly der.Der[]
}

/** Signs it: Certificate and TBSCertificate of RFC 5280 4.1, version 3. */
export function certify(
  { issuer, subject, publicKey, from, until, extensions }: Contents,
  signingKey: KeyObject,
): string {
  const body = der.sequence(
    der.explicit(0, der.integer(Uint8Array.of(2))),
    der.integer(serialNumber()),
    der.ecdsaWithSha256(),
    issuer,
    der.sequence(der.time(from), der.time(until)),
    subject,
    der.read(publicKey.export({ type: 'spki', format: 'der' })),
    der.explicit(3, der.sequence(...extensions)),
  )
  const signature = sign('sha256', der.bytesOf(body), signingKey)
  const whole = der.bytesOf(der.sequence(body, der.ecdsaWithSha256(), der.bitString(signature)))
  return new X509Certificate(whole).toString()
}

// 128 bits: positive, and never a leading zero byte, which DER would have to drop.
function serialNumber(): Buffer {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return bytes
}

/** RFC 7093 2, method 1: the leftmost 160 bits of SHA-256, here of the whole SubjectPublicKeyInfo (method 4). */
const keyId = (key: KeyObject): Buffer =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, 20)

const newKeys = (): Promise<{ readonly publicKey: KeyObject; readonly privateKey: KeyObject }> =>
  promisify(generateKeyPair)('ec', { namedCurve: 'P-256' })

const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString()

const dnsName = /^(?:\*\.)?[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)*$/i

function checkNames(names: readonly string[], use: 'server' | 'client'): void {
  if (names.length === 0 && use === 'server')
    throw new TypeError('a server certificate needs a name, got none')
  const bad = names.find((name) => isIP(name) === 0 && (name.length > 253 || !dnsName.test(name)))
  if (bad !== undefined)
    throw new TypeError(
      `a certificate's name must be a DNS name or an IP address, got ${JSON.stringify(bad)}`,
    )
}
