/**
 * The one address of the webhooks, with a look at what is asked: each connection goes to the next process that is ready, as a Service's would,
 * and each call may meet a fault on its way. It shows the certificate that the install keeps, and takes from a process nothing else.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Agent, request } from 'node:https'
import { createServer as createDoor, type AddressInfo, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { TLSSocket } from 'node:tls'
import type { Balancer } from './balancer.ts'
import { relay, type PassingCall, type Reply } from './proxy.ts'

/** What the install shows, and what its certificates are signed by. */
export type Shown = { readonly key: string; readonly cert: string; readonly ca: string }

/** What it asks of whoever starts it. */
export type AdmissionWorld = {
  /** The processes that may be called at this moment, by their ports. */
  readonly ports: () => readonly number[]
  /** Undefined: there is nothing to show yet. */
  readonly shown: () => Shown | undefined
  /** What is done with a call to a process; what it does not take is passed on. */
  readonly onCall: (port: number, call: PassingCall) => Promise<void> | undefined
}

type Way = { readonly port: number; readonly agent: Agent; readonly hangUp: () => void }

/** Starts it. */
export async function startAdmission({ ports, shown, onCall }: AdmissionWorld): Promise<Balancer> {
  const ways = new Map<Socket, Way>()
  let turn = 0
  const web = createServer((incoming, response) => {
    const way = ways.get(incoming.socket)
    if (way === undefined) return void response.destroy()
    callOf(way, incoming, response)
      .then((call) => onCall(way.port, call) ?? relay(call))
      .catch(() => response.destroy())
  })
  // As the service: who closes first loses requests.
  web.keepAliveTimeout = 95_000
  const door = createDoor((raw) => {
    raw.on('error', () => raw.destroy())
    const open = ports()
    const port = open[(turn += 1) % Math.max(1, open.length)]
    const pair = shown()
    if (port === undefined || pair === undefined) return void raw.destroy()
    const near = new TLSSocket(raw, { isServer: true, key: pair.key, cert: pair.cert })
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: pair.ca })
    const hangUp = () => void near.destroy()
    ways.set(near, { port, agent, hangUp })
    near.on('error', hangUp)
    near.once('close', () => {
      ways.delete(near)
      agent.destroy()
    })
    web.emit('connection', near)
  })
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve))
  const stop = async () => {
    const closed = new Promise<void>((resolve) => door.close(() => resolve()))
    for (const near of ways.keys()) near.destroy()
    await closed
  }
  return { port: (door.address() as AddressInfo).port, stop }
}

async function callOf(way: Way, incoming: IncomingMessage, response: ServerResponse): Promise<PassingCall> {
  const { url = '/' } = incoming
  const body = await text(incoming)
  return {
    wire: { method: 'POST', url, body: JSON.parse(body) },
    pass: () => ask(way, { url, body, response }),
    answer: ({ status, headers, body: said }) => {
      response.writeHead(status, headers)
      response.end(said)
    },
    cut: () => void response.destroy(),
    isOpen: () => !response.destroyed,
  }
}

type Asked = { readonly url: string; readonly body: string; readonly response: ServerResponse }

/** Asks the process; who asked may give it up, and the process may die: either ends both connections. */
function ask({ port, agent, hangUp }: Way, { url, body, response }: Asked): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const asking = request(
      { host: '127.0.0.1', port, path: url, method: 'POST', agent, headers: sent },
      (answer) => {
        const headers = { 'content-type': answer.headers['content-type'] ?? 'application/json' }
        const reply = (said: string) => ({ status: answer.statusCode ?? 0, headers, body: Buffer.from(said) })
        resolve(text(answer).then(reply))
      },
    )
    response.once('close', () => asking.destroy())
    asking.once('socket', (far) => {
      // One for all calls of a connection.
      if (!far.listeners('close').includes(hangUp)) far.once('close', hangUp)
    })
    asking.on('error', reject)
    asking.end(body)
  })
}
