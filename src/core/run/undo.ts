/**
 * Undoing a run: the actions that started and are not known to be without effect, in reverse order, each with its `undo`
 * body, tried again until it succeeds. One that fails for long is reported as stuck and stands in the way of no other.
 */
import type { ActionSpec } from '../../api/action.ts'
import type { ActionRun, RowUndo, RunStatus } from '../../api/action-run.ts'
import type { Outcome } from '../outcome.ts'
import { isPre, put, slackMs, time } from './ending.ts'
import { recordedAt } from './recorded.ts'
import { entries, specOf, type Entry } from './rows.ts'
import type { Effect, Seen, Step } from './machine.ts'

/** Which actions: all that started, because the object never began; or those with `undoAt: Always`, because it ended. */
export type UndoScope = 'All' | 'Always'

const started: ReadonlySet<string> = new Set(['Running', 'Succeeded', 'Failed', 'Unknown'])

/** Whether an action started, may have had its effect, and can be undone. */
const canUndo = ({ action, row }: Entry): boolean =>
  specOf(action).undo !== undefined &&
  !specOf(action).dryRun &&
  started.has(row.phase) &&
  row.noEffect !== true

/** What was begun stays owed, also where the object turns out to have started after all. */
const isIn = (scope: UndoScope, { action, row }: Entry): boolean =>
  scope === 'All' || specOf(action).undoAt === 'Always' || row.undo !== undefined

/** The actions that are still to be undone, in the order in which that is done. */
function owedBy(run: ActionRun, scope: UndoScope): readonly Entry[] {
  if (!isPre(run)) return []
  return entries(run.spec, run.status)
    .filter((entry) => canUndo(entry) && isIn(scope, entry) && entry.row.undo?.phase !== 'Undone')
    .reverse()
}

/** Whether anything of the run is still to be undone. What was begun is owed whatever the scope says. */
export const owesUndo = (run: ActionRun, scope: UndoScope): boolean =>
  run.status.phase === 'Undoing' || owedBy(run, scope).length > 0

/** Whether the undo of an action puts back what was there before, by the action's own body. */
export const reverts = ({ undo }: ActionSpec): boolean => undo?.revert === true

/** The spec by which the undo of an action is performed: its body, once; it is tried again by the leader. */
export function undoSpec(spec: ActionSpec): ActionSpec {
  const { retry: _retry, outputs: _outputs, undo: { revert = false, ...body } = {}, ...rest } = spec
  if (revert) return rest
  const { http: _http, exec: _exec, job: _job, scale: _scale, patch: _patch, ...others } = rest
  const { wait: _wait, restore: _restore, plugin: _plugin, ...bare } = others
  return { ...bare, ...body }
}

/** Whether an undo of the run is stuck. */
export const isStuck = (run: ActionRun): boolean =>
  (run.status.actions ?? []).some(({ undo }) => undo?.phase === 'Stuck')

const firstWaitMs = 5_000
const longestWaitMs = 10 * 60_000
/** An undo that failed this often is stuck: about ten minutes after it was first tried. */
const stuckAfter = 8

/** When an undo that failed or was cut short may be tried again, milliseconds since the epoch. */
const dueAt = ({ attempts, lastTimestamp }: RowUndo, now: number): number =>
  lastTimestamp === undefined
    ? 0
    : recordedAt(lastTimestamp, now) + Math.min(firstWaitMs * 2 ** Math.max(0, attempts - 1), longestWaitMs)

/** When the next undo of the run is due, milliseconds since the epoch; undefined if none is owed. */
export function undoDueAt(run: ActionRun, scope: UndoScope, now: number): number | undefined {
  const times = candidates(owedBy(run, scope)).map(({ row }) =>
    row.undo === undefined ? 0 : dueAt(row.undo, now),
  )
  return times.length === 0 ? undefined : Math.min(...times)
}

/** In reverse order: one that is not undone keeps the ones before it waiting, unless it is stuck. */
function candidates(owed: readonly Entry[]): readonly Entry[] {
  const first = owed.findIndex(({ row }) => row.undo?.phase !== 'Stuck')
  return first === -1 ? owed : owed.slice(0, first + 1)
}

