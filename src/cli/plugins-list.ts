/** `tidewaiter plugins list`: the VeleroPlugins of a cluster, and what is known of each. */
import { Command } from 'commander'
import { isUnseen, unseenAdvice } from '../core/plugin/aboard.ts'
import { listedPlugin, type ListedPlugin } from '../core/plugin/listing.ts'
import type { Json } from '../core/velero.ts'
import { cannotAsk } from '../wiring/reach.ts'
import { pluginsOf } from '../wiring/rollout.ts'
import { StartError } from '../start-error.ts'
import { withClusterFlags, type ClusterFlags } from './cluster.ts'
import { untilStopped, withCluster } from './command.ts'
import { asJson, asList, asYaml, outputProblems, withTable, type TableFlags } from './output.ts'
import { plain } from './plain.ts'
import { screenOf, type Tone } from './screen.ts'
import { table, type Column } from './table.ts'
import { strays, takingAll, tellUsage } from './usage.ts'
import type { CliWorld } from './world.ts'

type Flags = ClusterFlags & TableFlags & { readonly allNamespaces: boolean }

/** The command. */
export function pluginsListCommand(world: CliWorld): Command {
  const command = withTable(withClusterFlags(takingAll(new Command('list'))))
  return command
    .description('list the VeleroPlugins: what their checks found, and whether Velero has them')
    .option('-A, --all-namespaces', 'of all namespaces', false)
    .action((flags: Flags) => {
      const problems = [...strays(command), ...outputProblems(flags)]
      if (problems.length > 0) return tellUsage(world, 'tidewaiter plugins list', problems)
      return untilStopped(world, (signal) => list(flags, world, signal))
    })
}

function list(flags: Flags, world: CliWorld, signal: AbortSignal): Promise<void> {
  const namespace = flags.allNamespaces ? undefined : flags.namespace
  return withCluster(flags, world, async (cluster) => {
    const plugins = await pluginsOf(cluster, { namespace, signal }).catch((error: unknown) => {
      throw error instanceof StartError || signal.aborted ? error : cannotAsk(error, cluster.server)
    })
    if (plugins.length === 0)
      world.stderr(
        `No VeleroPlugin in ${namespace === undefined ? 'any namespace' : `namespace ${namespace}`}.\n`,
      )
    const unseen = plugins.filter(isUnseen).map((plugin) => listedPlugin(plugin).name)
    if (unseen.length > 0)
      world.stderr(`Nothing is known of ${unseen.map(plain).join(', ')}: ${unseenAdvice}.\n`)
    world.stdout(printed(plugins, { flags, world }))
  })
}

type Printing = { readonly flags: Flags; readonly world: CliWorld }

function printed(plugins: readonly Json[], { flags, world }: Printing): string {
  switch (flags.output) {
    case 'json':
      return asJson(asList(plugins))
    case 'yaml':
      return asYaml(asList(plugins))
    case 'name':
      return plugins.map((plugin) => `veleroplugin.tidewaiter.io/${listedPlugin(plugin).name}\n`).join('')
    default: {
      if (plugins.length === 0) return ''
      const style = { screen: screenOf(world), headers: flags.headers, wide: flags.output === 'wide' }
      return table(columns(flags.allNamespaces), plugins.map(listedPlugin), style)
    }
  }
}

const columns = (isOfAll: boolean): readonly Column<ListedPlugin>[] =>
  [
    ...(isOfAll ? [{ head: 'NAMESPACE', cell: ({ namespace }: ListedPlugin) => namespace }] : []),
    { head: 'NAME', cell: ({ name }: ListedPlugin) => name, whole: true },
    { head: 'IMAGE', cell: ({ image }: ListedPlugin) => image, spare: true },
    {
      head: 'READY',
      cell: ({ ready }: ListedPlugin) => ready,
      tone: ({ ready }: ListedPlugin) => tones[ready],
    },
    { head: 'INJECTED', cell: ({ injected }: ListedPlugin) => injected, spare: true },
    { head: 'ROLLEDOUT', cell: ({ rolledOut }: ListedPlugin) => rolledOut, spare: true },
    { head: 'REASON', cell: ({ reason }: ListedPlugin) => reason },
    {
      head: 'INITCONTAINER',
      cell: ({ initContainer }: ListedPlugin) => initContainer,
      wide: true,
      spare: true,
    },
    { head: 'DIGEST', cell: ({ digest }: ListedPlugin) => digest, wide: true, spare: true },
    { head: 'MESSAGE', cell: ({ message }: ListedPlugin) => message, wide: true, spare: true },
  ].map((column) => ({ ...column, cell: (plugin: ListedPlugin) => column.cell(plugin) || '-' }))

const tones: Readonly<Record<string, Tone>> = { True: 'good', False: 'bad', Unknown: 'warn' }
