/** What the tests that disturb the install share: its pods, its leader, their logs and metrics, and killing without warning. */
import { readFileSync } from 'node:fs'
import { connect } from 'node:tls'
import { must, call, eventually, kubectl, run, withoutPods, type Loose } from './support.ts'

/** Where tidewaiter runs. */
export const ownNamespace = 'tidewaiter'
/** Where the cluster keeps its files. */
export const clusterDir = (): string => {
  const dir = process.env['TIDEWAITER_E2E_DIR']
  if (dir === undefined) throw new Error('TIDEWAITER_E2E_DIR is not set: run test/e2e/run.sh')
  return dir
}

/** One replica. */
export type Replica = {
  readonly name: string
  readonly ip: string
  readonly ready: boolean
  readonly raw: Loose
}

const podsPath = `/api/v1/namespaces/${ownNamespace}/pods?labelSelector=app.kubernetes.io/name=tidewaiter`
const leasePath = `/apis/coordination.k8s.io/v1/namespaces/${ownNamespace}/leases/tidewaiter-leader`

/** The replicas that are not being deleted. */
export async function replicas(): Promise<readonly Replica[]> {
  const { body } = await call('GET', podsPath)
  return body.items
    .filter(({ metadata }: Loose) => metadata.deletionTimestamp === undefined)
    .map((raw: Loose) => ({
      name: raw.metadata.name,
      ip: raw.status.podIP ?? '',
      ready: (raw.status.conditions ?? []).some(
        ({ type, status }: Loose) => type === 'Ready' && status === 'True',
      ),
      raw,
    }))
}

/** The owner name of whoever holds the Lease, or ''. */
export async function holder(): Promise<string> {
  return (await call('GET', leasePath)).body.spec?.holderIdentity ?? ''
}

/** The replica that leads. */
export const leader = (): Promise<Replica> =>
  eventually(
    async () => {
      const name = await holder()
      return (await replicas()).find((one) => name.startsWith(`${one.name}-`))
    },
    { what: 'a replica that leads' },
  )

/** Waits until all is as after an install: both replicas ready, none going, one leading, the webhooks answering. */
export async function whole(count = 2): Promise<void> {
  await eventually(
    async () => {
      const { body } = await call('GET', podsPath)
      return body.items.length === count && (await replicas()).filter(({ ready }) => ready).length === count
    },
    // Without its Secret a replica waits 81 s for the others.
    { ms: 180_000, what: `${count} replicas that are ready, and none that goes` },
  )
  await leader()
  await eventually(async () => (await probe()).includes('tidewaiter probe: reached'), {
    what: 'a probe that reaches tidewaiter',
  })
}

/** What a dry-run CREATE of the probe is answered. */
export async function probe(): Promise<string> {
  const body = {
    apiVersion: 'velero.io/v1',
    kind: 'Backup',
    metadata: { name: 'tidewaiter-probe', namespace: 'velero' },
    spec: {},
  }
  const answer = await call('POST', '/apis/velero.io/v1/namespaces/velero/backups?dryRun=All', { body })
  return answer.body.message ?? `${answer.status}`
}

/** Kills the process of a replica, as a lack of memory does: no signal that it could heed, no farewell. */
export async function killHard({ raw }: Replica): Promise<void> {
  const id = raw.status.containerStatuses[0].containerID.replace('containerd://', '')
  const socket = `${clusterDir()}/state/containerd.sock`
  must(
    await run('ctr', [
      '--address',
      socket,
      '--namespace',
      'k8s.io',
      'task',
      'kill',
      '--signal',
      'SIGKILL',
      id,
    ]),
  )
}

/** The log lines of one replica (of the container before, if `previous`), parsed. */
export async function logOf(
  { name }: { readonly name: string },
  { previous = false }: { readonly previous?: boolean } = {},
): Promise<readonly Loose[]> {
  const { stdout } = await kubectl(['-n', ownNamespace, 'logs', name, ...(previous ? ['--previous'] : [])])
  return linesOf(stdout)
}

/** JSON lines, parsed; what is none stands as {text}. */
export const linesOf = (text: string): readonly Loose[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      try {
        return JSON.parse(line)
      } catch {
        return { text: line }
      }
    })

/** The lines of all replicas; on a light cluster, of the process that stands for them. */
export async function logs(): Promise<readonly Loose[]> {
  if (withoutPods !== false) return linesOf(readFileSync(`${clusterDir()}/logs/tidewaiter.log`, 'utf8'))
  const all = await Promise.all((await replicas()).map((one) => logOf(one)))
  return all.flat()
}

/** What the operations port of an address answers. */
export async function ops(
  host: string,
  path: string,
  port = 8080,
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`http://${host}:${port}${path}`, { signal: AbortSignal.timeout(5_000) })
  return { status: response.status, text: await response.text() }
}

/** The samples of all replicas whose name (and labels) match, added up. */
export async function sum(pattern: RegExp): Promise<number> {
  const texts = await Promise.all((await replicas()).map(({ ip }) => ops(ip, '/metrics')))
  return texts
    .flatMap(({ text }) => text.split('\n'))
    .filter((line) => !line.startsWith('#') && pattern.test(line))
    .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

/** The fingerprint of the certificate that a replica shows. */
export const certificateOf = (host: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port: 9443, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256)
      socket.destroy()
    })
    socket.on('error', reject)
  })
