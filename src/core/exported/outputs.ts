/** Outputs that travel with a Backup: what a PreBackup run exports, and how much that may be. Pure. */
import type { ActionRun, PlannedAction } from '../../api/action-run.ts'
import { bytesOf, jsonBytesOf } from '../bytes.ts'
import { entries, specOf } from '../run/rows.ts'
import type { Json } from '../velero.ts'
import { promised } from './promised.ts'

/** The annotation that carries them: a signed statement, written when the hold of the Backup ends. */
export const outputsAnnotation = 'tidewaiter.io/outputs'

/** Outputs by action and name. */
export type ExportedOutputs = Readonly<Record<string, Json>>

/** Most that a Backup may carry, in bytes of JSON: the annotations of an object share 256 KiB, and every cluster reads them. */
export const longestExported = 4096

/** The names of the outputs that an action exports; none if it does nothing. */
export function exportedNames(action: PlannedAction): readonly string[] {
  const { outputs = [], dryRun } = specOf(action)
  if (action.skip !== undefined || dryRun) return []
  return outputs.filter((one) => one.export === true).map(({ name }) => name)
}

/** What the actions of a run gave to be exported; undefined if none of them that succeeded exports anything. */
export function exportedBy(run: ActionRun): ExportedOutputs | undefined {
  const done = entries(run.spec, run.status).filter(
    ({ action, row }) => row.phase === 'Succeeded' && exportedNames(action).length > 0,
  )
  if (done.length === 0) return undefined
  return Object.fromEntries(
    done.map(({ action, row }) => [action.name, promised(specOf(action), row.outputs ?? {})] as const),
  )
}

/** Whether a run has an action that is there to export something. */
export const exportsSomething = (run: Pick<ActionRun, 'spec'>): boolean =>
  run.spec.actions.some((action) => exportedNames(action).length > 0)

/** What is wrong with these outputs of an action of a run, beside those of the actions before it; undefined if they fit. */
export function tooMuchExported(run: ActionRun, action: PlannedAction, outputs: Json): string | undefined {
  const own = promised(specOf(action), outputs)
  if (Object.keys(own).length === 0) return undefined
  const all = { ...exportedBy(run), [action.name]: own }
  const bytes = jsonBytesOf(all)
  if (bytes <= longestExported) return undefined
  const sizes = Object.entries(all).flatMap(([name, one]) =>
    Object.entries(one).map(
      ([output, value]) => `${name}.${output} has ${bytesOf(JSON.stringify(value) ?? '')}`,
    ),
  )
  return `exported outputs must have at most ${longestExported} bytes of JSON in all, got ${bytes} (${sizes.join(', ')}). Select less, or export fewer`
}
