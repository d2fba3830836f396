/** The sandbox's API server: starts, serves, seeds, restarts and stops. */
import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { makeTransport } from './admission/connections.ts'
import { Users, type TokenUser } from './authn/users.ts'
import { authorizerOf } from './authz/authorize.ts'
import { startControllers } from './background/controllers.ts'
import { systemClock, type Clock } from './clock.ts'
import { Faults } from './faults/faults.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import { kubeconfigOf } from './kubeconfig.ts'
import { Catalog } from './resources/catalog.ts'
import { handle, type Rim, type Seen } from './rest/http.ts'
import { firstObjects, plant } from './seed.ts'
import { Store, usualLimits, type Snapshot, type StoreLimits } from './storage/store.ts'
import { makeIdentity, type ServerIdentity } from './tls/certificate.ts'
import type { World } from './world.ts'

/** How to start; everything has a default. */
export type ApiServerOptions = {
  /** Address and port; port 0 is any free one. */
  readonly listen?: string
  /** Who may log in beside `admin` (group system:masters). */
  readonly users?: readonly TokenUser[]
  /** What an earlier server's `snapshot()` gave. */
  readonly state?: Snapshot
  readonly clock?: Clock
  /** Where Services stand, for webhooks: `namespace/name` or `namespace/name:port` to an https URL. */
  readonly services?: Readonly<Record<string, string>>
  readonly limits?: Partial<StoreLimits>
  /** How long a request other than a watch may take; the real server gives 34 s. */
  readonly requestTimeoutMs?: number
  /** How often watches get bookmarks; about a minute on the real server. */
  readonly bookmarkMs?: number
  /** Whether namespaces are emptied and garbage is collected, as a controller manager does; they are unless told. */
  readonly controllers?: boolean
}

/** A running server. */
export type ApiServer = {
  readonly url: string
  /** The certificate authority that clients trust, in PEM. */
  readonly ca: string
  readonly faults: Faults
  /** A kubeconfig for one of the users. */
  readonly kubeconfig: (user?: string, namespace?: string) => string
  /** The token of one of the users. */
  readonly token: (user?: string) => string
  /** Lets one more user log in. */
  readonly addUser: (user: TokenUser) => void
  /** Says where a Service stands, for webhooks. */
  readonly setService: (name: string, url: string) => void
  /** Stores objects without admission; missing namespaces are made. CRDs first. */
  readonly seed: (objects: readonly unknown[]) => void
  /** One stored object, for assertions. */
  readonly read: (resource: string, namespace: string, name: string) => JsonObject | undefined
  /** Calls back after each request. */
  readonly onRequest: (listener: (seen: Seen) => void) => () => void
  /** Everything that is stored. */
  readonly snapshot: () => Snapshot
  /** Forgets the past: older resourceVersions are answered with 410. */
  readonly compact: () => void
  /** Closes all connections and serves again on the same port; state is kept unless told otherwise. */
  readonly restart: (how?: { readonly keepState?: boolean }) => Promise<void>
  readonly stop: () => Promise<void>
}

type Running = { readonly world: World; readonly server: Server; readonly stop: () => Promise<void> }

// A token of its own for each process: whoever reaches the port is not an administrator for that.
const admin: TokenUser = {
  name: 'admin',
  token: randomBytes(16).toString('hex'),
  groups: ['system:masters'],
}

