/** Certificates for tests: self-signed, real crypto, made on the spot. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import forge from 'node-forge'

/** A key and a self-signed certificate for 127.0.0.1 that is an authority, a server and a client at once. */
export function mint(): { readonly cert: string; readonly key: string } {
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString()
  const privateKey = forge.pki.privateKeyFromPem(key)
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.setRsaPublicKey(privateKey.n, privateKey.e)
  const serial = `01${randomBytes(8).toString('hex')}`
  certificate.serialNumber = serial
  certificate.validity.notBefore = new Date('2020-01-01')
  certificate.validity.notAfter = new Date('2099-01-01')
  const subject = [{ name: 'commonName', value: `tidewaiter test ${serial}` }]
  certificate.setSubject(subject)
  certificate.setIssuer(subject)
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true },
    { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
  ])
  certificate.sign(privateKey, forge.md.sha256.create())
  return { cert: forge.pki.certificateToPem(certificate), key }
}
