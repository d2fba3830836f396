/** Opens a connection to exactly the address that was judged. */
import net from 'node:net'
import tls from 'node:tls'
import type { Address } from '../core/egress-address.ts'
import type { Route } from './target.ts'

/** An open connection: a finished TLS handshake if the route is secure. */
export type Connection = net.Socket

/** Opens it; rejects with the socket's error, or with the signal's reason. A socket that lost is destroyed. */
export async function connect(
  route: Route,
  address: Address,
  { context, signal }: { readonly context: tls.SecureContext | undefined; readonly signal: AbortSignal },
): Promise<Connection> {
  signal.throwIfAborted()
  const socket = route.secure ? secureSocket(route, address, context) : plainSocket(route, address)
  const { promise, resolve, reject } = Promise.withResolvers<Connection>()
  const stop = () => reject(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  // Stays for the socket's whole life: an error between two owners must not end the process.
  socket.on('error', reject)
  socket.once('close', () => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' })))
  socket.once(route.secure ? 'secureConnect' : 'connect', () => resolve(socket))
  try {
    return await promise
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function plainSocket({ port }: Route, address: Address): net.Socket {
  // An address, not a name: Node connects to it without a lookup, so no second answer of a name server counts.
  return net.connect({ host: address.text, port, noDelay: true })
}

function secureSocket(
  { host, port }: Route,
  address: Address,
  context: tls.SecureContext | undefined,
): tls.TLSSocket {
  return tls.connect({
    host: address.text,
    port,
    // SNI takes no address (RFC 6066 3).
    ...(net.isIP(host) === 0 ? { servername: host } : {}),
    checkServerIdentity: (_address, certificate) => tls.checkServerIdentity(host, certificate),
    // Said outright, so that NODE_TLS_REJECT_UNAUTHORIZED cannot say otherwise.
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    ...(context === undefined ? {} : { secureContext: context }),
  })
}