/** Starts a server; it answers when this resolves. */
export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const clock = options.clock ?? systemClock
  const [host, port] = addressOf(options.listen ?? '127.0.0.1:0')
  const identity = makeIdentity([...new Set(['localhost', '127.0.0.1', '::1', host])], clock.now())
  const users = new Users([admin, ...(options.users ?? [])])
  const faults = new Faults()
  const listeners = new Set<(seen: Seen) => void>()
  const transport = makeTransport(options.services ?? {})
  const start = async (state: Snapshot | undefined, at: number): Promise<Running> => {
    const world = makeWorld(options, { clock, users, state, transport })
    const onRequest = (seen: Seen): void => {
      for (const listener of listeners) listener(seen)
    }
    const manager = options.controllers ?? true
    return serve({ world, faults, onRequest }, { host, port: at, identity, manager })
  }
  let running = await start(options.state, port)
  const chosen = (running.server.address() as AddressInfo).port
  const url = `https://${host.includes(':') ? `[${host}]` : host}:${chosen}`
  const tokenOf = (name = 'admin'): string => {
    const found = users.find(name)
    if (found === undefined)
      throw new Error(`there is no user ${JSON.stringify(name)}; the users are ${users.names().join(', ')}`)
    return found.token
  }
  return {
    url,
    ca: identity.ca,
    faults,
    kubeconfig: (user = 'admin', namespace = 'default') =>
      kubeconfigOf({ url, ca: identity.ca, user, token: tokenOf(user), namespace }),
    token: tokenOf,
    addUser: (user) => users.add(user),
    setService: (name, to) => transport.setService(name, to),
    seed: (objects) => plant(running.world, objects.map(asObject)),
    read: (resource, namespace, name) =>
      running.world.store.get(resource, namespace === '' ? name : `${namespace}\0${name}`),
    onRequest: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    snapshot: () => running.world.store.snapshot(),
    compact: () => running.world.store.compact(),
    restart: async ({ keepState = true } = {}) => {
      const state = keepState ? running.world.store.snapshot() : undefined
      await running.stop()
      running = await start(state, chosen)
    },
    stop: async () => {
      faults.clear()
      await running.stop()
      transport.close()
    },
  }
}

function addressOf(listen: string): readonly [string, number] {
  const colon = listen.lastIndexOf(':')
  const port = Number(listen.slice(colon + 1))
  if (colon < 0 || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new TypeError(
      `listen must be an address and a port such as 127.0.0.1:0, got ${JSON.stringify(listen)}`,
    )
  }
  return [listen.slice(0, colon).replace(/^\[(.*)\]$/, '$1') || '127.0.0.1', port]
}

// Callers seed with plain objects of their own types; a round trip through JSON makes them values of ours.
function asObject(value: unknown): JsonObject {
  const parsed = JSON.parse(JSON.stringify(value)) as Json
  if (!isObject(parsed))
    throw new TypeError(`an object to seed must be a Kubernetes object, got ${JSON.stringify(value)}`)
  return parsed
}

type Parts = {
  readonly clock: Clock
  readonly users: Users
  readonly state: Snapshot | undefined
  readonly transport: World['webhooks']
}

function makeWorld(options: ApiServerOptions, { clock, users, state, transport }: Parts): World {
  const store = new Store({ ...usualLimits, ...options.limits }, state)
  const world: World = {
    store,
    catalog: new Catalog(store),
    users,
    authorize: authorizerOf(store, users),
    clock,
    webhooks: transport,
    requestTimeoutMs: options.requestTimeoutMs ?? 34_000,
    bookmarkMs: options.bookmarkMs ?? 60_000,
  }
  if (state === undefined) plant(world, firstObjects)
  return world
}

type Where = {
  readonly host: string
  readonly port: number
  readonly identity: ServerIdentity
  readonly manager: boolean
}

async function serve(rim: Rim, { host, port, identity, manager }: Where): Promise<Running> {
  const stopControllers = startControllers(rim.world, { manager })
  // HTTP/1.1 only: enough for every client, and each watch has its own connection to cut.
  const server = createServer(
    { key: identity.key, cert: identity.cert, ALPNProtocols: ['http/1.1'] },
    (incoming, response) => {
      void handle(rim, incoming, response)
    },
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const stop = async (): Promise<void> => {
    stopControllers()
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    // Not closeAllConnections: it leaves out those in the middle of their TLS handshake, which would then be served by a world that has ended.
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return { world: rim.world, server, stop }
}
