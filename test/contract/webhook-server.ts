/** A real HTTPS server for the webhooks of cases: each case gets paths of its own and answers as it likes. */
import { createServer } from 'node:https'
import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { mintAuthority, mintLeaf } from '../../src/tls/authority.ts'
import type { Json } from './http.ts'

/** What a webhook was asked. */
export type Asked = {
  /** The AdmissionReview's request. */
  readonly request: Json
  readonly review: Json
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
}

/** What a webhook does: the fields of an AdmissionReview's response, or something that is no answer. */
export type Reply =
  | { readonly response: Json }
  | { readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> }
  | 'hang'
  | 'cut'

/** One webhook of a case. */
export type Hook = {
  readonly clientConfig: { readonly url: string; readonly caBundle: string }
  /** What came in so far, without canaries. */
  readonly asked: readonly Asked[]
  /** How many callers went away before they were answered. */
  readonly abandoned: () => number
}

/** The server and its hooks. */
export type HookServer = {
  readonly hook: (answer: (asked: Asked) => Reply | Promise<Reply>) => Hook
  /** Refuses all: for the entry of a registration that is asked about the canary alone. */
  readonly ready: Hook
  readonly close: () => Promise<void>
}

/** Admits. */
export const admit: Reply = { response: { allowed: true } }
/** Refuses with a message. */
export const refuse = (message: string): Reply => ({ response: { allowed: false, status: { message } } })
/** Admits with a JSON patch. */
export const patching = (...operations: readonly object[]): Reply => ({
  response: {
    allowed: true,
    patchType: 'JSONPatch',
    patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
  },
})

/** The label of an object that only asks whether a registration acts yet; its value names the registration. */
export const canaryLabel = 'contract-canary'

type Route = {
  readonly asked: Asked[]
  readonly answer: (asked: Asked) => Reply | Promise<Reply>
  readonly hearsCanaries: boolean
  gone: number
}

/** Starts the server on a free port of loopback. */
export async function startHookServer(): Promise<HookServer> {
  const now = Date.now()
  const authority = await mintAuthority({ name: 'contract', now })
  const leaf = await mintLeaf({ authority, names: ['127.0.0.1', 'localhost'], now })
  const routes = new Map<string, Route>()
  const server = createServer({ ...leaf }, (incoming, outgoing) => void serve(routes, incoming, outgoing))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const hook = (answer: Route['answer'], hearsCanaries = false): Hook => {
    const path = `/${randomBytes(8).toString('hex')}`
    const route: Route = { asked: [], answer, hearsCanaries, gone: 0 }
    routes.set(path, route)
    return {
      clientConfig: {
        url: `https://127.0.0.1:${port}${path}`,
        caBundle: Buffer.from(authority.cert).toString('base64'),
      },
      asked: route.asked,
      abandoned: () => route.gone,
    }
  }
  return {
    hook: (answer) => hook(answer),
    ready: hook(() => refuse('canary'), true),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function serve(
  routes: ReadonlyMap<string, Route>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const url = new URL(incoming.url ?? '/', 'https://localhost')
  const route = routes.get(url.pathname)
  const review = JSON.parse((await incoming.setEncoding('utf8').toArray()).join('') || '{}')
  if (route === undefined) return void outgoing.writeHead(404).end()
  outgoing.on('close', () => (route.gone += outgoing.writableFinished ? 0 : 1))
  const asked = { request: review.request, review, query: url.searchParams, headers: incoming.headers }
  const isCanary = review.request?.object?.metadata?.labels?.[canaryLabel] !== undefined
  if ((isCanary || isOfCluster(review)) && !route.hearsCanaries) return send(outgoing, admit, review)
  route.asked.push(asked)
  send(outgoing, await route.answer(asked), review)
}

// The controller manager of a whole cluster puts this into every namespace, as the user of its kubeconfig.
const isOfCluster = (review: Json): boolean => review.request?.name === 'kube-root-ca.crt'

function send(outgoing: ServerResponse, reply: Reply, review: Json): void {
  if (reply === 'hang') return
  if (reply === 'cut') return void outgoing.destroy()
  if ('status' in reply) return void outgoing.writeHead(reply.status, reply.headers).end(reply.body)
  const response = { uid: review.request.uid, ...reply.response }
  outgoing
    .writeHead(200, { 'content-type': 'application/json' })
    .end(JSON.stringify({ apiVersion: review.apiVersion, kind: 'AdmissionReview', response }))
}
