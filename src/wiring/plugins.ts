/** What every replica knows of the plugins that Velero must carry: the book, what it follows, and the looks it makes. */
import tls from 'node:tls'
import type { PluginPorts } from '../admission/plugin-ports.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import type { Platform } from '../core/plugin-check/platform.ts'
import { runsOn } from '../core/plugin/nodes.ts'
import type { PodCredentials } from '../core/plugin/pod-credentials.ts'
import { createQueue } from '../control/queue.ts'
import type { Ports } from '../images/ports.ts'
import type { KubeClient } from '../kube/client.ts'
import type { Log } from '../log.ts'
import { createBook, type Book } from '../plugins/book.ts'
import { createInspections } from '../plugins/inspections.ts'
import type { CheckPorts } from '../plugins/ports.ts'
import { hash } from './crypto.ts'
import type { Calls } from './kinds.ts'
import { askedSources } from './plugin-sources-asked.ts'
import { copiesOf, createSources, sourcesOf, type NamespaceSources } from './plugin-sources.ts'
import type { RegistriesFile } from './registries-file.ts'
import { accountSecrets, podSecrets, pullSecret } from './pull-secrets.ts'
import { registriesOf } from './registries.ts'

/** What the book of a process needs. */
export type PluginsWorld = {
  readonly config: Config
  readonly client: KubeClient
  readonly calls: Calls
  readonly clock: Clock
  readonly log: Log
  /** Calls to registries, within the egress rules. */
  readonly send: Ports['send']
  readonly userAgent: string
  /** The settings of registries as they are now. */
  readonly registries: RegistriesFile
  /** The platforms of the nodes; rejects while they are not known. */
  readonly nodes: (signal: AbortSignal) => Promise<readonly Platform[]>
  /** A VeleroPlugin, or what is known of one, changed. */
  readonly onPlugin: (namespace: string) => void
}

/** The plugins of a process. */
export type Plugins = {
  readonly ports: PluginPorts
  readonly book: Book
  readonly sources: ReadonlyMap<string, NamespaceSources>
  /** Follows and looks until the signal aborts. */
  readonly start: (signal: AbortSignal) => Promise<void>
  /** The settings of registries changed. */
  readonly renewed: () => void
  /** Why this replica cannot answer for plugins yet. */
  readonly notReady: () => readonly string[]
}

/** With the gate off nothing is followed and nothing is asked. */
export const noPlugins: PluginPorts = {
  isOn: false,
  hash,
  declared: () => Promise.resolve([]),
  known: () => Promise.resolve({ findings: [], problems: [], warnings: [], accountSecrets: [] }),
}

// Checks wait for registries, most of the time; the registry client asks each host four things at once.
const workers = 8
// A look that waits for a dead registry gives its worker back, so that it holds up no other; so many of them at most.
const maxSlow = 24
// A look has no effect outside: there is nothing to wait for when this process ends.
const drainMs = 500

/** The plugins of a process whose gate is on; nothing is asked before they are started. */
export function createPlugins(world: PluginsWorld): Plugins {
  const { clock, log, config } = world
  const all = createSources({ ...world, onChange: (namespace) => changed(namespace) })
  const sources = new Map(all.map((one) => [one.namespace, one]))
  const checks = checksOf(world, sources)
  const book: Book = createBook({
    clock,
    hash,
    sources: (namespace) => {
      const found = sources.get(namespace)
      return found === undefined ? [] : sourcesOf(found, config.pluginsInstallation)
    },
    ask: (namespace, signal) => askedSources(world, namespace, signal),
    whenRead: async (namespace, signal) => {
      const found = sources.get(namespace)
      if (found !== undefined) await Promise.all(copiesOf([found]).map((copy) => copy.whenSynced(signal)))
    },
    templates: (namespace) =>
      sources
        .get(namespace)
        ?.deployments.list()
        .map(({ template }) => template) ?? [],
    checks,
    accountSecrets: (account, signal) => accountSecrets(world.calls, account, signal),
    offer: (key) => queue.add(key),
    onFound: (namespace) => world.onPlugin(namespace),
  })
  const queue = createQueue({
    clock,
    log,
    name: 'plugins',
    workers,
    maxSlow,
    drainMs,
    onRoom: () => all.forEach(({ namespace }) => book.changed(namespace)),
    work: async (key, signal) => {
      const again = await book.look(key, signal)
      if (again !== undefined) queue.addAfter(key, again)
    },
  })
  const changed = (namespace: string) => {
    book.changed(namespace)
    world.onPlugin(namespace)
  }
  const texts = all.flatMap((one) => one.texts)
  const copies = copiesOf(all).filter((copy) => !texts.some((one) => one.copy === copy))
  return {
    ports: { isOn: true, hash, declared: book.declared, known: book.known },
    book,
    sources,
    start: async (signal) => {
      await Promise.all([...copies, ...texts, queue].map((one) => one.start(signal)))
    },
    renewed: () => all.forEach(({ namespace }) => book.renewed(namespace)),
    notReady: () =>
      copies.every((copy) => copy.synced()) && texts.every((one) => one.documents() !== undefined)
        ? []
        : ['what declares plugins was not read yet'],
  }
}

/** The checks of a namespace: one client of registries and one memory for all, made anew when the settings change. */
function checksOf(world: PluginsWorld, sources: Plugins['sources']) {
  const { calls, clock, log, send, userAgent, nodes } = world
  const inspections = createInspections()
  const authorities = () => tls.getCACertificates('default').join('\n')
  const make = (settings: ReturnType<RegistriesFile['current']>['settings']) =>
    registriesOf({ clock, log, send, userAgent, authorities }, settings)
  let settings = world.registries.current().settings
  let registries = make(settings)
  return (namespace: string, credentials: readonly PodCredentials[]): CheckPorts => {
    const current = world.registries.current()
    if (current.settings !== settings) {
      settings = current.settings
      registries = make(settings)
    }
    return {
      clock,
      registries,
      allowed: current.allowed,
      inspections,
      nodesOf: async (signal: AbortSignal) => {
        const deployments = sources.get(namespace)?.deployments.list() ?? []
        const platforms = await nodes(signal)
        return deployments.length === 0
          ? platforms.filter(runsOn({}))
          : platforms.filter((platform) => deployments.some((one) => one.runsOn(platform)))
      },
      secretOf: (name: string, signal: AbortSignal) => pullSecret(calls, { namespace, name }, signal),
      podSecretsOf: (signal: AbortSignal) => podSecrets(calls, { namespace, credentials }, signal),
    }
  }
}
