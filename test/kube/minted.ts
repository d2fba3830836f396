/** Certificates for tests: self-signed, real crypto, made on the spot. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { certify, type Pair } from '../../src/tls/authority.ts'
import * as der from '../../src/tls/der.ts'

/** A key and a self-signed certificate for 127.0.0.1 that is an authority, a server and a client at once. */
export function mint(): Pair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = der.commonName(`tidewaiter test ${randomBytes(8).toString('hex')}`)
  const [from, until] = [Date.UTC(2020, 0), Date.UTC(2099, 0)]
  const extensions = [der.constraints(true), der.alternativeNames(['127.0.0.1'])]
  const cert = certify({ issuer: name, subject: name, publicKey, from, until, extensions }, privateKey)
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}
