/** What `tidewaiter sandbox` does: starts everything, tells the story, and ends everything. */
import { isatty } from 'node:tty'
import { createDemo } from '../sandbox/demo.ts'
import { FolderError, takeFolder, type Folder } from '../sandbox/folder.ts'
import { paintWith } from '../sandbox/paint.ts'
import { newToken } from '../sandbox/people.ts'
import { startShop, type Shop } from '../sandbox/shop.ts'
import { startCluster, type Cluster } from '../sandbox/start.ts'
import {
  callLine,
  tellDemo,
  tellNext,
  tellScenery,
  tellServe,
  type Scenery,
  type Teller,
} from '../sandbox/story.ts'
import { veleroUser } from '../sandbox/velero/install.ts'
import { systemClock as sandboxClock } from '../sandbox/apiserver/clock.ts'
import { crdOf } from '../api/crd.ts'
import { kinds } from '../api/kinds.ts'
import { StartError } from '../start-error.ts'
import { systemClock } from '../system-clock.ts'
import { startBeside, type Beside } from './sandbox-service.ts'
import type { SandboxFlags } from './sandbox.ts'
import type { CliWorld } from './world.ts'

/** The user that the service is, in the sandbox. */
const serviceUser = 'tidewaiter'

/** Runs until it is told to stop. */
export async function runSandbox(flags: SandboxFlags, world: CliWorld): Promise<void> {
  const colours =
    flags.color && isatty(1) && (world.env['NO_COLOR'] ?? '') === '' && world.env['TERM'] !== 'dumb'
  const teller: Teller = { say: world.stdout, paint: paintWith(colours) }
  const stopped = new Promise<void>((resolve) => world.onStop(resolve))
  const undo: (() => Promise<unknown>)[] = []
  const stopping = new AbortController()
  try {
    const playing = play(flags, world, { teller, undo, signal: stopping.signal })
    await Promise.race([playing, stopped])
    await stopped
    // Ctrl-C while it starts or plays: it goes no further, and what then fails was meant to.
    stopping.abort()
    await playing.catch(() => undefined)
    world.exitCode(0)
  } catch (error) {
    world.exitCode(exitCodeOf(error))
    world.stderr(`tidewaiter: ${messageOf(error)}\n`)
  } finally {
    await end(undo, world)
  }
}

type Playing = {
  readonly teller: Teller
  readonly undo: (() => Promise<unknown>)[]
  readonly signal: AbortSignal
}

async function play(flags: SandboxFlags, world: CliWorld, { teller, undo, signal }: Playing): Promise<void> {
  const began = systemClock.now()
  const cluster = await startCluster({
    listen: flags.apiListen,
    users: [{ name: serviceUser, token: newToken(), groups: ['system:masters'] }],
    objects: [...kinds.map(crdOf), ...['shop', 'default'].map(namespace), node()],
    velero: { settings: { scheduleMs: 5_000 } },
  }).catch((error: unknown) => {
    throw listenError('--api-listen', flags.apiListen, error)
  })
  undo.push(cluster.stop)
  signal.throwIfAborted()
  const folder = await takeFolder(flags.dir, {
    url: cluster.api.url,
    ca: cluster.api.ca,
    kubeconfigs: kubeconfigsOf(cluster),
  })
  undo.push(folder.leave)
  signal.throwIfAborted()
  const beside = flags.onlyCluster ? undefined : await startBeside(folder, world, { signal, ...flags })
  if (beside !== undefined) undo.push(beside.stop)
  const shop = flags.onlyCluster ? undefined : await startShop()
  if (shop !== undefined) undo.push(shop.stop)
  tellScenery(teller, sceneryOf({ world, cluster, folder, beside, shop, readyMs: systemClock.now() - began }))
  if (shop === undefined) return tellServe(teller, folder.file('tidewaiter.kubeconfig'))
  if (flags.demo) await playDemo(cluster, shop, { teller, signal })
  shop.onCall((call) => teller.say(callLine(teller, call)))
  tellNext(teller, folder.file('kubeconfig'), flags.demo ? shop : undefined)
}

type Audience = { readonly teller: Teller; readonly signal: AbortSignal }

async function playDemo({ api }: Cluster, shop: Shop, { teller, signal }: Audience): Promise<void> {
  const demo = createDemo({ url: api.url, ca: api.ca, token: api.token(), clock: sandboxClock, shop })
  // Without its connections it comes to an end at once.
  signal.addEventListener('abort', () => void demo.close(), { once: true })
  try {
    await tellDemo(teller, demo, shop)
  } finally {
    await demo.close()
  }
}

const namespace = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })

/** The node that nothing runs on: images of plugins must fit one. */
const node = () => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'sandbox' },
  status: {
    nodeInfo: { operatingSystem: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch },
  },
})

const kubeconfigsOf = ({ api }: Cluster): Readonly<Record<string, string>> => ({
  kubeconfig: api.kubeconfig('admin'),
  'alice.kubeconfig': api.kubeconfig('alice', 'velero'),
  'velero.kubeconfig': api.kubeconfig(veleroUser, 'velero'),
  'tidewaiter.kubeconfig': api.kubeconfig(serviceUser, 'velero'),
})

type Parts = {
  readonly world: CliWorld
  readonly cluster: Cluster
  readonly folder: Folder
  readonly beside: Beside | undefined
  readonly shop: Shop | undefined
  readonly readyMs: number
}

const sceneryOf = ({ world, cluster, folder, beside, shop, readyMs }: Parts): Scenery => ({
  version: world.version,
  api: cluster.api.url,
  kubeconfig: folder.file('kubeconfig'),
  webhook: beside?.webhookUrl,
  metrics: beside?.metricsUrl,
  dashboard: beside?.dashboardUrl,
  shop: shop?.url,
  log: beside?.log,
  readyMs,
})

function listenError(flag: string, at: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : ''
  if (code === 'EADDRINUSE')
    return new StartError(4, `${flag} ${at} is taken by another process: stop it, or choose another address`)
  if (code === 'EACCES')
    return new StartError(4, `${flag} ${at} may not be listened on: choose a port above 1023`)
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return new StartError(
      4,
      `${flag} ${at} is no address of this machine: choose another, such as 127.0.0.1:0`,
    )
  return error
}

function exitCodeOf(error: unknown): number {
  if (error instanceof FolderError) return 4
  return error instanceof StartError ? error.exitCode : 4
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Ends everything, the last first; one part that fails does not keep the others. */
async function end(undo: (() => Promise<unknown>)[], world: CliWorld): Promise<void> {
  for (const step of undo.splice(0).reverse())
    await step().catch((error: unknown) =>
      world.stderr(`tidewaiter: a part did not end cleanly: ${messageOf(error)}\n`),
    )
}
