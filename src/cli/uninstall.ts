/** `tidewaiter uninstall`: takes tidewaiter out of a cluster, once it has nothing in hand. */
import { Command } from 'commander'
import { goDurationMs } from '../admission/timeout.ts'
import { uninstallCluster } from '../wiring/uninstall.ts'
import { inCluster, withReachFlags, type ReachFlags } from './cluster.ts'
import { clockOf } from './command.ts'
import { plain, plainLines } from './plain.ts'
import { strays, takingAll, tellUsage } from './usage.ts'
import type { UninstallPorts, Uninstalled } from './uninstall-ports.ts'
import { uninstall } from './uninstall-run.ts'
import type { CliWorld } from './world.ts'

type Flags = ReachFlags & {
  readonly timeout: string
  readonly force: boolean
  readonly deleteData: boolean
  readonly yes: boolean
  readonly dryRun: boolean
}

const more = `
What it does, in this order:
1. takes the webhook configurations away. What is created from now on is as without tidewaiter: neither refused nor
   guarded; it is named at the end, and reported as unguarded where an Action matched.
2. waits for what was in hand: runs that are not settled (post actions wait for the end of their Backup), what may
   yet be undone, and Backups and Restores that are held.
3. deletes the Deployments, and waits until their pods have ended what they had begun.
4. takes away the guard, and then all else that carries the labels of tidewaiter, the namespace last.

It keeps the CRDs, and with them Actions, runs and decisions, unless --delete-data is given. It goes on from where an
earlier run was ended, at any point. What a GitOps tool makes again meanwhile is told.

--force abandons what is still in hand when the time is up, and names it. A Backup or Restore that is held then is
ended as FailedValidation: it does not start without its pre actions.

Rights: those of who runs it, which are asked for before anything is done: list and delete, in all namespaces, for
each kind that is installed.

Exit codes: 0 all is gone; 1 something is left, or nothing was confirmed; 2 usage; 3 the cluster could not be asked;
4 could not start (kubeconfig, a right that is lacking).`

/** The command. */
export function uninstallCommand(world: CliWorld): Command {
  const command = withReachFlags(takingAll(new Command('uninstall')))
  return command
    .description('take tidewaiter out of a cluster, once what it has in hand has ended')
    .option('--timeout <duration>', 'how long to wait for what is in hand: 90s, 30m, 2h', '30m')
    .option('--force', 'abandon, and name, what is still in hand then', false)
    .option('--delete-data', 'delete the CRDs too, and with them all Actions, runs and decisions', false)
    .option('-y, --yes', 'do not ask', false)
    .option('--dry-run', 'only say what would be taken away, and what is in hand', false)
    .addHelpText('after', more)
    .action((flags: Flags) => {
      const timeoutMs = goDurationMs(flags.timeout)
      const problems = [...strays(command), ...problemsOf(flags, world)]
      if (problems.length > 0 || timeoutMs === undefined)
        return tellUsage(world, 'tidewaiter uninstall', problems)
      return run({ ...flags, timeoutMs }, world)
    })
}

function problemsOf({ timeout, yes, dryRun }: Flags, world: CliWorld): readonly string[] {
  return [
    ...(goDurationMs(timeout) === undefined
      ? [`--timeout must be a duration such as 0s, 90s, 30m or 2h, got "${timeout}"`]
      : []),
    ...(yes || dryRun || world.isTerminal('stdin')
      ? []
      : ['--yes must be given where nobody can be asked: stdin is no terminal']),
  ]
}

function run(wish: Flags & { readonly timeoutMs: number }, world: CliWorld): Promise<void> {
  return inCluster(wish, world, async (reached, signal) => {
    const clock = clockOf(world)
    const ports: UninstallPorts = {
      ...uninstallCluster({ reached, clock, signal }),
      clock,
      signal,
      tell: (line) => world.stderr(`${plain(line)}\n`),
      confirmed: async (question) =>
        wish.yes || /^y(es)?$/iu.test((await world.ask(plain(question), signal)).trim()),
    }
    tellEnd(await uninstall(wish, ports), world)
  })
}

function tellEnd({ ended, message }: Uninstalled, world: CliWorld): void {
  if (ended === 'yes') world.stdout(`${plainLines(message)}\n`)
  else world.stderr(`tidewaiter: ${plainLines(message)}\n`)
  world.exitCode(ended === 'yes' ? 0 : 1)
}
