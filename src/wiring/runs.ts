/** The records of runs, kept in ActionRuns. Expected conflicts are values; anything else is a throw. */
import type { ActionRun, RunStatus } from '../api/action-run.ts'
import { actionKind } from '../api/action.ts'
import { parseActionRun, parseKeeping } from '../api/parse.ts'
import { sentenceOf, type FieldProblem, type Parsed } from '../api/problems.ts'
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

/**
 * A run from outside. The specs that it froze are parsed again: another version of tidewaiter may have written them, and
 * a default that came since must be there.
 */
export function runOf(raw: unknown): Parsed<ActionRun> {
  const run = parseActionRun(raw)
  if ('problems' in run) return run
  const problems: FieldProblem[] = []
  const actions = run.ok.spec.actions.map((action, i) => {
    const spec = parseKeeping(actionKind.spec, action.spec, `spec.actions[${i}].spec`)
    if ('ok' in spec) return { ...action, spec: spec.ok }
    problems.push(...spec.problems)
    return action
  })
  return problems.length > 0 ? { problems } : { ok: { ...run.ok, spec: { ...run.ok.spec, actions } } }
}

function parsed(raw: unknown): ActionRun {
  const run = runOf(raw)
  if ('ok' in run) return run.ok
  throw new Error(
    `an ActionRun that this tidewaiter cannot have written: ${run.problems.map(sentenceOf).join('; ')}`,
  )
}
