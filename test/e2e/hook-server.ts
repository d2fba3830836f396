/** A server for actions to call, run in a pod, or as a process (hook-process.ts): each key (first part of the path) behaves as it is told, and remembers its calls. */
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'

/** How to answer. Behaviours of one key are used up in order, each `times` (default: for ever). */
export type Behaviour = {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Text as it is; anything else as JSON. */
  readonly body?: unknown
  /** Answers with the value of this header field of the request in the body. */
  readonly echo?: string
  readonly delayMs?: number
  /** The body comes in single bytes, this many milliseconds apart. */
  readonly dripMs?: number
  /** Breaks the connection instead of answering. */
  readonly reset?: boolean
  readonly times?: number
}
/** A request that came. */
export type Call = {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly ended: 'no' | 'answered' | 'client gone'
}

const behaviours = new Map<string, { readonly behaviour: Behaviour; left: number }[]>()
const calls = new Map<string, { -readonly [K in keyof Call]: Call[K] }[]>()

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
const send = (response: ServerResponse, value: unknown) => response.end(JSON.stringify(value))

function next(key: string): Behaviour {
  const list = behaviours.get(key) ?? []
  while (list.length > 1 && (list[0]?.left ?? 0) <= 0) list.shift()
  const [first] = list
  if (first === undefined) return {}
  first.left--
  return first.behaviour
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, first = '', second = ''] = new URL(request.url ?? '/', 'http://hook').pathname.split('/')
  const key = decodeURIComponent(second)
  if (first === 'behave' && request.method === 'PUT') {
    const list = JSON.parse(await textOf(request)) as Behaviour[]
    behaviours.set(
      key,
      list.map((behaviour) => ({ behaviour, left: behaviour.times ?? Number.POSITIVE_INFINITY })),
    )
    return void send(response, {})
  }
  if (first === 'calls' && request.method === 'GET') return void send(response, calls.get(key) ?? [])
  if (first === '') return void send(response, { ready: true })
  await called(decodeURIComponent(first), request, response)
}

async function called(key: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const call = {
    method: request.method ?? '',
    path: request.url ?? '',
    headers: Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    ),
    body: '',
    at: Date.now(),
    ended: 'no' as Call['ended'],
  }
  calls.set(key, [...(calls.get(key) ?? []), call])
  response.on('close', () => (call.ended = response.writableFinished ? 'answered' : 'client gone'))
  call.body = await textOf(request)
  const { status = 200, headers = {}, body = { ok: true }, echo, delayMs = 0, dripMs, reset } = next(key)
  if (delayMs > 0) await sleep(delayMs)
  if (reset === true) return void request.socket.destroy()
  const value = echo === undefined ? body : `you sent ${call.headers[echo]}`
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const type = typeof value === 'string' ? 'text/plain' : 'application/json'
  response.writeHead(status, { 'content-type': type, ...headers })
  for (const byte of dripMs === undefined ? [] : text) {
    if (response.destroyed) return
    response.write(byte)
    await sleep(dripMs ?? 0)
  }
  response.end(dripMs === undefined ? text : '')
}

const handle = (request: IncomingMessage, response: ServerResponse) => {
  answer(request, response).catch((error: unknown) => {
    console.error(error)
    response.destroy()
  })
}
const tls = process.env['HOOK_TLS'] ?? '/tls'
createServer(handle).listen(8090)
createSecureServer(
  { cert: readFileSync(`${tls}/tls.crt`), key: readFileSync(`${tls}/tls.key`) },
  handle,
).listen(8443)
