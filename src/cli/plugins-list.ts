/** `tidewaiter plugins list`: the VeleroPlugins of a cluster, and what is known of each. */
import { Command } from 'commander'
import { stringify } from 'yaml'
import { listedPlugin, type ListedPlugin } from '../core/plugin/listing.ts'
import type { Json } from '../core/velero.ts'
import { cannotAsk } from '../wiring/reach.ts'
import { pluginsOf } from '../wiring/rollout.ts'
import { StartError } from '../start-error.ts'
import { untilStopped, withCluster } from './command.ts'
import { table } from './table.ts'
import { strays, takingAll, tellUsage } from './usage.ts'
import type { CliWorld } from './world.ts'

type Flags = {
  readonly namespace: string
  readonly allNamespaces: boolean
  readonly output: string
  readonly kubeconfig: string | undefined
}

const formats = ['table', 'wide', 'json', 'yaml', 'name']

/** The command. */
export function pluginsListCommand(world: CliWorld): Command {
  const command = takingAll(new Command('list'))
  return command
    .description('list the VeleroPlugins: what their checks found, and whether Velero has them')
    .option('-n, --namespace <name>', "Velero's namespace", 'velero')
    .option('-A, --all-namespaces', 'of all namespaces', false)
    .option('-o, --output <format>', `${formats.slice(0, -1).join(', ')} or ${formats.at(-1)}`, 'table')
    .option('--kubeconfig <file>', 'how to reach the cluster; default: as kubectl')
    .action((flags: Flags) => {
      const problems = [...strays(command), ...outputProblems(flags)]
      if (problems.length > 0) return tellUsage(world, 'tidewaiter plugins list', problems)
      return untilStopped(world, (signal) => list(flags, world, signal))
    })
}

const outputProblems = ({ output }: Flags): readonly string[] =>
  formats.includes(output)
    ? []
    : [`-o must be ${formats.slice(0, -1).join(', ')} or ${formats.at(-1)}, got "${output}"`]

function list(flags: Flags, world: CliWorld, signal: AbortSignal): Promise<void> {
  const namespace = flags.allNamespaces ? undefined : flags.namespace
  return withCluster(flags.kubeconfig, world, async (cluster) => {
    const plugins = await pluginsOf(cluster, { namespace, signal }).catch((error: unknown) => {
      throw error instanceof StartError || signal.aborted ? error : cannotAsk(error, cluster.server)
    })
    if (plugins.length === 0)
      world.stderr(
        `No VeleroPlugin in ${namespace === undefined ? 'any namespace' : `namespace ${namespace}`}.\n`,
      )
    world.stdout(printed(plugins, flags))
  })
}

function printed(plugins: readonly Json[], { output, allNamespaces }: Flags): string {
  const list = { apiVersion: 'v1', kind: 'List', items: plugins }
  switch (output) {
    case 'json':
      return `${JSON.stringify(list, null, 2)}\n`
    case 'yaml':
      return stringify(list, { lineWidth: 0, aliasDuplicateObjects: false })
    case 'name':
      return plugins.map((plugin) => `veleroplugin.tidewaiter.io/${listedPlugin(plugin).name}\n`).join('')
    default:
      return plugins.length === 0
        ? ''
        : inTable(plugins.map(listedPlugin), { isWide: output === 'wide', allNamespaces })
  }
}

type Column = { readonly heading: string; readonly cell: (plugin: ListedPlugin) => string }

const columns: readonly Column[] = [
  { heading: 'NAME', cell: ({ name }) => name },
  { heading: 'IMAGE', cell: ({ image }) => image },
  { heading: 'READY', cell: ({ ready }) => ready },
  { heading: 'INJECTED', cell: ({ injected }) => injected },
  { heading: 'ROLLEDOUT', cell: ({ rolledOut }) => rolledOut },
  { heading: 'REASON', cell: ({ reason }) => reason },
]
const wide: readonly Column[] = [
  { heading: 'INITCONTAINER', cell: ({ initContainer }) => initContainer },
  { heading: 'DIGEST', cell: ({ digest }) => digest },
  { heading: 'MESSAGE', cell: ({ message }) => message },
]

type Shown = { readonly isWide: boolean; readonly allNamespaces: boolean }

function inTable(plugins: readonly ListedPlugin[], { isWide, allNamespaces }: Shown): string {
  const first: readonly Column[] = allNamespaces
    ? [{ heading: 'NAMESPACE', cell: ({ namespace }) => namespace }]
    : []
  const shown = [...first, ...columns, ...(isWide ? wide : [])]
  return table(
    shown.map(({ heading }) => heading),
    plugins.map((plugin) => shown.map(({ cell }) => cell(plugin) || '-')),
  )
}
