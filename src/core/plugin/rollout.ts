/** How far the Deployment of Velero is with the pod template that it has. */
import { at, textAt } from '../velero.ts'
import type { Platform } from '../plugin-check/platform.ts'
import { readPodTemplate, type PodTemplate } from './deployment.ts'
import { runsOn } from './nodes.ts'

/** A Deployment that runs Velero, as far as the status of plugins needs it. */
export type VeleroDeployment = {
  readonly name: string
  readonly template: PodTemplate
  /** Whether its pods may come to a node of this platform. */
  readonly runsOn: (platform: Platform) => boolean
  readonly rollout: Rollout
}

/** Whether all pods run the newest template; else how far it is, in a phrase, and whether the Deployment gave it up. */
export type Rollout =
  { readonly isDone: true } | { readonly isDone: false; readonly isGivenUp: boolean; readonly phrase: string }

/** Reads one; undefined for a Deployment that does not run Velero. */
export function readDeployment(raw: unknown): VeleroDeployment | undefined {
  const template = readPodTemplate(raw)
  return (
    template && {
      name: textAt(raw, 'metadata', 'name'),
      template,
      runsOn: runsOn(raw),
      rollout: rolloutOf(raw),
    }
  )
}

const number = (raw: unknown, ...path: readonly string[]): number => {
  const value = at(raw, ...path)
  return typeof value === 'number' ? value : 0
}

/** How many pods a Deployment wants: one unless it says. */
export const wantedReplicas = (raw: unknown): number =>
  at(raw, 'spec', 'replicas') === undefined ? 1 : number(raw, 'spec', 'replicas')

/** Whether somebody paused its rollouts. */
export const isPaused = (raw: unknown): boolean => at(raw, 'spec', 'paused') === true

/** Reads how far it is: as `kubectl rollout status` judges it (kubectl pkg/polymorphichelpers/rollout_status.go). */
export function rolloutOf(raw: unknown): Rollout {
  const wanted = wantedReplicas(raw)
  const [all, updated, available] = ['replicas', 'updatedReplicas', 'availableReplicas'].map((key) =>
    number(raw, 'status', key),
  ) as [number, number, number]
  const not = (phrase: string) => ({ isDone: false, isGivenUp: false, phrase }) as const
  if (wanted === 0) return not('it is scaled to 0')
  if (number(raw, 'status', 'observedGeneration') < number(raw, 'metadata', 'generation'))
    return not('its newest template was not looked at yet')
  const stuck = stuckOf(raw)
  if (stuck !== undefined) return { ...not(stuck), isGivenUp: true }
  if (updated < wanted) return not(`${updated} of ${wanted} pods are of its newest template`)
  if (all > updated) return not(`${all - updated} pods of an older template have not ended`)
  return available < updated ? not(`${available} of ${updated} pods are available`) : { isDone: true }
}

function stuckOf(raw: unknown): string | undefined {
  const given = at(raw, 'status', 'conditions')
  const conditions: readonly unknown[] = Array.isArray(given) ? given : []
  const late = conditions.find(
    (one) => textAt(one, 'type') === 'Progressing' && textAt(one, 'reason') === 'ProgressDeadlineExceeded',
  )
  return late === undefined ? undefined : `it does not come up: ${textAt(late, 'message').slice(0, 300)}`
}
