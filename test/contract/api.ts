/** What a case gets: a server to ask, names that nobody else has, and a webhook server that the API server reaches. */
import assert from 'node:assert/strict'
import { Agent } from 'node:https'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { exchange, type Answer, type Endpoint, type Options } from './http.ts'
import { beginWatch, type Watch } from './watch.ts'
import type { HookServer } from './webhook-server.ts'

/** The server under contract, as one case sees it. */
export type Api = {
  readonly request: (method: string, path: string, options?: Options) => Promise<Answer>
  readonly get: (path: string, query?: Options['query']) => Promise<Answer>
  readonly post: (path: string, body: object, query?: Options['query']) => Promise<Answer>
  readonly put: (path: string, body: object, query?: Options['query']) => Promise<Answer>
  readonly patch: (path: string, body: object, options: PatchOptions) => Promise<Answer>
  readonly delete: (path: string, body?: object, query?: Options['query']) => Promise<Answer>
  /** A watch; it is closed at the end of the case. */
  readonly watch: (path: string, query?: Options['query'], silentMs?: number) => Promise<Watch>
  /** Makes a namespace of a fresh name; with labels if given. */
  readonly namespace: (labels?: Readonly<Record<string, string>>) => Promise<string>
  /** A name that nobody else uses. */
  readonly name: (prefix?: string) => string
  /** Tries until `fn` does not throw, for `ms` times the patience; fails with its last error. For what is asynchronous on the real server. */
  readonly eventually: <T>(fn: () => Promise<T>, ms?: number) => Promise<T>
  /** Creates an object that belongs to no namespace, and removes it at the end of the case. */
  readonly borrow: (collection: string, body: Named) => Promise<Answer>
  /** A webhook of this case's own. */
  readonly hook: HookServer['hook']
  /** The webhook that refuses all canaries. */
  readonly ready: HookServer['ready']
  readonly endpoint: Endpoint
  /** The Api of the whole run: what it makes lasts until all cases have ended. The same for all cases. */
  readonly suite: Api
}

type Named = { readonly metadata: { readonly name: string } }
type PatchOptions = { readonly type: keyof typeof patchTypes; readonly query?: Options['query'] }

/** The media types of patches. */
export const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const

/** A connection that cases share. */
export type Connection = {
  /** The Api of one case; `done` takes away what it borrowed. */
  readonly forCase: () => { readonly api: Api; readonly done: () => Promise<void> }
  readonly close: () => Promise<void>
}

/** Asks a server; nothing is sent before the first request. */
export function connect(endpoint: Endpoint, hooks: HookServer): Connection {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  // Fresh in each run: a shared server keeps the names of earlier ones.
  const run = randomBytes(4).toString('hex')
  let count = 0
  const name = (prefix = 'c'): string => `${prefix}-${run}-${(count++).toString(36)}`
  const whole = forCase({ endpoint, agent, name, hooks })
  return {
    forCase: () => forCase({ endpoint, agent, name, hooks, whole }),
    close: async () => {
      await whole.done()
      agent.destroy()
    },
  }
}

type Shared = {
  readonly endpoint: Endpoint
  readonly agent: Agent
  readonly name: (prefix?: string) => string
  readonly hooks: HookServer
  /** Of the whole run; none if this is it. */
  readonly whole?: Made
}

type Made = { readonly api: Api; readonly done: () => Promise<void>; readonly atEnd: (one: Undo) => void }
type Undo = () => unknown

function forCase({ endpoint, agent, name, hooks, whole }: Shared): Made {
  const wire = { endpoint, agent }
  const undo: Undo[] = []
  const atEnd = whole?.atEnd ?? ((one: Undo) => void undo.push(one))
  const request: Api['request'] = (method, path, options) => exchange(wire, [method, path], options)
  const remove = (path: string) => () => request('DELETE', path)
  const api: Api = {
    endpoint,
    get suite() {
      return whole?.api ?? api
    },
    request,
    get: (path, query = {}) => request('GET', path, { query }),
    post: (path, body, query = {}) => request('POST', path, { body, query }),
    put: (path, body, query = {}) => request('PUT', path, { body, query }),
    patch: (path, body, { type, query = {} }) =>
      request('PATCH', path, { body, query, contentType: patchTypes[type] }),
    delete: (path, body, query = {}) =>
      request('DELETE', path, { query, ...(body === undefined ? {} : { body }) }),
    watch: async (path, query = {}, silentMs) => {
      const watch = await beginWatch(wire, path, { query, ...(silentMs === undefined ? {} : { silentMs }) })
      undo.push(watch.close)
      return watch
    },
    namespace: async (labels = {}) => {
      const metadata = { name: name('ns'), labels }
      const made = await request('POST', '/api/v1/namespaces', { body: { metadata } })
      assert.equal(made.status, 201, made.text)
      // Only when all cases have ended: a whole cluster takes seven a second away, and there is a case that waits for one.
      const path = `/api/v1/namespaces/${metadata.name}`
      atEnd(() => request('DELETE', path))
      return metadata.name
    },
    name,
    eventually: (fn, ms = 8000) => eventually(fn, ms * (endpoint.patience ?? 1)),
    borrow: async (collection, body) => {
      const made = await request('POST', collection, { body })
      assert.equal(made.status, 201, made.text)
      undo.push(remove(`${collection}/${body.metadata.name}`))
      return made
    },
    hook: hooks.hook,
    ready: hooks.ready,
  }
  const done = async (): Promise<void> => {
    const settled = await Promise.allSettled(undo.map(async (one) => one()))
    const failures = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    if (failures.length > 0)
      throw new AggregateError(failures, 'what was borrowed could not all be given back')
  }
  return { api, done, atEnd }
}

/** Tries `fn` until it does not throw, for at most `ms`; less often the longer it takes, for many cases wait at once. */
async function eventually<T>(fn: () => Promise<T>, ms: number): Promise<T> {
  const begun = Date.now()
  for (;;) {
    try {
      return await fn()
    } catch (error) {
      const waited = Date.now() - begun
      if (waited > ms) throw error
      await sleep(Math.min(100, Math.max(30, waited / 8)))
    }
  }
}
