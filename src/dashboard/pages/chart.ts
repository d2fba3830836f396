/** Decisions over time as stacked bars, drawn on the server; the table below says the same. */
import type { Bucket } from '../history/store.ts'
import { number, utc } from '../words.ts'
import { html, type Piece } from './html.ts'
import { moment, table } from './parts.ts'

const height = 96
const series = [
  { verdict: 'Allowed', tone: 'good' },
  { verdict: 'Refused', tone: 'bad' },
  { verdict: 'Error', tone: 'warn' },
] as const

/** The span that is drawn: so many buckets of an hour up to the one of `to`. */
export type Span = { readonly to: number; readonly hours: number }

const hourMs = 3_600_000

/** The chart. */
export function chartOf(buckets: readonly Bucket[], { to, hours }: Span): Piece {
  const first = Math.floor(to / hourMs) * hourMs - (hours - 1) * hourMs
  const byStart = new Map(buckets.map((bucket) => [bucket.start, bucket]))
  const slots = Array.from({ length: hours }, (_, i) => byStart.get(first + i * hourMs))
  const most = Math.max(1, ...slots.map((bucket) => totalOf(bucket)))
  const width = 100 / hours
  return html`<figure class="chart">
    <ul class="legend">
      ${series.map(({ verdict, tone }) => html`<li><span class=${`swatch ${tone}`} aria-hidden="true"></span>${verdict}</li>`)}
      <li class="quiet">at most ${number(most)} an hour</li>
    </ul>
    <svg
      width="100%"
      height=${height}
      role="img"
      aria-label=${`Decisions of the last ${hours} hours, by verdict`}
    >
      <line class="axis" x1="0" x2="100%" y1=${height - 0.5} y2=${height - 0.5} />
      ${slots.map((bucket, i) => bucket && column(bucket, { x: i * width, width, most }))}
    </svg>
    <p class="scale quiet"><span>${hours} hours ago</span><span>now</span></p>
    <details>
      <summary>As a table</summary>
      ${table(
        'Decisions by hour',
        [
          { head: 'Hour', cell: ({ start }: Bucket) => moment(start) },
          ...series.map(({ verdict }) => ({
            head: verdict,
            as: 'number' as const,
            cell: ({ verdicts }: Bucket) => number(verdicts[verdict] ?? 0),
          })),
        ],
        buckets.filter(({ start }) => start >= first).toReversed(),
      )}
    </details>
  </figure>`
}

const totalOf = (bucket: Bucket | undefined): number =>
  series.reduce((sum, { verdict }) => sum + (bucket?.verdicts[verdict] ?? 0), 0)

type Place = { readonly x: number; readonly width: number; readonly most: number }

function column(bucket: Bucket, { x, width, most }: Place): Piece {
  let top = height - 1
  const gap = width / 8
  return html`<g>
    <title>
      ${`${utc(bucket.start)}: ${series.map(({ verdict }) => `${bucket.verdicts[verdict] ?? 0} ${verdict}`).join(', ')}`}
    </title>
    ${series.map(({ verdict, tone }) => {
      const count = bucket.verdicts[verdict] ?? 0
      if (count === 0) return undefined
      // Even one among thousands can be seen.
      const tall = Math.max(2, (count / most) * (height - 10))
      top -= tall
      return html`<rect
        class=${`fill ${tone}`}
        x=${`${round(x + gap)}%`}
        width=${`${round(width - 2 * gap)}%`}
        y=${round(top)}
        height=${round(tall)}
      />`
    })}
  </g>`
}

const round = (value: number): number => Math.round(value * 100) / 100
