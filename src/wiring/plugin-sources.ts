/** What declares plugins, as this process follows it: VeleroPlugins, ConfigMaps, an Installation; and the Deployments that carry them. */
import { veleroPluginKind, type VeleroPluginStatus } from '../api/velero-plugin.ts'
import { parseKeeping } from '../api/parse.ts'
import { componentLabel } from '../core/plugin/deployment.ts'
import { throughProxy } from '../core/plugin/proxy.ts'
import { readDeployment, type VeleroDeployment } from '../core/plugin/rollout.ts'
import { readDocument, type PluginDocument } from '../core/plugin/sources.ts'
import { storedFindings } from '../core/plugin/status.ts'
import { at, objectAt, textAt } from '../core/velero.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import type { KubeClient } from '../kube/client.ts'
import { createReflector } from '../kube/reflector.ts'
import type { Reflector } from '../kube/reflector-options.ts'
import { collectionPath } from '../kube/resource.ts'
import type { Log } from '../log.ts'
import type { Source } from '../plugins/book-ports.ts'
import { ownPath } from './kinds.ts'
import { createTexts, type Texts } from './plugin-texts.ts'

/** A VeleroPlugin as it is kept. */
export type KeptPlugin = {
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly generation: number
  readonly createdAt: string
  readonly document: PluginDocument
  readonly status: VeleroPluginStatus | undefined
}

/** What declares plugins for the Velero of one namespace, and what carries them. */
export type NamespaceSources = {
  readonly namespace: string
  readonly plugins: Reflector<KeptPlugin>
  readonly deployments: Reflector<VeleroDeployment>
  readonly texts: readonly Texts[]
  readonly installation: Reflector<InstallationDocument> | undefined
}

/** Where Installations of Embedded Cluster are. */
export const installationsOf = {
  group: 'embeddedcluster.replicated.com',
  version: 'v1beta1',
  plural: 'installations',
} as const

/** The Config in an Installation. */
export type InstallationDocument = { readonly name: string; readonly document: PluginDocument }

/** What following needs. */
export type SourcesWorld = {
  readonly client: KubeClient
  readonly clock: Clock
  readonly log: Log
  readonly config: Pick<
    Config,
    'pluginsConfigMaps' | 'pluginsInstallation' | 'proxyDomain' | 'veleroNamespaces'
  >
  /** Something of a namespace changed. */
  readonly onChange: (namespace: string) => void
}

/** The sources of every namespace; nothing is asked before they are started. */
export function createSources(world: SourcesWorld): readonly NamespaceSources[] {
  const { client, clock, log, config, onChange } = world
  const common = { client, clock, log }
  const installation =
    config.pluginsInstallation === undefined
      ? undefined
      : createReflector<InstallationDocument>({
          ...common,
          path: collectionPath(installationsOf),
          project: (raw) => keptInstallation(raw, config.proxyDomain),
          onChange: () => config.veleroNamespaces.forEach(onChange),
        })
  return config.veleroNamespaces.map((namespace) => {
    const changed = () => onChange(namespace)
    return {
      namespace,
      plugins: createReflector<KeptPlugin>({
        ...common,
        path: ownPath('veleroplugins', namespace),
        project: keptPlugin,
        onChange: changed,
      }),
      deployments: createReflector<VeleroDeployment>({
        ...common,
        path: collectionPath({ group: 'apps', version: 'v1', plural: 'deployments', namespace }),
        labelSelector: `${componentLabel.key}=${componentLabel.value}`,
        project: readDeployment,
        onChange: changed,
      }),
      texts: config.pluginsConfigMaps.map((name) =>
        createTexts({ ...common, namespace, name, proxyDomain: config.proxyDomain, onChange: changed }),
      ),
      installation,
    }
  })
}

/** Every copy, each once. */
export const copiesOf = (all: readonly NamespaceSources[]): readonly Reflector<unknown>[] => [
  ...new Set(
    all.flatMap(({ plugins, deployments, texts, installation }) => [
      plugins,
      deployments,
      ...texts.map(({ copy }) => copy),
      ...(installation === undefined ? [] : [installation]),
    ]),
  ),
]

/** What is kept of a VeleroPlugin. */
export function keptPlugin(raw: unknown): KeptPlugin | undefined {
  const read = readDocument(raw)
  if (read.kind !== 'plugins') return undefined
  // By itself: whatever is wrong with the spec, what was said of it stands, or it would be said again and again.
  const status = parseKeeping(veleroPluginKind.status, at(raw, 'status'), 'status')
  const generation = at(raw, 'metadata', 'generation')
  return {
    name: textAt(raw, 'metadata', 'name'),
    uid: textAt(raw, 'metadata', 'uid'),
    resourceVersion: textAt(raw, 'metadata', 'resourceVersion'),
    generation: typeof generation === 'number' ? generation : 0,
    createdAt: textAt(raw, 'metadata', 'creationTimestamp'),
    document: read.document,
    status: 'ok' in status ? status.ok : undefined,
  }
}

/** What is kept of an Installation. */
export function keptInstallation(raw: unknown, domain: string | undefined): InstallationDocument | undefined {
  const read = readDocument({ ...objectAt(raw), kind: 'Installation' })
  return read.kind === 'plugins'
    ? { name: textAt(raw, 'metadata', 'name'), document: throughProxy(read.document, domain) }
    : undefined
}

// The API server sends a bookmark at least once a minute: a copy that heard nothing for longer is not believed.
const longestSilenceMs = 75_000

/** Everything that declares plugins, by the copies of it. Undefined: not known well enough. */
export function sourcesOf(
  sources: NamespaceSources,
  installationName: string | undefined,
): readonly Source[] | undefined {
  const isFresh = copiesOf([sources]).every((copy) => copy.synced() && copy.silentMs() < longestSilenceMs)
  const texts = sources.texts.map((one) => one.documents())
  if (!isFresh || texts.includes(undefined)) return undefined
  return inOrder({
    plugins: sources.plugins.list(),
    listed: texts.flatMap((documents) => documents ?? []),
    installations: sources.installation?.list() ?? [],
    installationName,
  })
}

/** What declares plugins, as it was found. */
export type Declaring = {
  readonly plugins: readonly KeptPlugin[]
  /** In ConfigMaps. */
  readonly listed: readonly PluginDocument[]
  readonly installations: readonly InstallationDocument[]
  readonly installationName: string | undefined
}

/** The order in which it counts, the oldest VeleroPlugin first: a newer one must not take its place. */
export function inOrder({ plugins, listed, ...installing }: Declaring): readonly Source[] {
  const own = plugins
    .toSorted((a, b) => compare(a.createdAt, b.createdAt) || compare(a.name, b.name))
    .map(({ document, status, generation }) => ({ document, stored: storedFindings(status, generation) }))
  const others = [...listed, ...installed(installing)]
  return [...own, ...others.map((document) => ({ document, stored: undefined }))]
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Embedded Cluster names Installations by their time, and takes the one with the last name (kubeutils.GetLatestInstallation). */
function installed({
  installations,
  installationName: wanted,
}: Pick<Declaring, 'installations' | 'installationName'>): readonly PluginDocument[] {
  const all = installations.toSorted((a, b) => compare(b.name, a.name))
  const found = wanted === 'newest' ? all[0] : all.find(({ name }) => name === wanted)
  return found === undefined ? [] : [found.document]
}
