/** `tidewaiter plugins rollout`: restarts Velero with the plugins that wait, once it has nothing in hand. */
import { Command } from 'commander'
import { goDurationMs } from '../admission/timeout.ts'
import { rollOut, type Ended } from '../plugins/rollout.ts'
import type { RolloutPorts } from '../plugins/rollout-ports.ts'
import { rolloutCluster } from '../wiring/rollout.ts'
import { withClusterFlags, type ClusterFlags } from './cluster.ts'
import { clockOf, untilStopped, withCluster } from './command.ts'
import { plain, plainLines } from './plain.ts'
import { strays, takingAll, tellUsage } from './usage.ts'
import type { CliWorld } from './world.ts'

type Flags = ClusterFlags & {
  readonly timeout: string
  readonly yes: boolean
  readonly dryRun: boolean
}

const more = `
What it does: asks the API server, as a dry run, what a restart would change, and shows what it warns of; waits until
no Backup or Restore is under way or about to begin; restarts Velero as \`kubectl rollout restart\` does; and follows
the rollout. Where nothing waits for a rollout, or no server of Velero runs, there is nothing to wait for, and it says
so.

What it cannot do: keep new work away. A Backup that begins in the instant between the last look and the restart
(a Schedule may start one at any time) fails, as with any restart of Velero. Pause Schedules if that matters:
velero schedule pause --all.

Ctrl-C ends the command at once; a rollout that has begun goes on.

Exit codes: 0 rolled out, or nothing waits; 1 refused, failed or not in time; 2 usage; 3 the cluster could not be
asked; 4 could not start (kubeconfig, rights, no Velero there).`

/** The command. */
export function pluginsRolloutCommand(world: CliWorld): Command {
  const command = withClusterFlags(takingAll(new Command('rollout')))
  return command
    .description('restart Velero with the plugins that wait for it, once no Backup or Restore is under way')
    .option(
      '--timeout <duration>',
      'how long to wait for Backups and Restores to end, and again for the rollout: 90s, 30m, 2h',
      '30m',
    )
    .option('-y, --yes', 'do not ask before Velero is restarted', false)
    .option('--dry-run', 'only say what would be done', false)
    .addHelpText('after', more)
    .action((flags: Flags) => {
      const timeoutMs = goDurationMs(flags.timeout)
      const problems = [...strays(command), ...flagProblems(flags, world)]
      if (problems.length > 0 || timeoutMs === undefined)
        return tellUsage(world, 'tidewaiter plugins rollout', problems)
      return untilStopped(world, (signal) => run({ ...flags, timeoutMs }, world, signal))
    })
}

function flagProblems({ timeout, yes, dryRun }: Flags, world: CliWorld): readonly string[] {
  const ms = goDurationMs(timeout)
  return [
    ...(ms === undefined || ms <= 0
      ? [`--timeout must be a duration such as 90s, 30m or 2h, got "${timeout}"`]
      : []),
    ...(yes || dryRun || world.isTerminal('stdin')
      ? []
      : ['--yes must be given where nobody can be asked: stdin is no terminal']),
  ]
}

type Wish = Flags & { readonly timeoutMs: number }

function run(wish: Wish, world: CliWorld, signal: AbortSignal): Promise<void> {
  return withCluster(wish, world, async (cluster) => {
    const warn = (text: string) => world.stderr(`Warning: ${plain(text)}\n`)
    const ports: RolloutPorts = {
      ...rolloutCluster(cluster, { namespace: wish.namespace, signal, warn }),
      clock: clockOf(world),
      tell: (line) => world.stderr(`${plain(line)}\n`),
      confirmed: async () => wish.yes || (await confirmed(wish.namespace, world, signal)),
      signal,
    }
    tell(await rollOut(wish, ports), world)
  })
}

async function confirmed(namespace: string, world: CliWorld, signal: AbortSignal): Promise<boolean> {
  const answer = await world.ask(`Restart Velero in namespace ${namespace} with this? [y/N] `, signal)
  return /^y(es)?$/iu.test(answer.trim())
}

const codes: Readonly<Record<Ended['ended'], number>> = { yes: 0, no: 1, '?': 3 }

function tell({ ended, message }: Ended, world: CliWorld): void {
  if (ended === 'yes') world.stdout(`${plainLines(message)}\n`)
  else world.stderr(`tidewaiter: ${plainLines(message)}\n`)
  world.exitCode(codes[ended])
}
