/** Opens a connection to exactly the address that was judged. */
import net from 'node:net'
import tls from 'node:tls'
import type { Address } from '../core/egress-address.ts'
import type { Route } from './target.ts'
import { tunnel } from './tunnel.ts'

/** An open connection: a finished TLS handshake if the route is secure. */
export type Connection = net.Socket

type Opening = { readonly context: tls.SecureContext | undefined; readonly signal: AbortSignal }

/** Opens it; rejects with the socket's error, or with the signal's reason. A socket that lost is destroyed. */
export async function connect(
  route: Route,
  address: Address,
  { context, signal }: Opening,
): Promise<Connection> {
  signal.throwIfAborted()
  const { proxy } = route
  if (proxy === undefined) {
    return route.secure
      ? await opened(
          secureSocket(route, { host: address.text, port: route.port }, context),
          'secureConnect',
          signal,
        )
      : await opened(plainSocket(address, route.port), 'connect', signal)
  }
  const socket = await opened(plainSocket(address, proxy.port), 'connect', signal)
  await tunnel(socket, { proxy, host: route.host, port: route.port }, signal)
  return route.secure
    ? await opened(secureSocket(route, { socket }, context), 'secureConnect', signal)
    : socket
}

/** The socket once the event has come. */
async function opened<T extends net.Socket>(socket: T, event: string, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const stop = () => reject(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  // Stays for the socket's whole life: an error between two owners must not end the process.
  socket.on('error', reject)
  socket.once('close', () => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' })))
  socket.once(event, () => resolve(socket))
  try {
    return await promise
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function plainSocket(address: Address, port: number): net.Socket {
  // An address, not a name: Node connects to it without a lookup, so no second answer of a name server counts.
  return net.connect({ host: address.text, port, noDelay: true })
}

function secureSocket(
  { host }: Route,
  to: { readonly host: string; readonly port: number } | { readonly socket: net.Socket },
  context: tls.SecureContext | undefined,
): tls.TLSSocket {
  return tls.connect({
    ...to,
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
