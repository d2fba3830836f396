/** An HTTP server on loopback that answers as a test says, and what a client needs to talk to it. */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { createKubeClient } from '../../src/kube/client.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import type { ClusterAccess } from '../../src/kube/access.ts'
import type { Log } from '../../src/log.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** A request as the server saw it. */
export type Seen = {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Answers one request. */
export type Handler = (seen: Seen, response: ServerResponse) => void

/** Starts a server that ends with the test. */
export async function serve(
  t: Test,
  handler: Handler,
): Promise<{ readonly url: string; readonly seen: Seen[] }> {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('error', () => {})
    request.on('end', () => {
      const one = {
        method: request.method ?? '',
        url: new URL(request.url ?? '/', 'http://x'),
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      }
      seen.push(one)
      handler(one, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

/** Writes JSON. */
export function json(
  response: ServerResponse,
  status: number,
  body: Readonly<Record<string, unknown>>,
): void {
  const retryAfter = body['retryAfter']
  const headers = {
    'content-type': 'application/json',
    ...(typeof retryAfter === 'string' ? { 'retry-after': retryAfter } : {}),
  }
  response.writeHead(status, headers).end(JSON.stringify(body))
}

/** A Status object as the API server writes it. */
export const aStatus = (code: number, reason: string, message = reason) => ({
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  code,
  reason,
  message,
})

/** A log that keeps what it is told. */
export function aLog(): Log & { readonly lines: string[] } {
  const lines: string[] = []
  const at = (level: string) => (_: object, message: string) => void lines.push(`${level} ${message}`)
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** Access to a server without any credentials. */
export const anAccess = (server: string, more: Partial<ClusterAccess> = {}): ClusterAccess => ({
  server,
  auth: async () => ({}),
  inCluster: false,
  skipTlsVerify: false,
  warnings: [],
  ...more,
})

/** A client of a server, closed with the test. */
export function aClient(
  t: Test,
  url: string,
  more: Partial<ClusterAccess> = {},
): { client: KubeClient; clock: FakeClock } {
  const clock = new FakeClock()
  const client = createKubeClient({
    access: anAccess(url, more),
    clock,
    log: aLog(),
    userAgent: 'tidewaiter/test',
  })
  t.teardown(() => client.close())
  return { client, clock }
}

/** Turns the event loop until something holds; `each` is done in every turn. Sockets need turns, not time. */
export async function until(
  holds: () => boolean,
  each: () => Promise<void> | void = () => {},
): Promise<void> {
  for (let turn = 0; turn < 200_000; turn++) {
    if (holds()) return
    await each()
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error(`never happened: ${holds.toString()}`)
}
