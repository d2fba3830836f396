/** The next time of a cron expression: the first moment whose wall-clock time matches (robfig/cron v3 spec.go Next). */
import type { Cron, Spec } from './cron.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
// Summer time begins and ends on quarters of an hour everywhere.
const quarterMs = 15 * minuteMs
// The library gives up when a year more than five ahead begins.
const mostYears = 5

/** The first time after a moment, both in milliseconds; undefined if there is none within five years. */
export function dueAfter(cron: Cron, after: number): number | undefined {
  if ('everyMs' in cron) return Math.floor(after / 1000) * 1000 + cron.everyMs
  // A field of commas alone: the library never answers.
  if (cron.hours.values.size === 0 || cron.minutes.values.size === 0) return undefined
  const first = Math.floor(after / minuteMs) * minuteMs + minuteMs
  const utc = firstMatch(cron, first, () => 0)
  // What never comes in one zone comes in none: no zone is asked two thousand times for it.
  if (cron.zone === undefined || utc === undefined) return utc
  return firstMatch(cron, first, offsetsOf(cron.zone))
}

type Offset = (ms: number) => number

function firstMatch(spec: Spec, first: number, offset: Offset): number | undefined {
  const lastYear = new Date(first + offset(first)).getUTCFullYear() + mostYears
  let atStart = offset(Math.floor(first / dayMs) * dayMs)
  for (let day = Math.floor(first / dayMs) * dayMs; ; day += dayMs) {
    const [shift, atEnd] = [atStart, offset(day + dayMs)]
    atStart = atEnd
    if (new Date(day + shift).getUTCFullYear() > lastYear) return undefined
    if (!isDay(spec, day + shift) && !isDay(spec, day + dayMs + atEnd)) continue
    const found = firstWithin(
      spec,
      [Math.max(first, day), day + dayMs],
      shift === atEnd ? () => shift : offset,
    )
    if (found !== undefined) return found
  }
}

function firstWithin(spec: Spec, [from, to]: readonly [number, number], offset: Offset): number | undefined {
  for (let quarter = from; quarter < to; quarter = Math.floor(quarter / quarterMs + 1) * quarterMs) {
    const shift = offset(quarter)
    if (!isDay(spec, quarter + shift)) continue
    const end = Math.floor(quarter / quarterMs + 1) * quarterMs
    for (let at = quarter; at < end; at += minuteMs) {
      const wall = new Date(at + shift)
      if (spec.hours.values.has(wall.getUTCHours()) && spec.minutes.values.has(wall.getUTCMinutes()))
        return at
    }
  }
  return undefined
}

/** A day of the month and one of the week: one of them is enough, unless either takes every day. */
function isDay({ days, months, weekdays }: Spec, wallMs: number): boolean {
  const wall = new Date(wallMs)
  if (!months.values.has(wall.getUTCMonth() + 1)) return false
  const [byDay, byWeekday] = [days.values.has(wall.getUTCDate()), weekdays.values.has(wall.getUTCDay())]
  return days.isStar || weekdays.isStar ? byDay && byWeekday : byDay || byWeekday
}

/** How far the wall clock of a zone is ahead of UTC. */
function offsetsOf(zone: string): Offset {
  const clock = new Intl.DateTimeFormat('en', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  return (ms) => {
    const parts = new Map(clock.formatToParts(ms).map(({ type, value }) => [type, Number(value)]))
    const of = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0
    const wall = Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'))
    return wall - Math.floor(ms / 1000) * 1000
  }
}
