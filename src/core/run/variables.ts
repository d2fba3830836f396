/** What the expressions in a body see. */
import type { ActionRun } from '../../api/action-run.ts'
import { withDefaults, type Json, type VeleroDefaults } from '../velero.ts'

/** The names that expressions of a stage may use. */
export function variableNames(stage: string): readonly string[] {
  return [stage.endsWith('Backup') ? 'backup' : 'restore', 'outputs', 'stage']
}

/** The values: the object with Velero's defaults, the outputs of the actions before, the stage. */
export function variablesOf(run: ActionRun, object: Json, defaults: VeleroDefaults): Json {
  const { stage, objectRef } = run.spec
  const outputs = Object.fromEntries((run.status.actions ?? []).map((row) => [row.name, row.outputs ?? {}]))
  return {
    [stage.endsWith('Backup') ? 'backup' : 'restore']: withDefaults(objectRef.kind, object, defaults),
    outputs,
    stage,
  }
}
