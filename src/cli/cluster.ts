/** How commands reach the cluster: their flags, the connection, and what is said when there is none. */
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { Clock } from '../clock.ts'
import { AccessError } from '../kube/access.ts'
import { createAccessReview, type AccessReview } from '../kube/access-review.ts'
import { createKubeClient, type KubeClient } from '../kube/client.ts'
import { loadClusterAccess } from '../kube/config.ts'
import { isKubeError, KubeError } from '../kube/errors.ts'
import type { Log } from '../log.ts'
import { StartError } from '../start-error.ts'
import { systemClock } from '../system-clock.ts'
import { calls, type Calls } from '../wiring/kinds.ts'
import { plain } from './plain.ts'
import type { CliWorld } from './world.ts'

/** What the flags of the cluster leave in a command. */
export type ClusterFlags = {
  readonly kubeconfig: string | undefined
  readonly context: string | undefined
  readonly namespace: string
}

/** Adds --kubeconfig, --context and --namespace. */
export const withCluster = (command: Command): Command =>
  command
    .option(
      '--kubeconfig <file>',
      'how to reach the cluster; default: $KUBECONFIG, the service account of the pod, ~/.kube/config',
    )
    .option('--context <name>', 'a context of the kubeconfig other than the current one')
    .option('-n, --namespace <name>', "Velero's namespace", 'velero')

/** A cluster that can be asked as the user of the kubeconfig. */
export type Cluster = {
  readonly client: KubeClient
  readonly calls: Calls
  readonly review: AccessReview
}

/** The clock of a command. */
export const clockOf = (world: CliWorld): Clock => world.clock ?? systemClock

/** Warnings of the connection go to people; the rest of a log would only be in the way. */
export const logOf = (world: CliWorld): Log => {
  const say = (_: object, message: string) => world.stderr(`tidewaiter: warning: ${plain(message)}\n`)
  return { debug: () => {}, info: () => {}, warn: say, error: say }
}

/**
 * Does something with the cluster, and gives its connections back. A cluster that cannot be asked, or that does not let this
 * user ask, ends with 3; Ctrl-C with 130.
 */
export async function inCluster(
  flags: ClusterFlags,
  world: CliWorld,
  use: (cluster: Cluster) => Promise<void>,
): Promise<void> {
  let stopped = false
  let client: KubeClient | undefined
  world.onStop(() => {
    stopped = true
    void client?.close()
  })
  try {
    client = await clientOf(flags, world)
    await use({ client, calls: calls(client), review: createAccessReview({ client, clock: clockOf(world) }) })
  } catch (error) {
    if (stopped) return world.exitCode(130)
    const said = saidOf(error)
    if (said === undefined) throw error
    world.stderr(`tidewaiter: ${plain(said.message)}\n`)
    world.exitCode(said.exitCode)
  } finally {
    await client?.close()
  }
}

async function clientOf({ kubeconfig, context }: ClusterFlags, world: CliWorld): Promise<KubeClient> {
  const clock = clockOf(world)
  const access = await loadClusterAccess({
    ...(kubeconfig === undefined ? {} : { kubeconfigPath: kubeconfig }),
    ...(context === undefined ? {} : { context }),
    env: world.env,
    clock,
    readFile: (file) => readFile(file, 'utf8'),
  })
  return createKubeClient({ access, clock, log: logOf(world), userAgent: `tidewaiter/${world.version}` })
}

/** Undefined for what is a bug of ours. */
function saidOf(error: unknown): { readonly message: string; readonly exitCode: number } | undefined {
  if (error instanceof StartError) return error
  if (!(error instanceof AccessError || error instanceof KubeError)) return undefined
  return { message: `the cluster could not be asked: ${error.message}${hintOf(error)}`, exitCode: 3 }
}

function hintOf(error: unknown): string {
  if (isKubeError(error, 'NOT_FOUND')) return '; are its CRDs installed (kubectl get crd)?'
  if (isKubeError(error, 'FORBIDDEN')) return '; whoever may view the namespace may look (docs/rbac.md)'
  return isKubeError(error, 'NETWORK', 'TIMEOUT')
    ? '; is it up, and is the kubeconfig for it (--kubeconfig, --context)?'
    : ''
}
