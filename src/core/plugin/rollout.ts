/** How far the rollout of a Deployment is: the rules of `kubectl rollout status` (kubectl pkg/polymorphichelpers/rollout_status.go). */
import { at, textAt, type Json } from '../velero.ts'
import { conditionOf } from './aboard.ts'

/** Where a rollout is. */
export type Rollout =
  | { readonly state: 'complete' }
  | { readonly state: 'under way'; readonly message: string }
  /** The Deployment itself gave it up. */
  | { readonly state: 'failed'; readonly message: string }

/** Reads it from the Deployment. */
export function rolloutOf(deployment: Json): Rollout {
  if (numberAt(deployment, 'status', 'observedGeneration') < numberAt(deployment, 'metadata', 'generation'))
    return { state: 'under way', message: 'the change of the Deployment is not taken up yet' }
  const progressing = conditionOf(deployment, 'Progressing')
  if (textAt(progressing, 'reason') === 'ProgressDeadlineExceeded')
    return { state: 'failed', message: textAt(progressing, 'message') }
  const message = waitsFor({
    wanted: wantedReplicas(deployment),
    all: numberAt(deployment, 'status', 'replicas'),
    updated: numberAt(deployment, 'status', 'updatedReplicas'),
    available: numberAt(deployment, 'status', 'availableReplicas'),
  })
  return message === undefined ? { state: 'complete' } : { state: 'under way', message }
}

type Replicas = {
  readonly wanted: number
  readonly all: number
  readonly updated: number
  readonly available: number
}

function waitsFor({ wanted, all, updated, available }: Replicas): string | undefined {
  if (updated < wanted) return `${updated} of ${wanted} new pods are there`
  if (all > updated) return `${all - updated} former pods are still there`
  return available < updated ? `${available} of ${updated} new pods are ready` : undefined
}

function numberAt(object: Json, ...path: readonly string[]): number {
  const value = at(object, ...path)
  return typeof value === 'number' ? value : 0
}

/** How many pods the Deployment wants; one unless it says. */
export function wantedReplicas(deployment: Json): number {
  const value = at(deployment, 'spec', 'replicas')
  return typeof value === 'number' ? value : 1
}

/** Whether somebody paused its rollouts. */
export const isPaused = (deployment: Json): boolean => at(deployment, 'spec', 'paused') === true
