/** Real servers on 127.0.0.1 that answer as a test says, and certificates for them. */
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import { certify, type Pair } from '../../src/tls/authority.ts'
import * as der from '../../src/tls/der.ts'

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

/** Lets a server listen on a free port of 127.0.0.1; gives it. */
export async function listening(server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** A certificate for a name (or for the address 127.0.0.1), signed by itself unless `by` signs it. */
export function certificate(given: {
  readonly name: string
  readonly ca?: boolean
  readonly by?: Pair
  readonly notAfter?: Date
}): Pair {
  // Elliptic curves: RSA keys are slow to make and to use, and no test is about them.
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const subject = der.commonName(given.name)
  const contents = {
    issuer: given.by === undefined ? subject : der.subjectOf(new X509Certificate(given.by.cert).raw),
    subject,
    publicKey,
    from: Date.UTC(2020, 0),
    until: given.notAfter?.getTime() ?? Date.UTC(2090, 0),
    extensions: [
      der.constraints(given.ca === true),
      ...(given.ca === true ? [] : [der.alternativeNames([given.name])]),
    ],
  }
  const cert = certify(contents, given.by === undefined ? privateKey : createPrivateKey(given.by.key))
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert }
}
