/** The sockets to the API server: one pool for calls, one for streams, made anew when what TLS needs has rotated. */
import { createSecureContext } from 'node:tls'
import { Pool } from '../lean/undici.ts'
import type { Dispatcher } from '../lean/undici.ts'
import type { ClusterAccess, Credentials } from './access.ts'

/** The two pools of one set of TLS material. */
export type Transport = { readonly calls: Dispatcher; readonly streams: Dispatcher }

/** Hands out the transport for the credentials of the moment. */
export type Transports = {
  /** Throws where the certificates or the key are none. */
  readonly with: (credentials: Credentials) => Transport
  readonly close: () => Promise<void>
}

// Enough for a webhook under load beside the controller; the API server's own limit per client is far higher.
const mostCalls = 16

// The API server closes idle connections after 90 s (net/http IdleTimeout): we do so first, else a write meets a dead one.
const idleMs = 30_000

/** Sockets to one API server. */
export function createTransports(access: ClusterAccess): Transports {
  let held: { readonly key: string; readonly transport: Transport } | undefined
  const retired = new Set<Transport>()
  const retire = async (transport: Transport) => {
    retired.add(transport)
    // Gracefully: calls and watches that run on the former pools end in their own time.
    await Promise.allSettled([transport.calls.close(), transport.streams.close()])
    retired.delete(transport)
  }
  return {
    with: (credentials) => {
      const key = JSON.stringify([credentials.ca, credentials.cert, credentials.key])
      if (held?.key === key) return held.transport
      if (held !== undefined) void retire(held.transport)
      held = { key, transport: open(access, credentials) }
      return held.transport
    },
    close: async () => {
      const open = [...retired, ...(held === undefined ? [] : [held.transport])]
      held = undefined
      await Promise.allSettled(open.flatMap(({ calls, streams }) => [calls.destroy(), streams.destroy()]))
    },
  }
}

function open(access: ClusterAccess, credentials: Credentials): Transport {
  const { origin, protocol } = new URL(access.server)
  const options: Pool.Options = {
    // HTTP/1.1: a stalled stream must not hold up the calls beside it, and undici's HTTP/2 is young.
    allowH2: false,
    pipelining: 1,
    keepAliveTimeout: idleMs,
    keepAliveMaxTimeout: idleMs,
    // Deadlines are ours, by the Clock: see client.ts.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: {
      timeout: 10_000,
      rejectUnauthorized: !access.skipTlsVerify,
      ...(access.serverName === undefined ? {} : { servername: access.serverName }),
      ...(protocol === 'https:' ? { secureContext: contextOf(access, credentials) } : {}),
    },
  }
  return {
    calls: new Pool(origin, { ...options, connections: mostCalls }),
    streams: new Pool(origin, { ...options, connections: null }),
  }
}

// One for all sockets: else each of them would read the certificates again.
function contextOf(access: ClusterAccess, credentials: Credentials) {
  const ca = credentials.ca ?? access.ca
  return createSecureContext({
    ...(ca === undefined ? {} : { ca }),
    ...(credentials.cert === undefined ? {} : { cert: credentials.cert }),
    ...(credentials.key === undefined ? {} : { key: credentials.key }),
  })
}
