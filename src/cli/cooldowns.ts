/** `tidewaiter cooldowns`: which Schedules wait because their Backups were refused, and ending that. */
import { Command } from 'commander'
import { withClusterFlags } from './cluster.ts'
import { listCooldowns, type ListFlags } from './cooldowns-list.ts'
import { resetCooldowns, type ResetFlags } from './cooldowns-reset.ts'
import { withTable } from './output.ts'
import { strays, takingAll } from './usage.ts'
import type { CliWorld } from './world.ts'

const more = `
What it does: writes the annotation tidewaiter.io/cooldown-reset on the Schedule, with the time at which the newest
refusal ended. That refusal and those before it count no more; their records stay. Velero tries the Backup again
within a minute, and the actions run for it. If they refuse it again, the wait begins anew with 5 minutes.

It needs the rights to patch that Schedule and the verb release on actionruns (ClusterRole tidewaiter-operator).`

/** The command. */
export function cooldownsCommand(world: CliWorld): Command {
  return new Command('cooldowns')
    .description('which Schedules wait because their Backups were refused')
    .addCommand(listCommand(world))
    .addCommand(resetCommand(world))
}

function listCommand(world: CliWorld): Command {
  const command = withTable(withClusterFlags(takingAll(new Command('list'))))
  return command
    .description('list the Schedules for which nothing is run now, and until when at the latest')
    .action((flags: ListFlags) => listCooldowns(flags, strays(command), world))
}

function resetCommand(world: CliWorld): Command {
  const command = withClusterFlags(takingAll(new Command('reset')))
  return command
    .argument('[schedules...]', 'names of Schedules')
    .description('end the wait of Schedules: their next Backup runs its actions again')
    .option('--all', 'of every Schedule that waits', false)
    .addHelpText('after', more)
    .action((names: readonly string[], flags: ResetFlags) =>
      resetCooldowns(names, { flags, problems: strays(command, Number.POSITIVE_INFINITY) }, world),
    )
}
