/** The actions of a run, drawn to scale: when each began and ended, and when the time was over. The table says the same in words. */
import type { ActionRun } from '../../api/action-run.ts'
import { entries, specOf, type Entry } from '../../core/run/rows.ts'
import { lasting, toneOf } from '../words.ts'
import { html, type Piece } from './html.ts'
import { badge, clamped, moment, table } from './parts.ts'

type Scale = { readonly from: number; readonly to: number }

/** The timeline of a run. */
export function timelineOf(run: ActionRun, now: number): Piece {
  const all = entries(run.spec, run.status)
  const scale = scaleOf(run, all, now)
  const drawn: readonly {
    readonly head: string
    readonly as: 'text'
    readonly cell: (row: Entry) => Piece
  }[] =
    scale === undefined
      ? []
      : [{ head: axisWords(scale), as: 'text', cell: (entry) => bar(entry, scale, now) }]
  return table(
    `Actions of ${run.metadata.name}`,
    [
      { head: 'Action', cell: ({ action }) => action.name, as: 'name' },
      { head: 'Phase', cell: ({ row }) => badge(row.phase) },
      ...drawn,
      { head: 'Took', cell: (entry) => tookOf(entry, now), as: 'number' },
      { head: 'At most', cell: ({ action }) => `${specOf(action).timeoutSeconds} s`, as: 'number' },
      { head: 'Attempts', cell: ({ row }) => String(row.attempts), as: 'number' },
      { head: 'Began', cell: ({ row }) => moment(Date.parse(row.startTimestamp ?? '')), as: 'spare' },
      {
        head: 'What it said',
        cell: ({ action, row }) => clamped(row.message ?? action.skip ?? ''),
        as: 'text',
      },
    ],
    all,
  )
}

/** A pre stage has the time of its admission request; a post stage takes its own. */
function scaleOf({ spec, status }: ActionRun, all: readonly Entry[], now: number): Scale | undefined {
  const times = all.flatMap((entry) => timesOf(entry, now) ?? [])
  if (times.length === 0) return undefined
  const from = Math.min(...times.map((one) => one.from))
  const last = Math.max(from + 1, ...times.map((one) => one.to))
  // Once it is being undone, the deadline is that of the undo.
  const deadline = status.undoneFrom === undefined ? Date.parse(status.deadline ?? '') : Number.NaN
  return spec.stage.startsWith('Pre') && deadline >= last ? { from, to: deadline } : { from, to: last }
}

const axisWords = ({ from, to }: Scale): string => `0 to ${lasting(to - from)}`

function timesOf({ row }: Entry, now: number): { readonly from: number; readonly to: number } | undefined {
  const from = Date.parse(row.startTimestamp ?? '')
  return Number.isNaN(from)
    ? undefined
    : { from, to: Date.parse(row.completionTimestamp ?? '') || Math.max(from, now) }
}

function tookOf(entry: Entry, now: number): string {
  const times = timesOf(entry, now)
  return lasting(times && times.to - times.from)
}

const narrowestPercent = 0.6
const percent = (part: number): string => `${Math.round(part * 100) / 100}%`

function bar(entry: Entry, { from, to }: Scale, now: number): Piece {
  const times = timesOf(entry, now)
  const name = `${entry.action.name}: ${times === undefined ? 'did not begin' : `${lasting(times.from - from)} after the first began, for ${lasting(times.to - times.from)}`}`
  const share = (ms: number) => (100 * ms) / Math.max(1, to - from)
  return html`<svg class="bar" role="img" aria-label=${name} width="100%" height="18">
    <rect class="track" x="0" y="7" width="100%" height="4" rx="2" />
    ${[25, 50, 75].map((at) => html`<line class="tick" x1=${`${at}%`} x2=${`${at}%`} y1="3" y2="15" />`)}
    ${
      times === undefined
        ? undefined
        : html`<rect
            class=${`fill ${toneOf(entry.row.phase)}`}
            x=${percent(Math.min(100 - narrowestPercent, share(times.from - from)))}
            y="3"
            width=${percent(Math.max(narrowestPercent, share(times.to - times.from)))}
            height="12"
            rx="2"
          />`
    }
  </svg>`
}
