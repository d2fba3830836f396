/** The least client for a real API server: for tests that must not go through our own. */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Agent, request } from 'undici'
import { parse } from 'yaml'

/** What the API server answered. */
export type Answer = { readonly status: number; readonly body: unknown }

/** One request: `type` is the content type of the body (JSON unless told). */
export type Call = {
  readonly method: string
  readonly path: string
  readonly body?: unknown
  readonly type?: string
}

/** A client of one API server; `close` ends its connections. */
export type KubeClient = {
  readonly call: (call: Call) => Promise<Answer>
  readonly close: () => Promise<void>
}

type Entry = Readonly<Record<string, unknown>>

const text = (entry: Entry, key: string): string | undefined =>
  typeof entry[key] === 'string' ? entry[key] : undefined

/** A client from a kubeconfig file: its current context, with a token or a client certificate. */
export function kubeClient(file: string): KubeClient {
  const config = parse(readFileSync(file, 'utf8'))
  const named = (list: readonly Entry[], name: unknown) => list.find((entry) => entry['name'] === name)
  const context = named(config.contexts, config['current-context'])?.['context'] as Entry
  const cluster = named(config.clusters, context['cluster'])?.['cluster'] as Entry
  const user = named(config.users, context['user'])?.['user'] as Entry
  const pem = (entry: Entry, key: string): string | undefined => {
    const inline = text(entry, `${key}-data`)
    if (inline !== undefined) return Buffer.from(inline, 'base64').toString()
    const path = text(entry, key)
    return path === undefined ? undefined : readFileSync(resolve(dirname(file), path), 'utf8')
  }
  const files = {
    ca: pem(cluster, 'certificate-authority'),
    cert: pem(user, 'client-certificate'),
    key: pem(user, 'client-key'),
  }
  const connect = Object.fromEntries(Object.entries(files).filter(([, value]) => value !== undefined))
  const agent = new Agent({ connect, connections: 4, bodyTimeout: 30_000, headersTimeout: 30_000 })
  const token = text(user, 'token')
  const server = text(cluster, 'server') ?? ''
  return {
    close: () => agent.close(),
    call: async ({ method, path, body, type = 'application/json' }) => {
      const headers = {
        'content-type': type,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      }
      const sent = body === undefined ? {} : { body: JSON.stringify(body) }
      const answer = await request(new URL(path, server), { method, headers, dispatcher: agent, ...sent })
      const got = await answer.body.text()
      return { status: answer.statusCode, body: got.startsWith('{') ? JSON.parse(got) : got }
    },
  }
}
