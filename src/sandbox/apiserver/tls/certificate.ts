/** A throw-away CA and a server certificate on P-256: made in a few milliseconds, never written to disk. */
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { isIPv4 } from 'node:net'
import { bits, integer, octets, oid, sequence, setOf, tagged, utcTime, utf8, yes } from './der.ts'

/** What an HTTPS server needs, and what its clients trust. */
export type ServerIdentity = { readonly ca: string; readonly cert: string; readonly key: string }

type Keys = { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
type Wanted = {
  readonly subject: string
  readonly issuer: string
  readonly keys: Keys
  readonly signer: Keys
  readonly names: readonly string[]
  readonly now: number
}

const day = 86_400_000
const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'))

/** Makes a CA and a certificate for the given DNS names and addresses. */
export function makeIdentity(names: readonly string[], now: number): ServerIdentity {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issuer = 'tidewaiter-sandbox-ca'
  const common = { issuer, signer: authority, now }
  const ca = certificate({ ...common, subject: issuer, keys: authority, names: [] })
  const leaf = certificate({ ...common, subject: 'kube-apiserver', keys: server, names })
  return { ca, cert: leaf, key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

function certificate(wanted: Wanted): string {
  const body = sequence(
    tagged(0, integer(Buffer.from([2])), true),
    integer(serial()),
    ecdsaWithSha256,
    nameOf(wanted.issuer),
    // An hour of grace for clocks that differ; ten years, because a sandbox may be kept open for long.
    sequence(utcTime(wanted.now - 3_600_000), utcTime(wanted.now + 3650 * day)),
    nameOf(wanted.subject),
    publicKeyOf(wanted.keys),
    tagged(3, sequence(...extensions(wanted)), true),
  )
  const signature = sign('sha256', body, wanted.signer.privateKey)
  const der = sequence(body, ecdsaWithSha256, bits(signature))
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

function serial(): Buffer {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes
}

const publicKeyOf = (keys: Keys): Buffer => keys.publicKey.export({ type: 'spki', format: 'der' })
const nameOf = (common: string): Buffer => sequence(setOf(sequence(oid('2.5.4.3'), utf8(common))))
const keyId = (keys: Keys): Buffer => createHash('sha1').update(publicKeyOf(keys)).digest()

function extensions(wanted: Wanted): readonly Buffer[] {
  const critical = (id: string, value: Buffer): Buffer => sequence(oid(id), yes, octets(value))
  const plain = (id: string, value: Buffer): Buffer => sequence(oid(id), octets(value))
  const ids = [
    plain('2.5.29.14', octets(keyId(wanted.keys))),
    plain('2.5.29.35', sequence(tagged(0, keyId(wanted.signer), false))),
  ]
  if (wanted.names.length === 0) {
    // A CA: basicConstraints, keyCertSign and cRLSign.
    return [critical('2.5.29.19', sequence(yes)), critical('2.5.29.15', bits(Buffer.from([0x06]), 1)), ...ids]
  }
  return [
    critical('2.5.29.15', bits(Buffer.from([0x80]), 7)),
    plain('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.1'))),
    plain('2.5.29.17', sequence(...wanted.names.map(alternativeName))),
    ...ids,
  ]
}

function alternativeName(name: string): Buffer {
  if (isIPv4(name)) return tagged(7, Buffer.from(name.split('.').map(Number)), false)
  if (name === '::1') return tagged(7, Buffer.from([...Array.from({ length: 15 }, () => 0), 1]), false)
  return tagged(2, Buffer.from(name, 'ascii'), false)
}
