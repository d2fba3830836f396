/** The application of the demo: a shop that can be quiesced and resumed, over plain HTTP on the loopback. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request that an action made. */
export type ShopCall = {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly body: string
}

/** A running shop. */
export type Shop = {
  readonly url: string
  /** The lag of its replica; above ten seconds it refuses to be quiesced. */
  readonly setLag: (seconds: number) => void
  readonly calls: () => readonly ShopCall[]
  readonly onCall: (listener: (call: ShopCall) => void) => void
  readonly stop: () => Promise<void>
}

const largestBody = 64 << 10
const mostCalls = 1_000
const longestLag = 10

/** Starts it on a free port. */
export async function startShop(): Promise<Shop> {
  const calls: ShopCall[] = []
  const listeners: ((call: ShopCall) => void)[] = []
  let lag = 0
  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = URL.parse(incoming.url ?? '/', 'http://shop') ?? new URL('http://shop/')
    const body = await textOf(incoming)
    if (url.pathname === '/lag' && incoming.method === 'PUT') {
      const seconds = Number(url.searchParams.get('seconds') ?? Number.NaN)
      if (Number.isFinite(seconds)) lag = seconds
      answer(response, 200, { lag })
      return
    }
    const [status, said] = replyTo(url.pathname, lag)
    const call = { method: incoming.method ?? '', path: url.pathname, status, body }
    if (calls.push(call) > mostCalls) calls.shift()
    answer(response, status, said)
    for (const listener of listeners) listener(call)
  }
  const server = createServer((incoming, response) => {
    handle(incoming, response).catch(() => response.destroy())
  })
  await listen(server)
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    setLag: (seconds) => {
      lag = seconds
    },
    calls: () => calls,
    onCall: (listener) => void listeners.push(listener),
    stop: () => stopServer(server),
  }
}

function replyTo(path: string, lag: number): readonly [number, string | object] {
  if (path === '/quiesce') return lag > longestLag ? [503, `replica lag ${lag} s`] : [200, { quiesced: true }]
  const done = { '/resume': 'resumed', '/stop': 'stopped', '/start': 'started' }[path]
  if (done !== undefined) return [200, { [done]: true }]
  return [404, { paths: ['/quiesce', '/resume', '/stop', '/start', 'PUT /lag?seconds=40'] }]
}

function answer(response: ServerResponse, status: number, said: string | object): void {
  const text = typeof said === 'string' ? said : JSON.stringify(said)
  response
    .writeHead(status, { 'content-type': typeof said === 'string' ? 'text/plain' : 'application/json' })
    .end(text)
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > largestBody) throw new Error('too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

const listen = (server: Server): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })

async function stopServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeAllConnections()
  await closed
}