/** Begins, or goes on with, undoing; a run that owes nothing stays as it is. */
export function startUndo(run: ActionRun, seen: Extract<Seen, { see: 'undo' }>, now: number): Step {
  const { scope, owner } = seen
  if (!owesUndo(run, scope)) return { status: run.status, effects: [] }
  const from = run.status.undoneFrom ?? run.status.phase
  const status: RunStatus = {
    ...run.status,
    phase: 'Undoing',
    owner,
    ...(from === undefined || from === 'Undoing' ? {} : { undoneFrom: from }),
  }
  return goOn({ ...run, status: withScope(run, status, scope) }, now)
}

/** The scope is kept in the rows: what is begun is finished, whoever goes on with it. */
function withScope(run: ActionRun, status: RunStatus, scope: UndoScope): RunStatus {
  let current: ActionRun = { ...run, status }
  for (const { row } of owedBy(run, scope))
    if (row.undo === undefined) current = put(current, { ...row, undo: { phase: 'Undoing', attempts: 0 } })
  return current.status
}

const begun = (run: ActionRun): readonly Entry[] =>
  owedBy(run, 'All').filter(({ row }) => row.undo !== undefined)

/** The next undo that is due; the end, where none is left; else the run rests until one is due. */
function goOn(run: ActionRun, now: number): Step {
  const left = begun(run)
  const due = candidates(left).find(({ row }) => row.undo !== undefined && dueAt(row.undo, now) <= now)
  if (due !== undefined) return begin(run, due, now)
  // Nothing is under way: another leader need not wait for this one.
  if (left.length > 0) return { status: { ...run.status, deadline: time(now) }, effects: [] }
  return { status: { ...run.status, phase: 'Undone' }, effects: [{ do: 'announce' }] }
}

/** Its deadline moves with each undo: a leader that dies is waited for no longer than the one it was about takes. */
function begin(run: ActionRun, { action }: Entry, now: number): Step {
  const deadline = time(now + specOf(action).timeoutSeconds * 1000 + slackMs)
  return { status: { ...run.status, deadline }, effects: [{ do: 'undo', action: action.name }] }
}

/** One undo ended: the next one, or the end. */
export function afterUndo(run: ActionRun, seen: Extract<Seen, { see: 'undone' }>, now: number): Step {
  const entry = begun(run).find(({ action }) => action.name === seen.action)
  if (entry?.row.undo === undefined) return { status: run.status, effects: [] }
  const undo = undoAfter(entry.row.undo, seen.outcome, now)
  const after = put(run, { ...entry.row, undo })
  // Its owner stops: it begins no other, and whoever comes next need not wait for it.
  if (wasCut(seen.outcome)) return { status: { ...after.status, deadline: time(now) }, effects: [] }
  const { status, effects } = goOn(after, now)
  const isNews = undo.phase === 'Stuck' && entry.row.undo.phase !== 'Stuck'
  const told: readonly Effect[] = isNews ? [{ do: 'report-stuck', action: seen.action }] : []
  return { status, effects: [...effects, ...told] }
}

/** Its owner stopped in the middle: nobody knows whether it had its effect, and the next owner does it again. */
const wasCut = (outcome: Outcome): boolean => outcome.status === 'failed' && outcome.cause === 'aborted'

function undoAfter(before: RowUndo, outcome: Outcome, now: number): RowUndo {
  // One that another object's exclusive key keeps away counts too: it waits longer each time, and somebody is told.
  const attempts = before.attempts + (wasCut(outcome) ? 0 : 1)
  const stuck = before.phase === 'Stuck' || attempts >= stuckAfter
  return {
    phase: outcome.status === 'done' ? 'Undone' : stuck ? 'Stuck' : 'Undoing',
    attempts,
    lastTimestamp: time(now),
    message: outcome.message.slice(0, 4096),
    request: outcome.request.slice(0, 8192),
  }
}
