/** Real servers on 127.0.0.1 that answer as a test says, and certificates for them. */
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import forge from 'node-forge'

/** What `t` gives us to clean up. */
type Teardown = { readonly teardown: (done: () => Promise<void> | void) => void }

/** An HTTP server; gives its port. */
export async function serve(
  t: Teardown,
  answer: http.RequestListener,
  secure?: https.ServerOptions,
): Promise<number> {
  const server = secure === undefined ? http.createServer(answer) : https.createServer(secure, answer)
  t.teardown(() => {
    server.closeAllConnections()
    return new Promise((resolve) => void server.close(() => resolve()))
  })
  return listening(server)
}

/** A server that speaks raw bytes; gives its port and the sockets it has open. */
export async function serveRaw(
  t: Teardown,
  handle: (socket: net.Socket) => void,
): Promise<{ readonly port: number; readonly open: Set<net.Socket> }> {
  const open = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    open.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
    handle(socket)
  })
  t.teardown(() => {
    for (const socket of open) socket.destroy()
    return new Promise((resolve) => void server.close(() => resolve()))
  })
  return { port: await listening(server), open }
}

async function listening(server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** A key and its certificate in PEM. */
export type Pair = { readonly key: string; readonly cert: string }

// One key for all: making RSA keys is slow, and no test is about them.
const keys = forge.pki.rsa.generateKeyPair({ bits: 2048, e: 0x10001 })

/** A certificate for a name (or for the address 127.0.0.1), signed by itself unless `by` signs it. */
export function certificate(given: {
  readonly name: string
  readonly ca?: boolean
  readonly by?: Pair
  readonly notAfter?: Date
}): Pair {
  const cert = forge.pki.createCertificate()
  cert.publicKey = keys.publicKey
  cert.serialNumber = given.ca === true ? '01' : '02'
  cert.validity.notBefore = new Date('2020-01-01')
  cert.validity.notAfter = given.notAfter ?? new Date('2090-01-01')
  const subject = [{ name: 'commonName', value: given.name }]
  cert.setSubject(subject)
  cert.setIssuer(
    given.by === undefined ? subject : forge.pki.certificateFromPem(given.by.cert).subject.attributes,
  )
  const altName = net.isIP(given.name) === 0 ? { type: 2, value: given.name } : { type: 7, ip: given.name }
  cert.setExtensions([
    { name: 'basicConstraints', cA: given.ca === true, critical: true },
    ...(given.ca === true ? [] : [{ name: 'subjectAltName', altNames: [altName] }]),
  ])
  cert.sign(keys.privateKey, forge.md.sha256.create())
  return { key: forge.pki.privateKeyToPem(keys.privateKey), cert: forge.pki.certificateToPem(cert) }
}
