/** What is measured: the service as it is shipped (`dist`), against an API server of the sandbox, each a process of its own. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { kubeClient, type KubeClient } from '../../test/support/kubeconfig.ts'
import { ended, freePort, launch, until, type Launched } from '../processes.ts'
import { untilReady } from './ready.ts'

/** The servers run on the one, and who calls them, and what they call, on the other: they do not take time from each other. */
export const cores = { server: 0, client: 1 } as const

/** What the image gives to Node (Dockerfile, ENTRYPOINT). */
export function flagsOfImage(): readonly string[] {
  const [, entry] = /^ENTRYPOINT (\[.*\])$/m.exec(readFileSync('Dockerfile', 'utf8')) ?? []
  if (entry === undefined) throw new Error('the Dockerfile must have an ENTRYPOINT in JSON')
  return (JSON.parse(entry) as readonly string[]).filter((word) => word.startsWith('--'))
}

/** An object of the API server, by its fields. */
export type Tree = Readonly<Record<string, any>> // oxlint-disable-line typescript/no-explicit-any

/** An API server, and what a measurement keeps until its end. */
export type World = {
  readonly folder: string
  readonly client: KubeClient
  readonly cluster: Launched
  /** Asks the API server. Throws if it answers with an error. */
  readonly call: (method: string, path: string, body?: object) => Promise<Tree>
  /** What is done in the end, the last first. */
  readonly undo: (() => unknown)[]
}

/** A service that runs. */
export type Service = Launched & {
  /** `--webhook-url`: another replica of the same install is given the same. */
  readonly url: string
  /** Where this replica answers a webhook: its endpoint is the last part of the path. */
  readonly urlOf: (endpoint: string) => string
  readonly metrics: string
  /** How long it took until it said that it runs, milliseconds. */
  readonly startedMs: number
  /** How long it takes until it says that it is ready, milliseconds; a kubelet asks the same. */
  readonly readyMs: Promise<number>
}

/** A cluster that people start, which says so when it is there. */
const sandbox = {
  args: (folder: string): readonly string[] => ['src/main.ts', 'sandbox', '--dir', folder, '--only-cluster'],
  says: 'tidewaiter serve --kubeconfig',
}

/** A cluster that has so many Backups from the beginning, which may change. */
export const withBackups = (count: number, phase: string, changesPerSecond = 0): typeof sandbox => ({
  args: (folder) => ['bench/speed/changing.ts', folder, String(count), phase, String(changesPerSecond)],
  says: 'the cluster runs',
})

/** Opens a world, and closes it when `use` has ended; its cluster is another process than the sandbox where one is told. */
export async function inWorld<T>(use: (world: World) => Promise<T>, { args, says } = sandbox): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'tidewaiter-bench-'))
  const undo: (() => unknown)[] = [() => rmSync(folder, { recursive: true })]
  try {
    const box = join(folder, 'box')
    const cluster = launch(args(box), { core: cores.client })
    undo.push(() => ended(cluster.child))
    await cluster.says(says)
    const client = kubeClient(join(box, 'kubeconfig'))
    undo.push(client.close)
    const call = async (method: string, path: string, body?: object): Promise<Tree> => {
      const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
      const answer = await client.call({ method, path, type, ...(body === undefined ? {} : { body }) })
      if (answer.status < 300) return answer.body as Tree
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    }
    return await use({ folder, client, cluster, call, undo })
  } finally {
    for (const one of undo.toReversed()) await one()
  }
}

// nice(2): as much behind as there is.
const behind = 19

/**
 * From now on the API server gives way to the load generator, with which it shares a processor: where times are looked at, a
 * question must not wait for what the API server does meanwhile.
 */
export const letLoadFirst = ({ cluster }: World): void => setPriority(cluster.child.pid ?? 0, behind)

/** Starts the service as the image does, and waits until the API server knows its webhooks. */
export async function serve(world: World, flags: Readonly<Record<string, string>> = {}): Promise<Service> {
  const at = `127.0.0.1:${await freePort()}`
  const metrics = `127.0.0.1:${await freePort()}`
  const all = {
    kubeconfig: join(world.folder, 'box', 'tidewaiter.kubeconfig'),
    listen: at,
    'webhook-url': `https://${at}`,
    'metrics-listen': metrics,
    'drain-seconds': '0',
    ...flags,
  }
  const args = Object.entries(all).flatMap(([flag, value]) => [`--${flag}`, value])
  const began = performance.now()
  const service = launch([...flagsOfImage(), 'dist/main.js', 'serve', ...args], { core: cores.server })
  world.undo.push(() => ended(service.child))
  const readyMs = untilReady({ metrics, began, service })
  readyMs.catch(() => {})
  await service.says('tidewaiter runs')
  const startedMs = performance.now() - began
  const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations'
  const { clientConfig } = await until(
    'the webhook to be registered',
    async () => {
      const { items } = await world.call('GET', path)
      const webhooks: readonly Tree[] = items.flatMap((one: Tree) => one['webhooks'])
      return webhooks.find(({ clientConfig: { url } }) => String(url).includes('/hold'))
    },
    10,
  )
  const [, prefix = ''] = new URL(String(clientConfig.url)).pathname.split('/')
  const urlOf = (endpoint: string) => `https://${at}/${prefix}/${endpoint}?timeout=10s`
  return { ...service, url: all['webhook-url'], urlOf, metrics, startedMs, readyMs }
}

/** Creates an Action in Velero's namespace. */
export async function createAction({ call }: World, name: string, spec: object): Promise<void> {
  await call('POST', '/apis/tidewaiter.io/v1beta1/namespaces/velero/actions', {
    apiVersion: 'tidewaiter.io/v1beta1',
    kind: 'Action',
    metadata: { name, namespace: 'velero' },
    spec,
  })
}

/** What a replica tells Prometheus. */
export const metricsOf = async ({ metrics }: Pick<Service, 'metrics'>): Promise<string> =>
  (await fetch(`http://${metrics}/metrics`)).text()

/** Waits until every Action is accepted: one that is not is for no Backup. */
export async function accepted({ call }: World): Promise<void> {
  await until('all Actions to be accepted', async () => {
    const { items } = await call('GET', '/apis/tidewaiter.io/v1beta1/namespaces/velero/actions')
    return items.every((one: Tree) => one['status']?.conditions?.[0]?.status === 'True') || undefined
  })
}

/** Creates a Backup that Velero has ended, or is at; nobody is asked about it. */
export async function createEnded({ call }: World, name: string, phase = 'Completed'): Promise<void> {
  const startTimestamp = new Date().toISOString()
  await call('POST', '/apis/velero.io/v1/namespaces/velero/backups', {
    apiVersion: 'velero.io/v1',
    kind: 'Backup',
    metadata: { name, namespace: 'velero' },
    spec: { includedNamespaces: ['shop'] },
    status: {
      phase,
      startTimestamp,
      ...(phase === 'Completed' ? { completionTimestamp: startTimestamp } : {}),
    },
  })
}
