/** The plugins of one process, as its configuration asks for them: all of it, or nothing. */
import type { Clock } from '../clock.ts'
import type { PluginPorts } from '../admission/plugin-ports.ts'
import type { Config } from '../config.ts'
import type { Ports } from '../images/ports.ts'
import type { Log } from '../log.ts'
import type { Egress } from '../net/ports.ts'
import type { Connection } from './connect.ts'
import { createPluginKeeper } from './plugin-status.ts'
import { createPlugins, noPlugins, type Plugins } from './plugins.ts'
import { openRegistriesFile } from './registries-file.ts'
import type { Refused } from './refused.ts'
import type { World } from './world.ts'

/** What it is made of. */
export type PluginsSetup = {
  readonly config: Config
  readonly connection: Connection
  readonly clock: Clock
  readonly log: Log
  readonly egress: Egress
  readonly refused: Refused
  readonly version: string
}

/** Its life in a service. */
export type PluginsPart = Pick<Plugins, 'ports' | 'start' | 'notReady'> & {
  /** Keeps the status of VeleroPlugins while this process leads. */
  readonly lead: (signal: AbortSignal) => Promise<void>
}

/** Makes it; with the gate off the settings of registries are not even read. Throws StartError. */
export async function pluginsOf(setup: PluginsSetup, world: () => World): Promise<PluginsPart> {
  const { config, connection, clock, log, egress, refused, version } = setup
  if (!config.veleroPlugins) return withoutPlugins(noPlugins)
  const registries = await openRegistriesFile(config.registries, { clock, log })
  const keeper = createPluginKeeper(world, () => plugins)
  const plugins = createPlugins({
    config,
    client: connection.client,
    calls: connection.calls,
    clock,
    log,
    registries,
    send: sendOf(egress, refused),
    userAgent: `tidewaiter/${version}`,
    nodes: async (signal) => {
      await refused.whenKnown(signal)
      return refused.platforms()
    },
    onPlugin: keeper.onPlugin,
  })
  return {
    ports: plugins.ports,
    notReady: plugins.notReady,
    lead: keeper.lead,
    start: async (signal) =>
      void (await Promise.all([plugins.start(signal), registries.start(signal, plugins.renewed)])),
  }
}

const withoutPlugins = (ports: PluginPorts): PluginsPart => ({
  ports,
  notReady: () => [],
  lead: () => Promise.resolve(),
  start: () => Promise.resolve(),
})

/** While it is not known which addresses are inside, no registry is called either. */
const sendOf =
  (egress: Egress, { known }: Pick<Refused, 'known'>): Ports['send'] =>
  (call) =>
    known()
      ? egress.send(call)
      : Promise.resolve({
          failed: 'network',
          message: 'the addresses of nodes and API server, which must not be called, are not known yet',
        })
