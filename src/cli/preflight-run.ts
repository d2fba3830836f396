/** Makes the checks of a preflight. */
import { arch } from 'node:os'
import { parsePlatform, platformText, type Platform } from '../core/plugin-check/platform.ts'
import { checksOf, type PreflightCheck } from '../core/plugin/preflight.ts'
import type { PluginFindings } from '../core/plugin/findings.ts'
import { at } from '../core/velero.ts'
import {
  collect,
  nothingDeclared,
  type Collected,
  type LocatedProblem,
  type NamedText,
} from '../plugins/collect.ts'
import type { PullSecret } from '../plugins/ports.ts'
import { checkAll, type PreflightPorts, type SecretFound } from '../plugins/preflight.ts'
import { secretsIn } from '../plugins/secrets-in-files.ts'
import { readYaml } from '../plugins/yaml-text.ts'
import { StartError } from '../start-error.ts'
import { clusterChecks } from '../wiring/cluster-checks.ts'
import { hash } from '../wiring/crypto.ts'
import { pluginCluster, registriesFromHere, type PluginCluster } from '../wiring/preflight.ts'
import type { Reached } from '../wiring/reach.ts'
import { readRegistriesFile, usualRegistries, type RegistriesConfig } from '../wiring/registries-file.ts'
import { clockOf, logTo, withCluster } from './command.ts'
import { readFile, readInputs } from './input-files.ts'
import type { PreflightFlags } from './preflight.ts'
import { progress } from './progress.ts'
import type { CliWorld } from './world.ts'

/** Everything that was found. */
export type PreflightFound = {
  readonly checks: readonly PreflightCheck[]
  readonly findings: readonly PluginFindings[]
  readonly warnings: readonly string[]
}

type Run = {
  readonly flags: PreflightFlags
  readonly world: CliWorld
  readonly signal: AbortSignal
  readonly texts: readonly NamedText[]
  readonly collected: Collected
  readonly namespace: string
  readonly registries: RegistriesConfig
  readonly dockerConfig: PullSecret | undefined
}

/** Reads all files first, then makes the checks. Throws StartError. */
export async function runPreflight(
  flags: PreflightFlags,
  world: CliWorld,
  signal: AbortSignal,
): Promise<PreflightFound> {
  const { namespace, proxyDomain, dockerConfig } = flags
  const texts = await readInputs(flags.filename, world)
  const collected = collect(texts, { hash, namespace, proxyDomain })
  const run: Run = {
    flags,
    world,
    signal,
    texts,
    collected,
    namespace: collected.namespace ?? 'velero',
    registries: await registriesOf(flags),
    dockerConfig:
      dockerConfig === undefined ? undefined : dockerSecret(dockerConfig, await readFile(dockerConfig)),
  }
  if (!flags.cluster) return found(run, [], await checkImages(run, undefined))
  return withCluster(flags, world, async (reached) => {
    const { namespace } = run
    const checks = await clusterChecks({ reached, namespace, clock: clockOf(world), signal })
    return found(run, checks, await checkImages(run, reached))
  })
}

async function registriesOf({ registries }: PreflightFlags): Promise<RegistriesConfig> {
  if (registries === undefined) return usualRegistries
  const read = await readRegistriesFile(registries)
  if ('ok' in read) return read.ok
  throw new StartError(4, `--registries cannot be used: ${read.problems.join('; ')}`)
}

const dockerSecret = (name: string, text: string): PullSecret => ({
  name,
  type: 'kubernetes.io/dockerconfigjson',
  data: { '.dockerconfigjson': Buffer.from(text).toString('base64') },
})

/** That what stands in may lack credentials: most desktops keep them with a program that only docker asks. */
function helperWarnings(config: PullSecret | undefined): readonly string[] {
  if (config === undefined) return []
  const [value] = readYaml(Buffer.from(config.data['.dockerconfigjson'] ?? '', 'base64').toString()).documents
  const names = ['credsStore', 'credHelpers'].filter((name) => at(value?.value, name) !== undefined)
  return names.length === 0
    ? []
    : [
        `${config.name} leaves credentials to a helper (${names.join(', ')}), which is not run: only what stands in its auths counts`,
      ]
}

