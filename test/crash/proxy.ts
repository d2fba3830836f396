/** Stands between one process of the service and the API server: each call may meet a fault on its way. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent, type Dispatcher } from 'undici'
import type { Loose } from '../support/asking.ts'
import type { Wire } from './sites.ts'

/** What came back from the API server. */
export type Reply = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** One call on its way. `pass` delivers it; what `answer` is not called for ends with its connection. */
export type PassingCall = {
  readonly wire: Wire
  readonly pass: () => Promise<Reply>
  readonly answer: (reply: Reply) => void
  readonly cut: () => void
  /** Whether whoever called is still there. */
  readonly isOpen: () => boolean
}
/** What is done with a call; undefined: it is passed on. */
export type OnCall = (call: PassingCall) => Promise<void> | undefined

/** A proxy for one process. */
export type Proxy = { readonly port: number; readonly cut: () => void }

/** Starts it; plain HTTP on this side, so that nothing but the API server's own TLS costs time. */
export async function startProxy(
  api: { readonly url: string; readonly ca: string },
  onCall: OnCall,
): Promise<Proxy> {
  const agent = new Agent({ connect: { ca: api.ca }, connections: 64, headersTimeout: 0, bodyTimeout: 0 })
  let over = false
  const server = createServer((incoming, response) => {
    handle(incoming, response).catch(() => response.destroy())
  })
  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    if (over) return void response.destroy()
    const call = callOf({ incoming, response, body, api: api.url, agent })
    await (onCall(call) ??
      (isWatch(call.wire) ? stream(incoming, response, { api: api.url, agent }) : relay(call)))
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = () => {
    if (over) return
    over = true
    server.close()
    server.closeAllConnections()
    void agent.destroy()
  }
  return { port: (server.address() as AddressInfo).port, cut }
}

/** Whether a call is one that goes on for minutes. */
export const isWatch = ({ url }: Wire): boolean => url.includes('watch=true') || url.includes('watch=1')

/** Passes a call on, and its answer back. */
export async function relay({ pass, answer, isOpen }: PassingCall): Promise<void> {
  const reply = await pass()
  if (isOpen()) answer(reply)
}

type Way = { readonly api: string; readonly agent: Dispatcher }

const kept = [
  'authorization',
  'content-type',
  'accept',
  'user-agent',
  'impersonate-user',
  'impersonate-group',
  'impersonate-uid',
]
const keptBack = ['content-type', 'warning', 'retry-after', 'audit-id', 'date']

const headersOf = ({ headers }: IncomingMessage) =>
  Object.fromEntries(
    kept.flatMap((name) => (headers[name] === undefined ? [] : [[name, String(headers[name])]])),
  )

const backOf = (headers: Dispatcher.ResponseData['headers']): Record<string, string> =>
  Object.fromEntries(
    keptBack.flatMap((name) =>
      headers[name] === undefined ? [] : [[name, [headers[name]].flat().join(', ')]],
    ),
  )

function callOf({
  incoming,
  response,
  body,
  api,
  agent,
}: Way & {
  readonly incoming: IncomingMessage
  readonly response: ServerResponse
  readonly body: Buffer
}): PassingCall {
  const { method = 'GET', url = '/' } = incoming
  const pass = async (): Promise<Reply> => {
    const got = await agent.request({
      origin: api,
      path: url,
      method: method,
      headers: headersOf(incoming),
      ...(body.length === 0 ? {} : { body }),
    })
    return {
      status: got.statusCode,
      headers: backOf(got.headers),
      body: Buffer.from(await got.body.arrayBuffer()),
    }
  }
  return {
    wire: { method, url, body: parsed(body) },
    pass,
    answer: ({ status, headers, body }) => {
      response.writeHead(status, headers)
      response.end(body)
    },
    cut: () => void response.destroy(),
    isOpen: () => !response.destroyed,
  }
}

function parsed(body: Buffer): Loose {
  try {
    return body.length === 0 ? undefined : JSON.parse(body.toString())
  } catch {
    return undefined
  }
}

async function stream(
  incoming: IncomingMessage,
  response: ServerResponse,
  { api, agent }: Way,
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const got = await agent.request({
    origin: api,
    path: incoming.url ?? '/',
    method: 'GET',
    headers: headersOf(incoming),
    signal: gone.signal,
  })
  response.writeHead(got.statusCode, backOf(got.headers))
  response.flushHeaders()
  for await (const chunk of got.body as AsyncIterable<Buffer>) response.write(chunk)
  response.end()
}
