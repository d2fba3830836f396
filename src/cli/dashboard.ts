/** `tidewaiter dashboard`: reaches the dashboard in the cluster from this machine, through the API server. */
import { Command } from 'commander'
import { dashboardPod } from '../core/dashboard-pod.ts'
import { StartError } from '../start-error.ts'
import { dashboardAudience } from '../wiring/dashboard.ts'
import { forwarderTo, serveForward, type Forwarder } from '../wiring/forward.ts'
import { cannotAsk, type Reached } from '../wiring/reach.ts'
import { untilStopped, withCluster } from './command.ts'
import { strays, takingAll, tellUsage } from './usage.ts'
import type { CliWorld } from './world.ts'

type Flags = {
  readonly namespace: string
  readonly port: string
  readonly kubeconfig: string | undefined
  readonly context: string | undefined
}

/** The port that the dashboard listens on in its pod. */
const podPort = 8081

/** The command. `forwarder` makes the connections into the pod. */
export function dashboardCommand(
  world: CliWorld,
  forwarder: (flags: Pick<Flags, 'kubeconfig' | 'context'>) => Promise<Forwarder> = forwarderTo,
): Command {
  const command = takingAll(new Command('dashboard'))
  return command
    .description('reach the dashboard in the cluster from this machine, until Ctrl-C')
    .option('-n, --namespace <name>', 'where tidewaiter is installed', 'tidewaiter')
    .option('--port <number>', 'the port on this machine; 0 is any free one', String(podPort))
    .option('--kubeconfig <file>', 'how to reach the cluster; default: as kubectl')
    .option('--context <name>', 'a context of the kubeconfig other than the current one')
    .action((flags: Flags) => {
      const problems = [...strays(command), ...portProblems(flags.port)]
      if (problems.length > 0) return tellUsage(world, 'tidewaiter dashboard', problems)
      return untilStopped(world, async (signal) => {
        const pod = await withCluster(flags, world, (cluster) => podIn(cluster, flags.namespace, signal))
        const forward = await forwarder(flags)
        const target = { namespace: flags.namespace, pod, port: podPort }
        const port = await serveForward(Number(flags.port), {
          target,
          forward,
          signal,
          failed: (message) =>
            world.stderr(`tidewaiter: a connection into the pod ${pod} failed: ${message}\n`),
        })
        world.stdout(`${told(port, flags.namespace)}\n`)
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
        // Ctrl-C is how it is meant to end.
        world.exitCode(0)
      })
    })
}

const told = (port: number, namespace: string): string =>
  [
    `The dashboard is at http://localhost:${port}/ until Ctrl-C. To sign in, paste a token:`,
    `  kubectl create token NAME -n ${namespace} --audience ${dashboardAudience} --duration 1h`,
    'NAME is a service account that may list what it wants to see (the ClusterRole tidewaiter-viewer, for example).',
  ].join('\n')

function portProblems(text: string): readonly string[] {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535
    ? []
    : [`--port must be a port from 0 to 65535, got "${text}"`]
}

async function podIn(cluster: Reached, namespace: string, signal: AbortSignal): Promise<string> {
  const pods = await cluster.calls
    .of('', 'pods', namespace)
    .list({ labelSelector: 'app.kubernetes.io/name=tidewaiter-dashboard', signal })
    .catch((error: unknown) => {
      throw signal.aborted ? error : cannotAsk(error, cluster.server)
    })
  const pod = dashboardPod(pods.items)
  if ('name' in pod) return pod.name
  throw new StartError(
    4,
    `namespace ${namespace} must have a dashboard that is ready, got ${pod.got}; ${pod.next}`,
  )
}
