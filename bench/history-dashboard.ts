/** A dashboard as it is installed, for measurements: a process of its own that reads a cluster, and people who look at it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { Agent, request, type Dispatcher } from 'undici'
import { kubeClient, type KubeClient } from '../test/support/kubeconfig.ts'
import { namespaces } from './history-decisions.ts'
import { maxMib, quick } from './history-file.ts'
import { ended, freePort, launch, memoryOf } from './processes.ts'

/** How many Backups the cluster has, each with two runs. */
export const backups = quick ? 200 : 2000

/** A cluster, and what is to be done when all is over. */
export type Cluster = {
  readonly folder: string
  readonly kubeconfig: string
  readonly client: KubeClient
  readonly undo: (() => unknown)[]
}

/** Starts the cluster. Whoever starts it does what is in `undo`, the last first. */
export async function startCluster(): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'tidewaiter-bench-'))
  const undo: (() => unknown)[] = [() => rmSync(folder, { recursive: true })]
  const { child, says } = launch(['bench/history-cluster.ts', folder, String(backups)])
  undo.push(() => ended(child))
  await says('the cluster runs')
  const kubeconfig = join(folder, 'kubeconfig')
  const client = kubeClient(kubeconfig)
  undo.push(client.close)
  return { folder, kubeconfig, client, undo }
}

/** A token for the dashboard. */
export async function tokenOf({ client }: Cluster, namespace: string, account: string): Promise<string> {
  const { status, body } = await client.call({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: ['tidewaiter'], expirationSeconds: 7200 },
    },
  })
  if (status !== 201) throw new Error(`a token must be made, got ${status} ${JSON.stringify(body)}`)
  return (body as { readonly status: { readonly token: string } }).status.token
}

/** A dashboard that was started. */
export type Dashboard = {
  readonly url: string
  readonly memory: () => number
  /** What its process says of itself: the event loop since the last time this was asked, in milliseconds. */
  readonly loop: () => Promise<{ readonly p99: number; readonly max: number }>
  readonly ready: () => Promise<void>
  /** What it has warned of. */
  readonly said: () => string
  readonly stop: (signal?: 'SIGINT' | 'SIGKILL') => Promise<void>
}

/** Starts the dashboard; it may not listen yet. */
export async function startDashboard({ kubeconfig, undo }: Cluster, file: string): Promise<Dashboard> {
  const [port, metrics] = [await freePort(), await freePort()]
  const flags = {
    kubeconfig,
    roles: 'dashboard',
    'velero-namespace': namespaces.join(','),
    'dashboard-listen': `127.0.0.1:${port}`,
    'metrics-listen': `127.0.0.1:${metrics}`,
    'history-file': file,
    'history-mib': String(maxMib),
    // A file that is kept between measurements is not to lose its oldest day.
    'history-days': '3650',
    'log-level': 'warn',
  }
  const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value])
  const { child, said } = launch(['src/main.ts', 'serve', ...args], {
    env: { VELERO_PLUGINS_ENABLED: 'true' },
  })
  undo.push(() => ended(child))
  const ops = async (path: string) => request(`http://127.0.0.1:${metrics}${path}`)
  return {
    url: `http://127.0.0.1:${port}`,
    memory: () => memoryOf(child),
    loop: async () => {
      const text = await (await ops('/metrics')).body.text()
      const lag = (name: string) =>
        Number(new RegExp(`^tidewaiter_nodejs_eventloop_lag_${name}_seconds (\\S+)$`, 'm').exec(text)?.[1]) *
        1000
      return { p99: lag('p99'), max: lag('max') }
    },
    ready: async () => {
      for (;;) {
        if (child.exitCode !== null) throw new Error(`the dashboard has ended with ${child.exitCode}`)
        const answer = await ops('/readyz').catch(() => undefined)
        await answer?.body.dump()
        if (answer?.statusCode === 200) return
        await sleep(20)
      }
    },
    said,
    stop: (signal) => ended(child, signal),
  }
}

/** An answer, read to its end. */
export type Answer = {
  readonly status: number
  readonly text: () => string
  readonly ms: number
  /** When the first bytes of it came. */
  readonly firstMs: number
  readonly bytes: number
}

/** Somebody who looks, on one connection. */
export type Looker = {
  readonly get: (path: string) => Promise<Answer>
  /** The answer itself, to be read as slowly as one likes. */
  readonly open: (path: string, signal?: AbortSignal) => Promise<Dispatcher.ResponseData>
}

/** Somebody with a cookie or a token. */
export function lookerOf({ undo }: Cluster, { url }: Dashboard, headers: Record<string, string>): Looker {
  const agent = new Agent({ pipelining: 1, connections: 1, bodyTimeout: 120_000 })
  undo.push(() => agent.destroy())
  const open = (path: string, signal?: AbortSignal) =>
    request(`${url}${path}`, {
      dispatcher: agent,
      headers: { 'accept-encoding': 'gzip', ...headers },
      ...(signal === undefined ? {} : { signal }),
    })
  return {
    open,
    get: async (path) => {
      const began = performance.now()
      const answer = await open(path)
      const chunks: Buffer[] = []
      let firstMs = Number.NaN
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        if (chunks.length === 0) firstMs = performance.now() - began
        chunks.push(chunk)
      }
      const body = Buffer.concat(chunks)
      return {
        status: answer.statusCode,
        ms: performance.now() - began,
        firstMs,
        bytes: body.length,
        text: () => (answer.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString(),
      }
    },
  }
}

/** Signs in as a browser does; gives the cookie. */
export async function signIn({ url }: Dashboard, token: string): Promise<string> {
  const answer = await request(`${url}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
    body: new URLSearchParams({ token, next: '/' }).toString(),
  })
  await answer.body.dump()
  const [cookie] = [answer.headers['set-cookie'] ?? ''].flat()
  if (answer.statusCode !== 303 || cookie === undefined || cookie === '')
    throw new Error(`a session must begin, got ${answer.statusCode}`)
  return cookie.split(';')[0] ?? ''
}
