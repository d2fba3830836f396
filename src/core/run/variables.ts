/** What the expressions in a body see. */
import type { ActionRun } from '../../api/action-run.ts'
import { withDefaults, type Json, type VeleroDefaults } from '../velero.ts'

/** The names that expressions of a stage may use. */
export function variableNames(stage: string): readonly string[] {
  return stage.endsWith('Backup')
    ? ['backup', 'outputs', 'stage']
    : ['restore', 'outputs', 'exported', 'stage']
}

/** The values: the object with Velero's defaults, the outputs of the actions before, what the Backup of a Restore exported, the stage. */
export function variablesOf(run: ActionRun, object: Json, defaults: VeleroDefaults): Json {
  const { stage, objectRef } = run.spec
  const outputs = Object.fromEntries((run.status.actions ?? []).map((row) => [row.name, row.outputs ?? {}]))
  const seen = withDefaults(objectRef.kind, object, defaults)
  return stage.endsWith('Backup')
    ? { backup: seen, outputs, stage }
    : { restore: seen, outputs, exported: run.spec.exported?.outputs ?? {}, stage }
}
