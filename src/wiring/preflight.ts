/** The world of a preflight: registries by network, and what is asked of a cluster, if there is one. */
import tls from 'node:tls'
import type { Clock } from '../clock.ts'
import type { Platform } from '../core/plugin-check/platform.ts'
import { componentLabel } from '../core/plugin/deployment.ts'
import { runsOn } from '../core/plugin/nodes.ts'
import { credentialsOf } from '../core/plugin/pod-credentials.ts'
import { readDeployment } from '../core/plugin/rollout.ts'
import type { DeclaredPlugin } from '../core/plugin/declared.ts'
import { textAt, type Json } from '../core/velero.ts'
import { isKubeError } from '../kube/errors.ts'
import type { RegistrySettings } from '../images/settings.ts'
import type { Log } from '../log.ts'
import { createEgress } from '../net/egress.ts'
import type { PullSecret, Registries } from '../plugins/ports.ts'
import { pullSecretOf } from '../plugins/secrets-in-files.ts'
import { podSecrets } from './pull-secrets.ts'
import { cannotAsk, isUnanswered, type Reached } from './reach.ts'
import { platformsOf } from './refused.ts'
import { registriesOf } from './registries.ts'

/** What calls to registries need. */
export type RegistryWorld = {
  readonly clock: Clock
  readonly log: Log
  readonly userAgent: string
  readonly settings: readonly RegistrySettings[]
}

/** Registries as a person's own machine reaches them: nothing but link-local and metadata addresses is refused. */
export function registriesFromHere({ clock, log, userAgent, settings }: RegistryWorld): Registries {
  const rules = { inCluster: false, refusedAddresses: () => [], allowNames: [], onlyTo: [] }
  const { send } = createEgress({ clock, log, rules })
  const authorities = () => tls.getCACertificates('default').join('\n')
  return registriesOf({ clock, log, send, userAgent, authorities }, settings)
}

/** A cluster as the checks of plugins ask it. */
export type PluginCluster = {
  /** Undefined: there is none. Rejects with a sentence if that could not be found out. */
  readonly secretOf: (name: string, signal: AbortSignal) => Promise<PullSecret | undefined>
  /** Those that Velero's pod has whatever plugins name; none where Velero is not installed. */
  readonly podSecretsOf: (signal: AbortSignal) => Promise<readonly PullSecret[]>
  readonly nodesOf: (signal: AbortSignal) => Promise<readonly Platform[]>
  /** What a plugin is pinned to there: only if it is declared there with the same image. */
  readonly pinsOf: (signal: AbortSignal) => Promise<(plugin: DeclaredPlugin) => string | undefined>
}

/** Asks it. Throws StartError where the cluster does not answer. */
export function pluginCluster(reached: Reached, namespace: string): PluginCluster {
  const { calls } = reached
  return {
    secretOf: (name, signal) =>
      answered(reached, async () => {
        const found = await calls.secrets(namespace).find(name, { signal })
        return found === undefined ? undefined : pullSecretOf(found, namespace)
      }),
    podSecretsOf: (signal) =>
      answered(reached, async () => {
        const credentials = (await velerosIn(reached, namespace, signal)).map(({ template }) =>
          credentialsOf(template),
        )
        return podSecrets(calls, { namespace, credentials }, signal)
      }),
    nodesOf: (signal) => answered(reached, () => nodesOf(reached, namespace, signal)),
    pinsOf: (signal) => answered(reached, async () => pinsOf(await declaredIn(reached, namespace, signal))),
  }
}

async function answered<T>({ server }: Reached, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    throw isUnanswered(error) ? cannotAsk(error, server) : error
  }
}

/** The Deployments that run Velero there. */
async function velerosIn({ calls }: Reached, namespace: string, signal: AbortSignal) {
  const { items } = await calls
    .of('apps', 'deployments', namespace)
    .list({ labelSelector: `${componentLabel.key}=${componentLabel.value}`, signal })
  return items.flatMap((one) => readDeployment(one) ?? [])
}

/** The platforms that Velero may run on: as its Deployment demands, if there is one already. */
async function nodesOf(
  reached: Reached,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly Platform[]> {
  const [nodes, found] = await Promise.all([
    reached.calls.nodes().list({ pageSize: nodesAtOnce, signal }),
    velerosIn(reached, namespace, signal),
  ])
  const mayRun = found.length === 0 ? [runsOn({})] : found.map((one) => one.runsOn)
  return platformsOf(nodes.items).filter((platform) => mayRun.some((may) => may(platform)))
}

const nodesAtOnce = 100

async function declaredIn(
  { calls }: Reached,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly Json[]> {
  try {
    return (await calls.own('veleroplugins', namespace).list({ signal })).items
  } catch (error) {
    // Not installed yet, or not for this user to see: then nothing is pinned that could have moved.
    if (isKubeError(error, 'NOT_FOUND', 'FORBIDDEN')) return []
    throw error
  }
}

function pinsOf(declared: readonly Json[]): (plugin: DeclaredPlugin) => string | undefined {
  return ({ name, image }) => {
    const there = declared.find((one) => textAt(one, 'metadata', 'name') === name)
    return textAt(there, 'spec', 'image') === image
      ? textAt(there, 'status', 'digest') || undefined
      : undefined
  }
}
