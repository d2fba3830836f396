/** The rows of a run: which action is due, which waits, which never runs. */
import type { ActionSpec, EndedAs } from '../../api/action.ts'
import type { PlannedAction, RowUndo, RunRow, RunSpec, RunStatus } from '../../api/action-run.ts'
import { jsonBytesOf } from '../bytes.ts'
import { promised } from '../exported/promised.ts'
import type { Progress } from '../velero.ts'
import { recordedAt } from './recorded.ts'

/** The spec of a planned action: parsed when the run was drafted, and again whenever a run is read (wiring/runs.ts). */
export const specOf = (action: PlannedAction): ActionSpec => action.spec as ActionSpec

/** Why an action changed nothing outside, whatever became of it; undefined if it may have. */
export function changedNothing(action: PlannedAction): string | undefined {
  const { dryRun, wait } = specOf(action)
  if (dryRun) return 'its owner ended while it was rendered for its dryRun; nothing was sent'
  return wait === undefined ? undefined : 'its owner ended while it waited; it changed nothing'
}

/** One action with its row. */
export type Entry = { readonly action: PlannedAction; readonly row: RunRow }

const fresh = (action: PlannedAction): RunRow => ({ name: action.name, phase: 'Pending', attempts: 0 })

/** Every action of the run with its row, in order; a row that was never written is Pending. */
export function entries(spec: RunSpec, status: RunStatus): readonly Entry[] {
  const rows = new Map((status.actions ?? []).map((row) => [row.name, row]))
  return spec.actions.map((action) => ({ action, row: rows.get(action.name) ?? fresh(action) }))
}

/** All rows together, in bytes of JSON. An ActionRun must fit into etcd (1.5 MiB): half of that for what was done, the other for what is to be done. */
export const largestRows = 512 * 1024

/** The row; if the rows together would grow too large for the API server, with less of its undo, and else of itself too. */
function fitting(others: readonly RunRow[], { action, row }: Entry): RunRow {
  const room = largestRows - jsonBytesOf(others)
  const lessUndo = row.undo === undefined ? row : { ...row, undo: smallUndo(row.undo) }
  return [row, lessUndo].find((one) => jsonBytesOf(one) <= room) ?? smallRow({ action, row: lessUndo })
}

/** Without what was sent, and of its outputs only those that are promised. */
function smallRow({ action, row }: Entry): RunRow {
  const { request: _request, outputs = {}, ...small } = row
  const kept = promised(specOf(action), outputs)
  return {
    ...small,
    ...(Object.keys(kept).length === 0 ? {} : { outputs: kept }),
    message: beginning(row.message, ' (the record is full: request and outputs left out)'),
  }
}

function smallUndo({ request: _request, ...undo }: RowUndo): RowUndo {
  return { ...undo, message: beginning(undo.message, ' (the record is full: request left out)') }
}

const longestBeginning = 256

/** Of a message, with why there is no more of it; one that was cut before says so once. */
const beginning = (message = '', note: string): string =>
  message.endsWith(note) ? message : `${message.slice(0, longestBeginning)}${note}`

/** The status with one row replaced. */
export function withRow(spec: RunSpec, status: RunStatus, row: RunRow): RunStatus {
  const all = entries(spec, status)
  const others = all.filter((entry) => entry.row.name !== row.name).map((entry) => entry.row)
  return {
    ...status,
    actions: all.map(({ action, row: one }) =>
      one.name === row.name ? fitting(others, { action, row }) : one,
    ),
  }
}

const defaultWhen: readonly EndedAs[] = ['Completed', 'PartiallyFailed', 'Failed']

/** Whether a pending action may run now, must wait, or never will (then why). */
export type Disposition = 'due' | 'wait' | { readonly never: string }

/** Decides for one pending action. `progress` is undefined at pre stages. */
export function disposition(action: PlannedAction, progress: Progress | undefined): Disposition {
  if (action.skip !== undefined) return { never: action.skip }
  if (progress === undefined) return 'due'
  const spec = specOf(action)
  return spec.at === 'ItemsDone' ? whenItemsDone(progress) : whenEnded(spec.when ?? defaultWhen, progress)
}

function whenEnded(when: readonly EndedAs[], progress: Progress): Disposition {
  if (progress.ended === undefined || progress.provisional) return 'wait'
  if (when.includes(progress.ended)) return 'due'
  return { never: `ended as ${progress.ended}, which its \`when\` does not name` }
}

function whenItemsDone(progress: Progress): Disposition {
  if (progress.ended === 'FailedValidation' || progress.ended === 'Deleted')
    return { never: `ended as ${progress.ended}` }
  if (progress.provisional) return 'wait'
  return progress.itemsDone ? 'due' : 'wait'
}

/** Whether an action of the run may run now. */
export const isDue = (
  run: { readonly spec: RunSpec; readonly status: RunStatus },
  progress: Progress,
): boolean =>
  entries(run.spec, run.status).some(
    ({ action, row }) => row.phase === 'Pending' && disposition(action, progress) === 'due',
  )

/** What waits for an exclusive key asks for it again after this, milliseconds. */
export const keyRestMs = 5_000
/** An action that could not even begin is tried again after this, milliseconds. */
export const restMs = 15_000

/** For how long an action that was handed back must still rest, milliseconds; 0 if none must. Who waits for a key made no attempt. */
export function restOf(run: { readonly spec: RunSpec; readonly status: RunStatus }, now: number): number {
  const until = entries(run.spec, run.status)
    .filter(({ row }) => row.phase === 'Pending' && row.completionTimestamp !== undefined)
    .map(({ row }) => recordedAt(row.completionTimestamp, now) + (row.attempts === 0 ? keyRestMs : restMs))
  return Math.max(0, ...until.map((at) => at - now))
}
