/** What declares plugins, asked for: while the copies of it are silent, they may lack what was declared since. */
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { throughProxy } from '../core/plugin/proxy.ts'
import type { PluginDocument } from '../core/plugin/sources.ts'
import type { KubeClient } from '../kube/client.ts'
import { resource } from '../kube/resource.ts'
import type { Source } from '../plugins/book-ports.ts'
import { documentsApart } from '../plugins/texts-apart.ts'
import { insistOnList } from './insist.ts'
import type { Calls } from './kinds.ts'
import {
  inOrder,
  installationsOf,
  keptInstallation,
  keptPlugin,
  type InstallationDocument,
} from './plugin-sources.ts'
import { textsOf } from './plugin-texts.ts'

/** What asking needs. */
export type AskingWorld = {
  readonly client: KubeClient
  readonly calls: Calls
  readonly clock: Clock
  readonly config: Pick<Config, 'pluginsConfigMaps' | 'pluginsInstallation' | 'proxyDomain'>
}

/** Everything that declares plugins for the Velero of a namespace. Rejects with a KubeError, or with the signal's reason. */
export async function askedSources(
  world: AskingWorld,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly Source[]> {
  const { calls, config } = world
  const [plugins, listed, installations] = await Promise.all([
    insistOnList(calls.own('veleroplugins', namespace), { signal }),
    Promise.all(config.pluginsConfigMaps.map((name) => listedIn(world, { namespace, name }, signal))),
    installationsIn(world, signal),
  ])
  return inOrder({
    plugins: plugins.flatMap((raw) => keptPlugin(raw) ?? []),
    listed: listed.flat(),
    installations,
    installationName: config.pluginsInstallation,
  })
}

async function listedIn(
  { calls, clock, config }: AskingWorld,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
): Promise<readonly PluginDocument[]> {
  const fieldSelector = `metadata.name=${name}`
  const maps = await insistOnList(calls.configMaps(namespace), { fieldSelector, signal })
  const read = maps.flatMap((raw) => textsOf(raw) ?? [])
  const documents = await Promise.all(read.map((texts) => documentsApart(texts, { clock, signal })))
  return documents.flat().map((document) => throughProxy(document, config.proxyDomain))
}

async function installationsIn(
  { client, config }: AskingWorld,
  signal: AbortSignal,
): Promise<readonly InstallationDocument[]> {
  if (config.pluginsInstallation === undefined) return []
  const found = await insistOnList(resource(client, installationsOf), { signal })
  return found.flatMap((raw) => keptInstallation(raw, config.proxyDomain) ?? [])
}
