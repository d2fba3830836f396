/** A whole system for tests, in this process: API server, Velero stand-in, the service, and a server for its actions to call. */
import { writeFileSync } from 'node:fs'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Clock } from '../../src/clock.ts'
import { parseConfig } from '../../src/config.ts'
import type { Log } from '../../src/log.ts'
import type { ApiServer } from '../../src/sandbox/apiserver/server.ts'
import type { Snapshot } from '../../src/sandbox/apiserver/storage/store.ts'
import { startCluster as startSandbox, type ClusterOptions, type Cluster } from '../../src/sandbox/start.ts'
import { startService } from '../../src/service.ts'
import type { Service } from '../../src/wiring/life.ts'
import { mayBecome } from './accounts.ts'
import { callerOf, eventually, type Call } from './asking.ts'
import { fastClock } from './fast-clock.ts'
import { firstState } from './first-state.ts'
import { freePort, isFree } from './free-port.ts'

/** How the hook server answers; behaviours are used up in order, each `times` (default: for ever). */
export type Behaviour = {
  readonly status?: number
  readonly body?: unknown
  /** Answers only after this resolved: a test holds an action back with it. */
  readonly after?: Promise<unknown>
  readonly times?: number
}
/** A call that came to the hook server. */
export type HookCall = {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A server for actions to call: each path behaves as it is told, and remembers its calls. */
export type Hooks = {
  readonly url: string
  readonly behave: (path: string, ...behaviours: readonly Behaviour[]) => void
  readonly calls: (path?: string) => readonly HookCall[]
  /** Resolves when this many calls have come to a path. */
  readonly called: (path: string, times?: number) => Promise<void>
}

/** A running system. */
export type System = {
  readonly api: ApiServer
  /** The time of all that runs in it. */
  readonly clock: Clock
  readonly velero: Cluster['velero']
  readonly hooks: Hooks
  /** The service that was started with it. */
  readonly service: Running
  /** One more service, or the next one after `kill`. */
  readonly startService: () => Promise<Running>
  readonly call: Call
  /** Lines of the service's log, newest last. */
  readonly logged: () => readonly string[]
}
/** A service of a system. */
export type Running = Service & {
  /** Cuts it off from the API server and stops it: nothing that it had not written by now is ever written. */
  readonly kill: () => Promise<void>
}

/** How to start. */
export type SystemOptions = Pick<ClusterOptions, 'velero' | 'objects'> & {
  /** How much faster than on the wall time passes in the whole system: leases and deadlines need not be waited for. */
  readonly speed?: number
  /** false: no service is started yet. */
  readonly service?: boolean
  /** The accounts of Velero's namespace that the service may act for; all that there are, unless told. */
  readonly becomes?: readonly string[]
  /** More environment for the service. */
  readonly env?: Readonly<Record<string, string>>
  /** More flags for it. */
  readonly flags?: Readonly<Record<string, string>>
}

let first: Promise<Snapshot> | undefined

/** Starts a system; ends it after the test. */
export async function startCluster(t: Test, options: SystemOptions = {}): Promise<System> {
  const lines: string[] = []
  const rights = options.becomes === undefined ? { groups: ['system:masters'] } : { grants: allBut }
  const users = [{ name: 'tidewaiter', token: 'token-of-tidewaiter', ...rights }]
  const clock = fastClock(options.speed ?? 1)
  const cluster = await startSandbox({
    users,
    clock,
    state: await (first ??= firstState()),
    objects: [
      namespace('shop'),
      ...(options.becomes === undefined ? [] : mayBecome(options.becomes)),
      ...(options.objects ?? []),
    ],
    velero: { ...options.velero, settings: { runMs: 20, ...options.velero?.settings } },
  })
  t.teardown(() => cluster.stop())
  const hooks = await startHooks(t)
  const folder = t.testdir()
  const webhookPort = await freePort()
  const start = (): Promise<Running> =>
    runService(t, {
      folder,
      lines,
      api: cluster.api,
      webhookPort,
      clock,
      env: options.env ?? {},
      flags: options.flags ?? {},
    })
  const absent = async (): Promise<never> => {
    throw new Error('no service was started with this system')
  }
  const none = {
    ports: { webhook: undefined, metrics: 0, dashboard: undefined },
    ready: () => false,
    stop: absent,
    kill: absent,
  }
  return {
    api: cluster.api,
    clock,
    velero: cluster.velero,
    hooks,
    service: options.service === false ? none : await start(),
    startService: start,
    call: callerOf(t, cluster.api),
    logged: () => lines,
  }
}

const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection']
/** Everything but to act for others. */
const allBut = [
  { verbs: [...verbs, 'skip', 'release'], resources: ['*'] },
  { verbs, resources: ['*'], subresources: ['*'] },
]

const namespace = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })

