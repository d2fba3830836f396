/** Actions drawn to scale: when each began, how long it took, and what was left of the time. */
import { cutTo, padTo, plain, widthOf } from './plain.ts'
import type { Screen, Tone } from './screen.ts'

/** One action in time; milliseconds. */
export type Span = {
  readonly name: string
  readonly from: number
  readonly to: number
  /** What stands behind its bar. */
  readonly took: string
  readonly tone: Tone | undefined
}

/** What is drawn: from the beginning to the end of the scale. */
export type Scale = { readonly from: number; readonly to: number }

const widestName = 28
const narrowestBar = 8
const unlimited = 80

/** One line for each: name, bar, duration. */
export function timeline(spans: readonly Span[], scale: Scale, screen: Screen): string {
  const width = screen.width ?? unlimited
  const longest = (texts: readonly string[]) => Math.max(0, ...texts.map(widthOf))
  const tookWidth = longest(spans.map(({ took }) => took))
  const room = Math.max(6, Math.min(widestName, width - tookWidth - narrowestBar - 4))
  // A pipe has room for the whole name.
  const natural = longest(spans.map(({ name }) => plain(name)))
  const nameWidth = screen.width === undefined ? natural : Math.min(natural, room)
  const barWidth = Math.max(narrowestBar, width - nameWidth - tookWidth - 4)
  return spans
    .map((span) => {
      const name = cutTo(plain(span.name), nameWidth, screen.marks.ellipsis)
      return `${padTo(name, nameWidth)}  ${bar(span, scale, { width: barWidth, screen })}  ${span.took}\n`
    })
    .join('')
}

function bar(
  { from, to, tone }: Span,
  scale: Scale,
  { width, screen }: { readonly width: number; readonly screen: Screen },
): string {
  const { marks, paint } = screen
  const perMs = width / Math.max(1, scale.to - scale.from)
  const at = (time: number) => Math.min(width, Math.max(0, Math.round((time - scale.from) * perMs)))
  const start = Math.min(at(from), width - 1)
  const length = at(to) - start
  const drawn = length < 1 ? marks.tick : marks.bar.repeat(length)
  const rest = width - start - Math.max(1, length)
  return paint(marks.rest.repeat(start), 'dim') + paint(drawn, tone) + paint(marks.rest.repeat(rest), 'dim')
}
