/** Writes the status of Actions: whether each can run, and how it last ended. Leader only. */
import type { ActionRun } from '../api/action-run.ts'
import { acceptedCondition, resultsOf } from '../control/action-status.ts'
import type { Condition } from '../core/condition.ts'
import { doubtsOf } from '../core/action-check.ts'
import { isKubeError } from '../kube/errors.ts'
import type { KeptAction } from './caches.ts'
import { cachesOf, isAdopted, type World } from './world.ts'

/** The status of the Actions that this leader knows. Keys are those of the queue: see `actionKey`. */
export type ActionStatuses = {
  /** Keeps what a settled run says of its actions, and asks for a look at those Actions of which it is news. */
  readonly note: (run: ActionRun) => void
  /** Looks at one Action, and writes what is news of it, all at once. Throws when the API server could not be asked. */
  readonly look: (key: string) => Promise<undefined>
}

/** The key of an Action in the queue. */
export const actionKey = (namespace: string, name: string): string => `Action/${namespace}/${name}`

/** Whether a key of the queue is that of an Action. */
export const isActionKey = (key: string): boolean => key.startsWith('Action/')

/** When a hundred runs of one Action end at once, the last of them is what is written. */
const together = 2_000

type Last = { readonly at: string; readonly result: string }

/** Statuses; `later` asks for a look at a key in so many milliseconds. */
export function actionStatuses(
  world: () => World,
  later: (key: string, ms: number) => unknown,
): ActionStatuses {
  /** The newest result of each Action that is known; one for each Action at most. */
  const known = new Map<string, Last>()
  const kept = (key: string): KeptAction | undefined => {
    const [, namespace = '', name = ''] = key.split('/')
    return cachesOf(world(), namespace)?.actions.get(namespace, name)
  }
  return {
    note: (run) => {
      for (const { name, at, result } of resultsOf(run)) {
        const key = actionKey(run.metadata.namespace, name)
        const action = kept(key)
        if (action === undefined || 'problem' in action) continue
        const { status } = action.action
        const times = [status?.lastRunTimestamp, known.get(key)?.at]
        if (times.some((time) => Date.parse(time ?? '') >= Date.parse(at))) continue
        known.set(key, { at, result })
        later(key, together)
      }
    },
    look: async (key) => {
      const [, namespace = ''] = key.split('/')
      const action = kept(key)
      if (action === undefined) known.delete(key)
      else
        await write(world(), key, {
          ...conditionPart(world(), namespace, action),
          ...lastPart(action, known.get(key)),
        })
      return undefined
    },
  }
}

function lastPart(kept: KeptAction, last: Last | undefined) {
  if (last === undefined || 'problem' in kept) return {}
  const stands = Date.parse(kept.action.status?.lastRunTimestamp ?? '') >= Date.parse(last.at)
  return stands ? {} : { lastRunTimestamp: last.at, lastResult: last.result }
}

function conditionPart(world: World, namespace: string, kept: KeptAction) {
  const condition = conditionOf(world, namespace, kept)
  if (condition === undefined) return {}
  const { observedGeneration } = condition
  return { ...(observedGeneration === undefined ? {} : { observedGeneration }), conditions: [condition] }
}

function conditionOf(world: World, namespace: string, kept: KeptAction): Condition | undefined {
  const now = world.clock.now()
  const adopted = isAdopted(world, namespace, kept)
  if ('problem' in kept) {
    const status = kept.status === undefined ? {} : { status: kept.status }
    return acceptedCondition({ problem: kept.problem, adopted, ...status }, now)
  }
  const { action } = kept
  const doubts = () => doubtsOf(action.spec, { unknownFields: world.cel.unknownFields })
  return acceptedCondition({ action, adopted, doubts }, now)
}

async function write(world: World, key: string, status: object): Promise<void> {
  if (Object.keys(status).length === 0) return
  const [, namespace = '', name = ''] = key.split('/')
  try {
    await world.calls.own('actions', namespace).mergePatch(name, { status }, { subresource: 'status' })
  } catch (error) {
    if (!isKubeError(error, 'NOT_FOUND')) throw error
  }
}