type Images = { readonly findings: readonly PluginFindings[]; readonly warnings: readonly string[] }

function found(
  { flags, collected, dockerConfig }: Run,
  cluster: readonly PreflightCheck[],
  images: Images,
): PreflightFound {
  const nothing = flags.filename.length === 0 ? [] : nothingDeclared(collected, flags.filename)
  const declared = [...collected.problems, ...nothing].map(declaredCheck)
  return {
    checks: [...cluster, ...declared, ...images.findings.flatMap(checksOf)],
    findings: images.findings,
    warnings: [...collected.warnings, ...helperWarnings(dockerConfig), ...images.warnings],
  }
}

const declaredCheck = ({ file, line, message }: LocatedProblem): PreflightCheck => ({
  subject: { kind: 'File', name: `${file}:${line}` },
  check: 'DeclarationValid',
  ok: false,
  reason: 'Invalid',
  message,
})

async function checkImages(run: Run, reached: Reached | undefined): Promise<Images> {
  const { world, signal, registries, namespace } = run
  const { plugins } = run.collected
  if (plugins.length === 0) return { findings: [], warnings: [] }
  const cluster = reached === undefined ? undefined : pluginCluster(reached, namespace)
  const nodes = await nodesOf(run, cluster)
  const shown = progress(world, plugins.length)
  const clock = clockOf(world)
  const userAgent = `tidewaiter/${world.version}`
  const ports: PreflightPorts = {
    clock,
    registries: registriesFromHere({ clock, log: logTo(world), userAgent, settings: registries.settings }),
    allowed: registries.allowed,
    nodesOf: async () => nodes.platforms,
    findSecret: secretFinder(run, cluster),
    podSecretsOf: async (signal) => (await cluster?.podSecretsOf(signal)) ?? [],
    pinnedBefore: cluster === undefined ? () => undefined : await cluster.pinsOf(signal),
    signal,
    onChecked: shown.done,
  }
  try {
    return { findings: await checkAll(plugins, ports), warnings: nodes.warnings }
  } finally {
    shown.end()
  }
}

type Nodes = { readonly platforms: readonly Platform[]; readonly warnings: readonly string[] }

async function nodesOf({ flags, signal }: Run, cluster: PluginCluster | undefined): Promise<Nodes> {
  if (flags.platform.length > 0)
    return { platforms: flags.platform.flatMap((text) => parsePlatform(text) ?? []), warnings: [] }
  if (cluster === undefined) {
    const platform = { os: 'linux', architecture: architectures[arch()] ?? arch() }
    const warning = `without --platform and --cluster images are checked for ${platformText(platform)}, as this machine is`
    return { platforms: [platform], warnings: [warning] }
  }
  try {
    return { platforms: await cluster.nodesOf(signal), warnings: [] }
  } catch (error) {
    if (signal.aborted || error instanceof StartError) throw error
    return {
      platforms: [],
      warnings: [`the nodes could not be listed, name their platforms with --platform: ${String(error)}`],
    }
  }
}

/** Names of Node for what images call otherwise. */
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }

/** From the files, then from the cluster, then what stands in. */
function secretFinder(run: Run, cluster: PluginCluster | undefined): PreflightPorts['findSecret'] {
  const { texts, namespace, dockerConfig } = run
  const declared = secretsIn(texts, namespace)
  return async (name, signal): Promise<SecretFound> => {
    const secret = declared.get(name) ?? (await cluster?.secretOf(name, signal))
    if (secret !== undefined) return { secret }
    if (dockerConfig !== undefined) return { secret: dockerConfig, standIn: dockerConfig.name }
    if (cluster !== undefined) return { secret: undefined }
    return {
      unread: 'no manifest of it. Give that with -f, or use --cluster, or --docker-config',
    }
  }
}
