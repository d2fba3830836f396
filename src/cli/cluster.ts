/** The flags by which commands reach the cluster, and how they ask it. */
import type { Command } from 'commander'
import { isKubeError } from '../kube/errors.ts'
import { StartError } from '../start-error.ts'
import { cannotAsk, type Reached } from '../wiring/reach.ts'
import { untilStopped, withCluster } from './command.ts'
import type { CliWorld } from './world.ts'

/** What `withReachFlags` leaves in a command. */
export type ReachFlags = {
  readonly kubeconfig: string | undefined
  readonly context: string | undefined
}

/** What the flags of the cluster leave in a command. */
export type ClusterFlags = ReachFlags & { readonly namespace: string }

/** Adds --kubeconfig, --context and --namespace. */
export const withClusterFlags = (command: Command): Command =>
  withReachFlags(command.option('-n, --namespace <name>', "Velero's namespace", 'velero'))

/** Adds --kubeconfig and --context, for what is about a whole cluster. */
export const withReachFlags = (command: Command): Command =>
  command
    .option('--kubeconfig <file>', 'how to reach the cluster; default: as kubectl')
    .option('--context <name>', 'a context of the kubeconfig other than the current one')

/** Asks the cluster that the flags name until it is done, or stopped; why it cannot be asked is told, with the exit code for it. */
export const inCluster = (
  flags: ReachFlags,
  world: CliWorld,
  use: (cluster: Reached, signal: AbortSignal) => Promise<void>,
): Promise<void> =>
  untilStopped(world, (signal) =>
    withCluster(flags, world, async (cluster) => {
      const close = () => void cluster.client.close()
      signal.addEventListener('abort', close, { once: true })
      signal.throwIfAborted()
      await use(cluster, signal).catch((error: unknown) => {
        throw saidOf(error, cluster.server)
      })
    }),
  )

function saidOf(error: unknown, server: string): unknown {
  if (!isKubeError(error)) return error
  if (error.code !== 'NOT_FOUND') return cannotAsk(error, server)
  return new StartError(
    4,
    `the API server ${server} must know the kinds of tidewaiter, got: ${error.message}; install them with: kubectl apply -k deploy/crds`,
    { cause: error },
  )
}
