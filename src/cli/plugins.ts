/** `tidewaiter plugins`: the VeleroPlugins of a cluster. */
import { Command } from 'commander'
import { pluginsListCommand } from './plugins-list.ts'
import { pluginsRolloutCommand } from './plugins-rollout.ts'
import type { CliWorld } from './world.ts'

/** The command. */
export const pluginsCommand = (world: CliWorld): Command =>
  new Command('plugins')
    .description('list the Velero plugins of a cluster, and roll out those that wait')
    .addCommand(pluginsListCommand(world))
    .addCommand(pluginsRolloutCommand(world))
