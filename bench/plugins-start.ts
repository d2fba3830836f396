/**
 * What plugins cost the start of a real Velero: its pod is made anew with 0, 1 and 12 plugins, each a whole program of its own (the
 * one of examples/backup-item-action under another name). In a cluster of test/cluster, without anybody else in it:
 * test/cluster/cluster.sh exec DIR npm run bench -- plugins-start DIR
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { kubeClient, type Answer } from '../test/support/kubeconfig.ts'
import { machine, median, table } from './report.ts'

// oxlint-disable-next-line typescript/no-explicit-any - whatever the API server gave
type Loose = any

const [folder, rounds = '5'] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: bench/plugins-start.ts DIR [ROUNDS], in the cluster of DIR')
const client = kubeClient(join(folder, 'admin.kubeconfig'))
const counts = [0, 1, 12]
const most = Math.max(...counts)
const registry = '10.244.0.1:5000'
const example = 'examples/backup-item-action'

const apps = '/apis/apps/v1/namespaces/velero/deployments/velero'
const pods = '/api/v1/namespaces/velero/pods?labelSelector=deploy%3Dvelero'
const requests = '/apis/velero.io/v1/namespaces/velero/serverstatusrequests'

const good = ({ status, body }: Answer): Loose => {
  if (status >= 300)
    throw new Error(`the API server must do it, and answered ${status} ${JSON.stringify(body)}`)
  return body
}
const get = async (path: string): Promise<Loose> => good(await client.call({ method: 'GET', path }))
const patch = async (body: unknown): Promise<Loose> =>
  good(await client.call({ method: 'PATCH', path: apps, body, type: 'application/merge-patch+json' }))

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 120_000; Date.now() < end; await sleep(10)) {
    const found = await look()
    if (found !== undefined) return found
  }
  throw new Error('waited two minutes in vain')
}

/** Builds and pushes the plugin under its n-th name; gives its image. */
function push(n: number): string {
  const files = mkdtempSync(join(tmpdir(), 'tidewaiter-bench-'))
  try {
    mkdirSync(join(files, 'plugins'))
    const build = (output: string, source: string, ldflags = '-s -w') =>
      execFileSync('go', ['build', '-trimpath', '-ldflags', ldflags, '-o', join(files, output), source], {
        cwd: example,
        env: { ...process.env, CGO_ENABLED: '0' },
      })
    build(`plugins/stamp-${n}`, '.', `-s -w -X main.actionName=example.com/stamp-${n}`)
    build('cp-plugin', './cp-plugin')
    const name = `bench/stamp-${n}:1`
    const entrypoint = `/cp-plugin,/plugins/stamp-${n},/target/stamp-${n}`
    execFileSync('bash', ['test/cluster/push.sh', folder ?? '', name, entrypoint, files])
    return `${registry}/${name}`
  } finally {
    rmSync(files, { recursive: true })
  }
}

/** Waits until no pod of Velero is left. */
async function empty(): Promise<void> {
  await patch({ spec: { replicas: 0 } })
  await until(async () => ((await get(pods)).items.length === 0 ? true : undefined))
}

type Start = { readonly ready: number; readonly serving: number }

/** One start of Velero with these initContainers; times in seconds since its pod was made. */
async function start(initContainers: readonly object[]): Promise<Start> {
  await empty()
  await patch({ spec: { replicas: 1, template: { spec: { initContainers } } } })
  await until(async () => (await get(pods)).items[0])
  const made = performance.now()
  await until(async () => {
    const { conditions = [] } = (await get(pods)).items[0].status
    return conditions.some((one: Loose) => one.type === 'Ready' && one.status === 'True') || undefined
  })
  const ready = performance.now() - made
  await answered()
  return { ready: ready / 1000, serving: (performance.now() - made) / 1000 }
}

/** Waits until Velero has answered what `velero plugin get` asks. */
async function answered(): Promise<void> {
  const metadata = { generateName: 'bench-', namespace: 'velero' }
  const body = { apiVersion: 'velero.io/v1', kind: 'ServerStatusRequest', metadata, spec: {} }
  const { name } = good(await client.call({ method: 'POST', path: requests, body })).metadata
  await until(async () =>
    (await get(`${requests}/${name}`)).status?.phase === 'Processed' ? true : undefined,
  )
}

const { replicas, template } = (await get(apps)).spec
const own: readonly object[] = template.spec.initContainers ?? []
const images = Array.from({ length: most }, (_, index) => push(index + 1))
const withPlugins = (count: number) => [
  ...own,
  ...images.slice(0, count).map((image, index) => ({
    name: `stamp-${index + 1}`,
    image,
    imagePullPolicy: 'IfNotPresent',
    volumeMounts: [{ name: 'plugins', mountPath: '/target' }],
  })),
]
try {
  const first = await start(withPlugins(most))
  const measured = new Map<number, Start[]>(counts.map((count) => [count, []]))
  // In turn, so that a slow minute of the machine falls on all alike.
  for (let round = 0; round < Number(rounds); round += 1)
    for (const count of counts) measured.get(count)?.push(await start(withPlugins(count)))
  const row = (what: string, starts: readonly Start[]) => [
    what,
    median(starts.map(({ ready }) => ready)).toFixed(1),
    median(starts.map(({ serving }) => serving)).toFixed(1),
  ]
  console.log(`Velero's start, s since its pod was made; medians of ${rounds}; ${machine()}\n`)
  console.log(
    table(
      ['plugins beside the AWS one', 'pod ready', 'answers'],
      [
        ...[...measured].map(([count, starts]) => row(`${count}`, starts)),
        row(`${most}, images pulled for the first time`, [first]),
      ],
    ),
  )
} finally {
  await empty()
  await patch({ spec: { replicas, template: { spec: { initContainers: own } } } })
  await client.close()
}
