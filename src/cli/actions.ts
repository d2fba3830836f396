/** `tidewaiter actions`: the Actions of the cluster, and how they do. */
import { Command } from 'commander'
import { adoptCommand } from './actions-adopt.ts'
import { actionsListed, type ActionsFlags } from './actions-list.ts'
import { withClusterFlags } from './cluster.ts'
import { withTable } from './output.ts'
import { strays, takingAll } from './usage.ts'
import type { CliWorld } from './world.ts'

/** The command. */
export function actionsCommand(world: CliWorld): Command {
  return new Command('actions')
    .description('which Actions there are, how they do, and adopting those that came in another way')
    .addCommand(listCommand(world))
    .addCommand(adoptCommand(world))
}

function listCommand(world: CliWorld): Command {
  const command = withTable(withClusterFlags(takingAll(new Command('list'))))
  return command
    .description(
      'list Actions in the order in which they run, with their last result and how often they succeed, by the runs that are kept',
    )
    .option('-A, --all-namespaces', 'of every namespace')
    .action((flags: ActionsFlags) => actionsListed(flags, strays(command), world))
}
