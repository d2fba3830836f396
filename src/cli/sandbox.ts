/** `tidewaiter sandbox`: cluster, Velero stand-in, service and a demo in one process. What it does is loaded when it is called. */
import { Command } from 'commander'
import { isLoopback, listenOf } from '../config-values.ts'
import { gather } from './declarations.ts'
import { strays, takingAll, tellUsage } from './usage.ts'
import type { CliWorld } from './world.ts'

/** The flags of the command. */
export type SandboxFlags = {
  readonly dir: string
  readonly apiListen: string
  readonly dashboardListen: string
  readonly trustedKeys: readonly string[]
  readonly demo: boolean
  readonly onlyCluster: boolean
  readonly color: boolean
}

/** The command. */
export function sandboxCommand(world: CliWorld): Command {
  return takingAll(new Command('sandbox'))
    .description(
      'run a cluster, a stand-in for Velero, the service and a demo in this process; nothing real is touched',
    )
    .option('--dir <folder>', 'where the kubeconfigs of this run go', '.sandbox')
    .option(
      '--api-listen <address>',
      'where the API server listens (HTTPS); port 0 is any free one',
      '127.0.0.1:0',
    )
    .option(
      '--dashboard-listen <address>',
      'where the dashboard is served, to everybody on this machine; port 0 is any free one',
      '127.0.0.1:0',
    )
    .option(
      '--trusted-keys <file>',
      'public keys of another sandbox or cluster, as for serve (repeatable)',
      gather,
      [],
    )
    .option('--no-demo', 'do not play the demo')
    .option('--only-cluster', 'no service: run `tidewaiter serve` against it', false)
    .option('--no-color', 'no colours (also: NO_COLOR in the environment)')
    .action(async (flags: SandboxFlags, command: Command) => {
      const problems = [
        ...strays(command),
        ...listenProblems('api-listen', flags.apiListen),
        ...listenProblems('dashboard-listen', flags.dashboardListen),
        ...reachProblems(flags.dashboardListen),
        ...(flags.onlyCluster && flags.trustedKeys.length > 0
          ? ['--trusted-keys is for the service: with --only-cluster give it to tidewaiter serve']
          : []),
      ]
      if (problems.length > 0) return tellUsage(world, 'tidewaiter sandbox', problems)
      const { runSandbox } = await import('./sandbox-run.ts')
      await runSandbox(flags, world)
    })
}

function listenProblems(flag: string, text: string): readonly string[] {
  const read = listenOf(text)
  return 'ok' in read ? [] : [`--${flag} must ${read.want}`]
}

/** In the sandbox nobody signs in. */
function reachProblems(text: string): readonly string[] {
  const read = listenOf(text)
  if (!('ok' in read) || isLoopback(read.ok)) return []
  return [`--dashboard-listen must be a loopback address (127.0.0.1:PORT), got "${text}"`]
}