type ServiceWorld = {
  readonly folder: string
  readonly lines: string[]
  readonly api: ApiServer
  readonly webhookPort: number
  readonly clock: Clock
  readonly env: Readonly<Record<string, string>>
  readonly flags: Readonly<Record<string, string>>
}

/** All services of a system are one install: one webhook URL, which the first that lives listens on. */
async function runService(
  t: Test,
  { folder, lines, api, webhookPort, clock, env, flags }: ServiceWorld,
): Promise<Running> {
  const line = await startLine(t, Number(new URL(api.url).port))
  const kubeconfig = join(folder, `kubeconfig-${line.port}`)
  const text = api.kubeconfig('tidewaiter', 'velero')
  writeFileSync(kubeconfig, text.replace(api.url, `https://127.0.0.1:${line.port}`))
  const port = (await isFree(webhookPort)) ? webhookPort : await freePort()
  const config = parseConfig(
    {
      kubeconfig,
      listen: `127.0.0.1:${port}`,
      'metrics-listen': '127.0.0.1:0',
      'webhook-url': `https://127.0.0.1:${webhookPort}`,
      roles: 'webhook,controller',
      ...flags,
    },
    env,
  )
  const service = await startService(config, {
    clock,
    log: logInto(lines),
    env: {},
    version: '0.0.0-test',
    hostname: 'test',
  })
  let stopped: Promise<void> | undefined
  const stop = () => (stopped ??= service.stop())
  t.teardown(stop)
  await eventually('the service is ready', () => service.ready() || undefined)
  const kill = async () => {
    line.cut()
    await stop()
  }
  return { ...service, stop, kill }
}

function logInto(lines: string[]): Log {
  const add = (level: string) => (fields: object, message: string) =>
    void lines.push(`${level} ${message} ${JSON.stringify(fields, plainError)}`)
  return { debug: add('debug'), info: add('info'), warn: add('warn'), error: add('error') }
}
const plainError = (_: string, value: unknown): unknown =>
  value instanceof Error ? { message: value.message, stack: value.stack } : value

async function startHooks(t: Test): Promise<Hooks> {
  const calls: HookCall[] = []
  const told = new Map<string, { readonly behaviour: Behaviour; left: number }[]>()
  const next = (path: string): Behaviour => {
    const list = told.get(path) ?? []
    while (list.length > 1 && (list[0]?.left ?? 0) <= 0) list.shift()
    const [first] = list
    if (first === undefined) return {}
    first.left -= 1
    return first.behaviour
  }
  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = incoming.url ?? '/'
    const chunks: Buffer[] = []
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
    calls.push({ path, headers: incoming.headers, body: Buffer.concat(chunks).toString() })
    const { status = 200, body = { ok: true }, after } = next(path)
    await after
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
  const server = createHttpServer((incoming, response) => {
    answer(incoming, response).catch(() => response.destroy())
  })
  const port = await listening(server)
  t.teardown(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const of = (path?: string) => calls.filter((one) => path === undefined || one.path === path)
  return {
    url: `http://127.0.0.1:${port}`,
    behave: (path, ...list) =>
      void told.set(
        path,
        list.map((behaviour) => ({ behaviour, left: behaviour.times ?? Infinity })),
      ),
    calls: of,
    called: async (path, times = 1) =>
      void (await eventually(`${times} calls of ${path}`, () => of(path).length >= times || undefined)),
  }
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** The line between one service and the API server, to be cut. */
async function startLine(t: Test, to: number) {
  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
    return socket
  }
  const server = createServer((near) => {
    const far = keep(connect(to, '127.0.0.1'))
    keep(near).pipe(far).pipe(near)
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
  })
  const port = await listening(server)
  const cut = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  t.teardown(cut)
  return { port, cut }
}
