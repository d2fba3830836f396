/** What a Backup exports goes on it, signed. */
import type { ActionRun } from '../api/action-run.ts'
import { outputsAnnotation } from '../core/exported/outputs.ts'
import { statementOf } from '../core/exported/statement.ts'
import type { ControlPorts } from './ports.ts'

/** What the Backup carries from now on: written in the write that lets it go, so that Velero uploads it. */
export async function exportedAnnotation(
  run: ActionRun,
  { serverTime, signOutputs }: ControlPorts,
): Promise<Readonly<Record<string, string>>> {
  const statement = statementOf(run, serverTime())
  return statement === undefined ? {} : { [outputsAnnotation]: await signOutputs(statement) }
}
