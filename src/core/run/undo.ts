/**
 * Undoing a run: the actions that started and are not known to be without effect, in reverse order, each with its
 * `undo` body, until done or reported. No Action can carry `undo` yet (its field is refused), so nothing drives this yet.
 */
import type { ActionRun, RunRow } from '../../api/action-run.ts'
import { time } from './ending.ts'
import { entries, specOf, withRow, type Entry } from './rows.ts'
import type { Seen, Step } from './machine.ts'

const started: ReadonlySet<string> = new Set(['Running', 'Succeeded', 'Failed', 'Unknown'])

const owed = (entry: Entry): boolean =>
  specOf(entry.action).undo !== undefined && started.has(entry.row.phase)

/** Begins, or goes on with, undoing; a run that owes nothing stays as it is. */
export function startUndo(run: ActionRun, seen: Extract<Seen, { see: 'undo' }>, now: number): Step {
  const rows = entries(run.spec, run.status)
  if (run.status.phase !== 'Undoing' && !rows.some(owed)) return { status: run.status, effects: [] }
  const status = { ...run.status, phase: 'Undoing' as const, owner: seen.owner, deadline: time(seen.until) }
  return next({ ...run, status }, now)
}

/** One undo ended: the next one, or the end. A failed undo is reported and does not stop the others. */
export function afterUndo(run: ActionRun, seen: Extract<Seen, { see: 'undone' }>, now: number): Step {
  const entry = entries(run.spec, run.status).find(
    ({ action, row }) => action.name === seen.action && row.phase === 'Undoing',
  )
  if (entry === undefined) return { status: run.status, effects: [] }
  const done = seen.outcome.status === 'done'
  const row: RunRow = {
    ...entry.row,
    phase: done ? 'Undone' : 'Unknown',
    completionTimestamp: time(now),
    message: seen.outcome.message.slice(0, 4096),
  }
  const after = next({ ...run, status: withRow(run.spec, run.status, row) }, now, seen.action)
  return done
    ? after
    : { ...after, effects: [...after.effects, { do: 'report-unknown', action: seen.action }] }
}

/** What is undone after `last`: one that could not be undone stays Unknown, and is not tried for ever. */
function next(run: ActionRun, now: number, last?: string): Step {
  const rows = [...entries(run.spec, run.status)].reverse()
  const left = rows.slice(rows.findIndex(({ row }) => row.name === last) + 1)
  const current = rows.find(({ row }) => row.phase === 'Undoing') ?? left.find(owed)
  if (current !== undefined) {
    const row: RunRow = { ...current.row, phase: 'Undoing' }
    return { status: withRow(run.spec, run.status, row), effects: [{ do: 'undo', action: row.name }] }
  }
  const lost = rows.some(({ row }) => row.phase === 'Unknown')
  const status = {
    ...run.status,
    phase: lost ? ('Unknown' as const) : ('Undone' as const),
    completionTimestamp: time(now),
  }
  return { status, effects: [{ do: 'announce' }] }
}
