/** Whether the Deployments of Velero carry a plugin as it is declared; if not, what it waits for. */
import type { Word } from '../condition.ts'
import { carrierOf, carries } from './carried.ts'
import type { InitContainer } from './deployment.ts'
import { pinned } from './declared.ts'
import { standingOf, type PluginFindings } from './findings.ts'
import { marked, pluginsAnnotation } from './patch.ts'
import type { VeleroDeployment } from './rollout.ts'

/** Velero in a namespace; undefined: its Deployments were not read yet. */
export type Crew = {
  readonly namespace: string
  readonly deployments: readonly VeleroDeployment[] | undefined
}

/** What the condition Injected says. */
export function injectedOf({ namespace, deployments }: Crew, known: PluginFindings): Word {
  const { plugin, digest } = known
  if (deployments === undefined)
    return { status: 'Unknown', reason: 'NotReadYet', message: 'the Deployments were not read yet' }
  if (deployments.length === 0)
    return {
      status: 'False',
      reason: 'NoDeployment',
      message: `no Deployment in ${namespace} has the label component=velero and a container velero`,
    }
  const lacking = deployments.find(({ template }) => !carries(template, plugin, digest))
  if (lacking === undefined)
    return { status: 'True', reason: 'Injected', message: carriedBy(deployments, known) }
  const there = carrierOf(lacking.template, plugin)
  const lack = there === undefined ? absent(known) : otherwise(lacking, there, known)
  return { status: 'False', ...(lack ?? waiting({ namespace, known }, lacking, there)) }
}

const carriedBy = (deployments: readonly VeleroDeployment[], { plugin }: PluginFindings): string =>
  deployments
    .map(({ name, template }) => `Deployment ${name} carries it in ${carrierOf(template, plugin)?.name}`)
    .join('; ')

type Lack = Pick<Word, 'reason' | 'message'>

const isKeptOut = (known: PluginFindings): boolean =>
  known.plugin.enforcement === 'Enforce' && standingOf(known) !== 'Ready'

const absent = (known: PluginFindings): Lack | undefined =>
  isKeptOut(known) ? { reason: 'NotReady', message: 'it is injected once Ready is True' } : undefined

/** What another image stays for, that no rollout would change. */
function otherwise(
  { name, template }: VeleroDeployment,
  there: InitContainer,
  known: PluginFindings,
): Lack | undefined {
  const { plugin } = known
  const carried = `Deployment ${name} carries ${there.image} in ${there.name}`
  if (!marked(template, pluginsAnnotation).includes(there.name)) {
    const message = `${carried}, which tidewaiter did not add: it stays, and no second one is added. Remove it, or this VeleroPlugin`
    return there.name === plugin.initContainer ? undefined : { reason: 'BroughtByOther', message }
  }
  return isKeptOut(known)
    ? { reason: 'NotReady', message: `${carried}, which stays until Ready is True` }
    : undefined
}

type Wanted = { readonly namespace: string; readonly known: PluginFindings }

function waiting(
  { namespace, known }: Wanted,
  { name }: VeleroDeployment,
  there: InitContainer | undefined,
): Lack {
  const has =
    there === undefined
      ? 'does not carry it yet'
      : `carries ${there.image} in ${there.name}, and ${imageOf(known)} is wanted`
  const message =
    `Deployment ${name} ${has}. A changed pod template restarts Velero, so it waits for the next rollout: ` +
    `start one with tidewaiter plugins rollout -n ${namespace}`
  return { reason: there === undefined ? 'WaitsForRollout' : 'OtherImage', message }
}

const imageOf = ({ plugin, digest }: PluginFindings): string =>
  (digest === undefined ? plugin : pinned(plugin, digest)).image
