/** The cluster as a rollout of Velero sees it. */
import { componentLabel, readPodTemplate } from '../core/plugin/deployment.ts'
import { podSelector } from '../core/plugin/pods.ts'
import { workIn } from '../core/plugin/work.ts'
import type { Json, VeleroKind } from '../core/velero.ts'
import { isKubeError } from '../kube/errors.ts'
import type { Look, RolloutPorts, Velero, Written } from '../plugins/rollout-ports.ts'
import { StartError } from '../start-error.ts'
import { veleroPlural } from './kinds.ts'
import { cannotAsk, isUnanswered, type Reached } from './reach.ts'

/** Which Velero, and until when. */
export type RolloutPlace = { readonly namespace: string; readonly signal: AbortSignal }

/** Told what is warned of when Velero's Deployment is written, each text once: the dry run and the write are warned of the same. */
export type Warn = { readonly warn: (text: string) => void }

/** The looks and writes of a rollout. */
export function rolloutCluster(
  reached: Reached,
  { warn, ...place }: RolloutPlace & Warn,
): Pick<RolloutPorts, 'velero' | 'work' | 'patch'> {
  const told = new Set<string>()
  const onWarnings = (texts: readonly string[]) => {
    for (const text of texts) if (!told.has(text)) warn(text)
    texts.forEach((text) => told.add(text))
  }
  return {
    velero: () => looked(reached, () => veleroOf(reached, place)),
    work: () => looked(reached, () => workOf(reached, place)),
    patch: (deployment, patch, { dryRun }) =>
      written({ reached, place }, { deployment, patch, dryRun, onWarnings }),
  }
}

async function looked<T>({ server }: Reached, look: () => Promise<T>): Promise<Look<T>> {
  try {
    return { ok: await look() }
  } catch (error) {
    if (isUnanswered(error))
      return { unanswered: `the API server ${server} must answer, got: ${error.message}` }
    throw error instanceof StartError ? error : cannotAsk(error, server)
  }
}

async function veleroOf(reached: Reached, { namespace, signal }: RolloutPlace): Promise<Velero> {
  const { calls } = reached
  const labelSelector = `${componentLabel.key}=${componentLabel.value}`
  const { items } = await calls.of('apps', 'deployments', namespace).list({ labelSelector, signal })
  const [deployment, ...others] = items.filter((one) => readPodTemplate(one) !== undefined)
  if (deployment === undefined || others.length > 0)
    throw new StartError(
      4,
      `the namespace ${namespace} must have one Deployment with the label ${labelSelector} and a container velero, got ${others.length === 0 ? 'none' : others.length + 1}: name Velero's namespace with -n`,
    )
  const [pods, plugins] = await Promise.all([
    podsOf(reached, deployment, { namespace, signal }),
    pluginsOf(reached, { namespace, signal }),
  ])
  return { deployment, pods, plugins }
}

/** Undefined where this user may not list them: then they are not told of. */
async function podsOf({ calls }: Reached, deployment: Json, { namespace, signal }: RolloutPlace) {
  try {
    const pods = calls.of('', 'pods', namespace)
    return (await pods.list({ labelSelector: podSelector(deployment), signal })).items
  } catch (error) {
    if (isKubeError(error, 'FORBIDDEN')) return undefined
    throw error
  }
}

/** The VeleroPlugins of a namespace, or of all. */
export async function pluginsOf(
  { calls, server }: Reached,
  { namespace, signal }: { readonly namespace: string | undefined; readonly signal: AbortSignal },
): Promise<readonly Json[]> {
  try {
    return (await calls.own('veleroplugins', namespace).list({ signal })).items
  } catch (error) {
    if (!isKubeError(error, 'NOT_FOUND')) throw error
    throw new StartError(
      4,
      `the API server ${server} must know VeleroPlugins, and does not: install them with kubectl apply -k deploy/crds`,
      { cause: error },
    )
  }
}

async function workOf({ calls }: Reached, { namespace, signal }: RolloutPlace) {
  const kinds: readonly VeleroKind[] = ['Backup', 'Restore']
  const work = await Promise.all(
    kinds.map(async (kind) =>
      workIn(kind, (await calls.velero(veleroPlural[kind], namespace).list({ signal })).items),
    ),
  )
  return work.flat()
}

type Writing = {
  readonly deployment: Json
  readonly patch: Json
  readonly dryRun: boolean
  readonly onWarnings: (texts: readonly string[]) => void
}

async function written(
  { reached, place }: { readonly reached: Reached; readonly place: RolloutPlace },
  { deployment, patch, ...how }: Writing,
): Promise<Written> {
  const deployments = reached.calls.of('apps', 'deployments', place.namespace)
  const name = String((deployment['metadata'] as Json)['name'])
  try {
    const { signal } = place
    return { ok: await deployments.mergePatch(name, patch, { ...how, fieldManager: 'tidewaiter', signal }) }
  } catch (error) {
    if (isKubeError(error, 'CONFLICT')) return { conflict: true }
    if (isUnanswered(error)) return { unanswered: error.message }
    if (isKubeError(error)) return { refused: error.message }
    throw error
  }
}
