/** A small client for these tests: JSON over HTTPS with a bearer token, and watches as arrays that grow. */
import { Agent, request } from 'node:https'
import type { IncomingHttpHeaders } from 'node:http'
import {
  startApiServer,
  type ApiServer,
  type ApiServerOptions,
} from '../../../src/sandbox/apiserver/server.ts'

/** What a server answered: whatever it is, the assertions judge it. */
// oxlint-disable-next-line typescript/no-explicit-any - answers have no type before they are judged
export type Loose = any
export type Reply = { readonly code: number; readonly body: Loose; readonly headers: IncomingHttpHeaders }
export type CallOptions = {
  readonly user?: string
  readonly type?: string
  readonly headers?: Record<string, string>
}

// A connection for each call would take longer than what most calls ask.
const connections = new WeakMap<ApiServer, Agent>()

/** Starts a server that ends with the test. */
export async function started(t: Tap.Test, options: ApiServerOptions = {}): Promise<ApiServer> {
  const started = await startApiServer(options)
  const kept = new Agent({ keepAlive: true })
  const api: ApiServer = {
    ...started,
    // What was kept is closed with it, which may be seen a moment later.
    restart: async (how) => {
      kept.destroy()
      await started.restart(how)
    },
  }
  connections.set(api, kept)
  t.teardown(async () => {
    kept.destroy()
    await api.stop()
  })
  return api
}

declare namespace Tap {
  type Test = { readonly teardown: (work: () => unknown) => void }
}

/** One call. */
export function call(
  api: ApiServer,
  method: string,
  path: string,
  body?: unknown,
  options: CallOptions = {},
): Promise<Reply> {
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
  const token = options.user === '' ? {} : { authorization: `Bearer ${api.token(options.user)}` }
  const headers = {
    ...token,
    ...(text === ''
      ? {}
      : {
          'content-type': options.type ?? 'application/json',
          'content-length': String(Buffer.byteLength(text)),
        }),
    ...options.headers,
  }
  return new Promise((resolve, reject) => {
    const outgoing = request(
      new URL(path, api.url),
      { method, ca: api.ca, headers, agent: connections.get(api) ?? false },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () => {
          const answer = Buffer.concat(chunks).toString('utf8')
          resolve({
            code: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: answer.startsWith('{') ? JSON.parse(answer) : answer,
          })
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.end(text)
  })
}

export type Watching = {
  readonly events: Loose[]
  /** Resolves when so many events have come, or the watch has ended. */
  readonly until: (count: number) => Promise<readonly Loose[]>
  readonly ended: Promise<void>
  readonly close: () => void
}

/** Opens a watch. */
export function watch(api: ApiServer, path: string, options: CallOptions = {}): Promise<Watching> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${api.token(options.user)}`, ...options.headers }
    const outgoing = request(new URL(path, api.url), { ca: api.ca, headers, agent: false }, (incoming) => {
      const events: Loose[] = []
      let [rest, waiting, done] = [
        '',
        [] as { count: number; go: (events: readonly Loose[]) => void }[],
        false,
      ]
      const tell = (): void => {
        waiting = waiting.filter(({ count, go }) => {
          if (!done && events.length < count) return true
          go(events)
          return false
        })
      }
      const ended = new Promise<void>((end) => {
        const over = (): void => {
          done = true
          tell()
          end()
        }
        incoming.on('end', over)
        incoming.on('error', over)
        incoming.on('close', over)
      })
      incoming.on('data', (chunk: Buffer) => {
        const lines = `${rest}${chunk.toString('utf8')}`.split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) events.push(JSON.parse(line))
        tell()
      })
      const until = (count: number): Promise<readonly Loose[]> =>
        new Promise((go) => {
          waiting.push({ count, go })
          tell()
        })
      resolve({ events, until, ended, close: () => outgoing.destroy() })
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

/** A CRD with a rule or two of each sort. */
export const shipCrd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'ships.harbour.example' },
  spec: {
    group: 'harbour.example',
    scope: 'Namespaced',
    names: { plural: 'ships', kind: 'Ship', shortNames: ['sh'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.sails', statusReplicasPath: '.status.sails' },
        },
        additionalPrinterColumns: [{ name: 'Stage', type: 'string', jsonPath: '.spec.stage' }],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            required: ['spec'],
            properties: {
              spec: {
                type: 'object',
                'x-kubernetes-validations': [
                  { rule: 'self.sails <= 9', message: 'nine sails at most' },
                  { rule: 'self.home == oldSelf.home', message: 'the home port stays', fieldPath: '.home' },
                ],
                properties: {
                  stage: { type: 'string', enum: ['Sailing', 'Moored'] },
                  sails: { type: 'integer', default: 3 },
                  home: { type: 'string', default: 'Bremen', maxLength: 10, pattern: '^[A-Z]' },
                  crew: {
                    type: 'array',
                    maxItems: 3,
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['name'],
                    items: {
                      type: 'object',
                      required: ['name'],
                      properties: { name: { type: 'string' }, rank: { type: 'string' } },
                    },
                  },
                  cargo: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                },
              },
              status: {
                type: 'object',
                properties: { sails: { type: 'integer' }, phase: { type: 'string' } },
              },
            },
          },
        },
      },
    ],
  },
}

export const ships = '/apis/harbour.example/v1/namespaces/default/ships'
export const maps = '/api/v1/namespaces/default/configmaps'

/** A Ship. */
export function aShip(
  name: string,
  spec: Record<string, unknown> = {},
  metadata: Record<string, unknown> = {},
): Loose {
  return { apiVersion: 'harbour.example/v1', kind: 'Ship', metadata: { name, ...metadata }, spec }
}

/** A ConfigMap. */
export function aMap(
  name: string,
  data: Record<string, string> = {},
  metadata: Record<string, unknown> = {},
): Loose {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data }
}

/** Asks again until a condition holds; each turn lets the event loop run, no time passes by itself. */
export async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let turn = 0; turn < 200; turn += 1) {
    const found = await look()
    if (found !== undefined) return found
  }
  throw new Error('it did not come to be within 200 looks')
}
