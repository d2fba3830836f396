/** The records of runs, kept in ActionRuns. Expected conflicts are values; anything else is a throw. */
import type { ActionRun, RunStatus } from '../api/action-run.ts'
import { parseActionRun } from '../api/parse.ts'
import { sentenceOf } from '../api/problems.ts'
import type { NewRun } from '../core/run/draft.ts'
import { isKubeError } from '../kube/errors.ts'
import { runBody, type Calls } from './kinds.ts'

/** Reads, creates and writes runs. */
export type Runs = {
  readonly read: (namespace: string, name: string) => Promise<ActionRun | undefined>
  readonly create: (run: NewRun) => Promise<ActionRun | 'exists'>
  readonly write: (run: ActionRun, status: RunStatus) => Promise<ActionRun | 'conflict' | 'gone'>
}

/** The API server answers a write of a record in milliseconds; a record that takes longer is a stage that must not start. */
const writeMs = 5_000

/** Runs by these calls. */
export function runsBy(calls: Calls): Runs {
  return {
    read: async (namespace, name) => {
      const raw = await calls.own('actionruns', namespace).find(name)
      return raw === undefined ? undefined : parsed(raw)
    },
    create: async (run) => {
      try {
        return parsed(
          await calls.own('actionruns', run.metadata.namespace).create(run, { timeoutMs: writeMs }),
        )
      } catch (error) {
        if (isKubeError(error, 'ALREADY_EXISTS')) return 'exists'
        throw error
      }
    },
    write: async (run, status) => {
      const { namespace, name } = run.metadata
      try {
        // Carries the resourceVersion that was stepped: whoever wrote in between wins, and we stop.
        return parsed(
          await calls
            .own('actionruns', namespace)
            .replaceStatus(name, runBody({ ...run, status }), { timeoutMs: writeMs }),
        )
      } catch (error) {
        if (isKubeError(error, 'CONFLICT')) return 'conflict'
        if (isKubeError(error, 'NOT_FOUND')) return 'gone'
        throw error
      }
    },
  }
}

function parsed(raw: unknown): ActionRun {
  const run = parseActionRun(raw)
  if ('ok' in run) return run.ok
  throw new Error(`an ActionRun that tidewaiter did not write: ${run.problems.map(sentenceOf).join('; ')}`)
}
