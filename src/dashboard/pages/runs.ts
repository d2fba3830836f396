/** A run on a page: how it ended, what came to be known later, its actions, and what was undone. */
import type { ActionRun } from '../../api/action-run.ts'
import { holds, type ConditionType } from '../../core/run/conditions.ts'
import { endedPhase } from '../../core/run/ending.ts'
import { entries } from '../../core/run/rows.ts'
import { html, type Piece } from './html.ts'
import { badge, banner, clamped, moment, section, table } from './parts.ts'
import { timelineOf } from './timeline.ts'

/** How the stage ended, and whether what it did is being undone since. */
export function runBadges(run: ActionRun): Piece {
  const { phase } = run.status
  const ended = endedPhase(run)
  if (phase === undefined || phase === ended) return badge(ended)
  // What succeeded and was undone as it says (undoAt: Always) needs nobody.
  const isWanted = phase === 'Undone' && ended === 'Succeeded' && !holds(run, 'Orphaned')
  return html`${badge(ended)}${' '}${badge(phase, isWanted ? 'good' : undefined)}`
}

/** What came to be known of its object, in words; Seen and Started say nothing that the page does not. */
const words: Readonly<Partial<Record<ConditionType, string>>> = {
  Unguarded: 'Unguarded',
  Orphaned: 'Orphaned',
  UndoStuck: 'Undo is stuck',
}

const conditionsOf = (run: ActionRun): Piece =>
  Object.entries(words).map(([type, word]) => {
    const found = (run.status.conditions ?? []).find((one) => one.type === type && one.status === 'True')
    return found === undefined
      ? undefined
      : banner('warn', html`<strong>${word}.</strong> ${sentence(found.message)}`)
  })

const sentence = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`

function undoOf(run: ActionRun): Piece {
  const undone = entries(run.spec, run.status)
    .flatMap(({ row }) => (row.undo === undefined ? [] : [{ name: row.name, undo: row.undo }]))
    .reverse()
  if (undone.length === 0) return undefined
  return html`<h3>Undo</h3>
    ${table(
      `Undo of ${run.metadata.name}`,
      [
        { head: 'Action', cell: ({ name }) => name, as: 'name' },
        {
          head: 'Undo',
          cell: ({ undo }) => badge(undo.phase, undo.phase === 'Undone' ? 'good' : undefined),
        },
        { head: 'Attempts', cell: ({ undo }) => String(undo.attempts), as: 'number' },
        { head: 'Last tried', cell: ({ undo }) => moment(Date.parse(undo.lastTimestamp ?? '')), as: 'spare' },
        { head: 'What it said', cell: ({ undo }) => clamped(undo.message ?? ''), as: 'text' },
      ],
      undone,
    )}`
}

/** The part of a page about a run. */
export const runPart = (run: ActionRun, now: number): Piece =>
  section(
    run.spec.stage,
    html`<p class="lead">
      ${runBadges(run)}
      ${run.status.reason === undefined ? undefined : html`<code>${run.status.reason}</code>`}
    </p>`,
    run.status.message === undefined ? undefined : html`<p class="said">${run.status.message}</p>`,
    conditionsOf(run),
    timelineOf(run, now),
    undoOf(run),
    html`<p class="quiet">
      Run ${run.metadata.name}${run.spec.requestedBy ? `, asked for by ${run.spec.requestedBy}` : ''}
    </p>`,
  )

/** Whether the object of these runs never came to be, although its actions had succeeded. */
export const wereOrphaned = (runs: readonly ActionRun[]): boolean =>
  runs.some((run) => holds(run, 'Orphaned'))
