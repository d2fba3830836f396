/**
 * What plugins cost the webhook on Velero's Deployments: the time of an answer and the memory of the service, without and with 12
 * plugins that are known to be good. The service, the API server (of the sandbox) and the registry are processes of their own; the
 * AdmissionReviews are sent as an API server sends them. usage: npm run bench -- plugins [REQUESTS]
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { aHarbour } from '../test/e2e/registries.ts'
import { kubeClient, type KubeClient } from '../test/support/kubeconfig.ts'
import { installed, withPodSpec, type Tree } from '../test/support/velero-deployments.ts'
import { ended, freePort, launch, memoryOf, until } from './processes.ts'
import { machine, quantile, table } from './report.ts'

const count = Number(process.argv[2] ?? '3000')
const plugins = 12

const undo: (() => unknown)[] = []
const folder = mkdtempSync(join(tmpdir(), 'tidewaiter-bench-'))
undo.push(() => rmSync(folder, { recursive: true }))

/** Starts the command; waits until it says that it runs. */
async function tidewaiter(says: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const started = launch(['src/main.ts', ...args], { env })
  undo.push(() => ended(started.child))
  await started.says(says)
  return started.child
}

async function good(client: KubeClient, method: string, path: string, body?: object): Promise<Tree> {
  const answer = await client.call({ method, path, ...(body === undefined ? {} : { body }) })
  if (answer.status >= 300)
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body as Tree
}

/** The webhook as the API server knows it. */
async function webhook(client: KubeClient): Promise<{ readonly url: string; readonly ca: string }> {
  const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations'
  const { clientConfig } = await until('the webhook to be registered', async () =>
    (await good(client, 'GET', path))['items']
      .flatMap(({ webhooks }: Tree) => webhooks)
      .find(({ name }: Tree) => name === 'deployments.tidewaiter.io'),
  )
  return { url: clientConfig.url, ca: Buffer.from(clientConfig.caBundle, 'base64').toString() }
}

const upgraded = withPodSpec(installed, (pod) => ({
  ...pod,
  containers: [{ ...pod['containers'][0], image: 'velero/velero:v1.19.0' }],
}))
/** An upgrade of Velero that carries no plugin yet: each must be placed, and the whole patch is made. */
const review = (uid: string) =>
  JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid,
      kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
      resource: { group: 'apps', version: 'v1', resource: 'deployments' },
      name: 'velero',
      namespace: 'velero',
      operation: 'UPDATE',
      userInfo: { username: 'admin', groups: ['system:masters'] },
      object: upgraded,
      oldObject: installed,
      dryRun: false,
    },
  })

type Measured = {
  readonly p50: number
  readonly p99: number
  readonly memory: number
  readonly patch: number
}

/** Sends the reviews one after another, as Deployments are written. */
async function measure(
  at: { readonly url: string; readonly ca: string },
  service: ChildProcess,
): Promise<Measured> {
  const dispatcher = new Agent({ connect: { ca: at.ca } })
  const times: number[] = []
  let patch = 0
  for (let index = 0; index < count + 500; index += 1) {
    const body = review(`r-${performance.now()}-${index}`)
    const began = performance.now()
    const answer = await request(`${at.url}?timeout=10s`, {
      dispatcher,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    const { response } = (await answer.body.json()) as Tree
    // The first ones warm both sides up.
    if (index >= 500) times.push(performance.now() - began)
    if (response.allowed !== true) throw new Error(`must be allowed: ${response.status.message}`)
    const operations: readonly Tree[] = JSON.parse(
      Buffer.from(response.patch ?? '', 'base64').toString() || '[]',
    )
    patch = operations.filter(({ path }) =>
      String(path).startsWith('/spec/template/spec/initContainers'),
    ).length
  }
  await dispatcher.close()
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99), memory: memoryOf(service), patch }
}

/** Declares the plugins, each with an image of its own, and waits until all are good. */
async function declare(client: KubeClient, images: readonly string[]): Promise<void> {
  const path = '/apis/tidewaiter.io/v1beta1/namespaces/velero/veleroplugins'
  for (const [index, image] of images.entries())
    await good(client, 'POST', path, {
      apiVersion: 'tidewaiter.io/v1beta1',
      kind: 'VeleroPlugin',
      metadata: { name: `plugin-${index}`, namespace: 'velero' },
      spec: { image },
    })
  await until(`all ${images.length} plugins to be ready`, async () => {
    const { items } = await good(client, 'GET', path)
    const isReady = ({ status }: Tree) =>
      status?.conditions?.some((one: Tree) => one['type'] === 'Ready' && one['status'] === 'True') === true
    const waiting = items.find((one: Tree) => !isReady(one))
    if (waiting !== undefined) throw new Error(JSON.stringify(waiting.status))
    return items.length === images.length ? true : undefined
  })
}

try {
  const harbour = await aHarbour({ teardown: (done) => undo.push(done) })
  const registry = await harbour.start({})
  const platform = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`
  const images = Array.from({ length: plugins }, (_, index) => `${registry}/team/plugin-${index}:1`)
  for (const image of images) harbour.push(image, { platform })
  const settings = join(folder, 'registries.yaml')
  writeFileSync(settings, JSON.stringify({ registries: [{ registry, plainHttp: true }] }))

  const box = join(folder, 'box')
  await tidewaiter('tidewaiter serve --kubeconfig', ['sandbox', '--dir', box, '--only-cluster'])
  const client = kubeClient(join(box, 'kubeconfig'))
  undo.push(client.close)
  const [operatingSystem, architecture] = platform.split('/')
  const nodeInfo = { operatingSystem, architecture }
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node1' } }
  const made = await good(client, 'POST', '/api/v1/nodes', node)
  await good(client, 'PUT', '/api/v1/nodes/node1/status', { ...made, status: { nodeInfo } })
  const at = `127.0.0.1:${await freePort()}`
  const flags = {
    kubeconfig: join(box, 'tidewaiter.kubeconfig'),
    registries: settings,
    listen: at,
    'webhook-url': `https://${at}`,
    'metrics-listen': '127.0.0.1:0',
    'drain-seconds': '0',
  }
  const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value])
  const service = await tidewaiter('tidewaiter runs', ['serve', ...args], { VELERO_PLUGINS_ENABLED: 'true' })
  const hook = await webhook(client)
  const without = await measure(hook, service)
  await declare(client, images)
  const withAll = await measure(hook, service)
  if (withAll.patch !== plugins) throw new Error(`${plugins} plugins must go in, got ${withAll.patch}`)

  const row = (what: string, { p50, p99, memory }: Measured) => [
    what,
    `${p50.toFixed(2)} ms`,
    `${p99.toFixed(2)} ms`,
    `${memory.toFixed(0)} MB`,
  ]
  console.log(`The webhook on Velero's Deployments, ${count} answers each, one after another; ${machine()}\n`)
  console.log(table(['plugins', 'p50', 'p99', 'memory'], [row('0', without), row(`${plugins}`, withAll)]))
} finally {
  for (const one of undo.toReversed()) await one()
}
