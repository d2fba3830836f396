/** Exported outputs where they are read: what a Restore's actions see of its Backup, frozen in their run, and when they may not. Pure. */
import type { ActionSpec } from '../../api/action.ts'
import type { RunSpec } from '../../api/action-run.ts'
import { expressionsOf } from '../action-check.ts'
import { textAt, type Json } from '../velero.ts'

/** The variable that holds them. */
export const exportedVariable = 'exported'

/** What a run keeps of them: the outputs of a Backup, verified, or why they may not be used. */
export type KeptExported = NonNullable<RunSpec['exported']>

/** Finds them for a Restore; undefined where none of its actions refers to them. */
export type ExportedFor = (
  namespace: string,
  restore: { readonly object: Json; readonly specs: readonly ActionSpec[] },
) => Promise<KeptExported | undefined>

/** Whether an expression names a variable. */
export type Names = (source: string, variable: string, variables: readonly string[]) => boolean

/** Whether an action, or its undo, refers to exported outputs. */
export const usesExported = (spec: ActionSpec, names: Names): boolean =>
  expressionsOf(spec).found.some(
    ({ source, variables }) =>
      variables.includes(exportedVariable) && names(source, exportedVariable, variables),
  )

/** Why an action that refers to them may not run; undefined if it may. */
export function exportedProblem(kept: KeptExported | undefined, restore: Json): string | undefined {
  if (kept === undefined)
    return 'the outputs that its Backup exported were not looked for when its run was written'
  const { backup, problem } = kept
  if (problem !== undefined) return problem
  const restored = textAt(restore, 'spec', 'backupName')
  if (restored === '' || restored === backup) return undefined
  return `Velero restored the Backup ${restored}, and the exported outputs that were read are of ${backup}: it was the newest of its Schedule when the Restore was created`
}
