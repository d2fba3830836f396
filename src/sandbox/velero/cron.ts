/** Cron expressions as Velero reads them (robfig/cron v3 ParseStandard), in UTC, where Velero's pod runs. */
import { parseDuration } from './duration.ts'

/** The next time after one, both in ms; -Infinity if there is none within five years, which Velero takes for due. */
export type Cron = (afterMs: number) => number

type Field = { readonly values: ReadonlySet<number>; readonly any: boolean }
type Bounds = { readonly min: number; readonly max: number; readonly names?: readonly string[] }

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

const descriptors: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

/** The schedule, or what is wrong with the text in the words of the library. */
export function parseCron(text: string): Cron | { readonly problem: string } {
  try {
    return cronOf(text)
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }
}

function cronOf(text: string): Cron {
  const zoned = /^(?:CRON_)?TZ=(\S*) +(.*)$/s.exec(text)
  if (zoned !== null) return inZone(zoned[1] ?? '', zoned[2] ?? '')
  if (text.startsWith('@every ')) return everyOf(text.slice('@every '.length))
  const spelled = text.startsWith('@') ? descriptors[text] : text
  if (spelled === undefined) throw new Error(`unrecognized descriptor: ${text}`)
  const fields = spelled.trim().split(/\s+/)
  if (fields.length !== 5 || spelled.trim() === '')
    throw new Error(`expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`)
  return standard(fields)
}

function inZone(zone: string, rest: string): Cron {
  if (zone !== 'UTC' && zone !== '')
    throw new Error(`provided bad location ${zone}: the sandbox knows UTC only`)
  return cronOf(rest.trim())
}

function everyOf(text: string): Cron {
  const ms = parseDuration(text.replace(/^\+/, ''))
  if (ms === undefined)
    throw new Error(`failed to parse duration @every ${text}: time: invalid duration "${text}"`)
  const seconds = Math.max(1, Math.floor(ms / 1000))
  return (after) => Math.floor(after / 1000) * 1000 + seconds * 1000
}

function standard([minute = '', hour = '', day = '', month = '', weekday = '']: readonly string[]): Cron {
  const minutes = fieldOf(minute, { min: 0, max: 59 })
  const hours = fieldOf(hour, { min: 0, max: 23 })
  const days = fieldOf(day, { min: 1, max: 31 })
  const inMonths = fieldOf(month, { min: 1, max: 12, names: months })
  const onWeekdays = fieldOf(weekday, { min: 0, max: 6, names: weekdays })
  const isDay = (at: Date): boolean => {
    if (!inMonths.values.has(at.getUTCMonth() + 1)) return false
    const [byDay, byWeekday] = [days.values.has(at.getUTCDate()), onWeekdays.values.has(at.getUTCDay())]
    return days.any || onWeekdays.any ? byDay && byWeekday : byDay || byWeekday
  }
  return (after) => {
    const first = Math.floor(after / minuteMs) * minuteMs + minuteMs
    for (let day = Math.floor(first / dayMs) * dayMs; day < first + 5 * 366 * dayMs; day += dayMs) {
      if (!isDay(new Date(day))) continue
      const found = firstInDay(Math.max(first, day), day + dayMs, { hours, minutes })
      if (found !== undefined) return found
    }
    return Number.NEGATIVE_INFINITY
  }
}

type Times = { readonly hours: Field; readonly minutes: Field }

function firstInDay(from: number, to: number, { hours, minutes }: Times): number | undefined {
  for (let at = from; at < to; at += minuteMs) {
    const date = new Date(at)
    if (hours.values.has(date.getUTCHours()) && minutes.values.has(date.getUTCMinutes())) return at
  }
  return undefined
}

function fieldOf(text: string, bounds: Bounds): Field {
  const parts = text.split(',').filter((one) => one !== '')
  const ranges = parts.map((one) => rangeOf(one, bounds))
  return { values: new Set(ranges.flatMap((one) => one.values)), any: ranges.some((one) => one.any) }
}

function rangeOf(
  text: string,
  bounds: Bounds,
): { readonly values: readonly number[]; readonly any: boolean } {
  const [span = '', stepText, ...more] = text.split('/')
  if (more.length > 0) throw new Error(`too many slashes: ${text}`)
  const step = stepText === undefined ? 1 : numberOf(stepText, text)
  const { from, to, star } = spanOf(span, text, { ...bounds, open: stepText !== undefined })
  if (from < bounds.min)
    throw new Error(`beginning of range (${from}) below minimum (${bounds.min}): ${text}`)
  if (to > bounds.max) throw new Error(`end of range (${to}) above maximum (${bounds.max}): ${text}`)
  if (from > to) throw new Error(`beginning of range (${from}) beyond end of range (${to}): ${text}`)
  if (step === 0) throw new Error(`step of range should be a positive number: ${text}`)
  const values = Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step)
  return { values, any: star && step === 1 }
}

type Span = { readonly from: number; readonly to: number; readonly star: boolean }

function spanOf(span: string, text: string, bounds: Bounds & { readonly open: boolean }): Span {
  const [low = '', high, ...more] = span.split('-')
  if (low === '*' || low === '?') return { from: bounds.min, to: bounds.max, star: true }
  if (more.length > 0) throw new Error(`too many hyphens: ${text}`)
  const value = (word: string): number => {
    const named = bounds.names?.indexOf(word.toLowerCase()) ?? -1
    return named < 0 ? numberOf(word, text) : named + bounds.min
  }
  const from = value(low)
  if (high !== undefined) return { from, to: value(high), star: false }
  // "N/step" means from N to the end.
  return { from, to: bounds.open ? bounds.max : from, star: false }
}

function numberOf(text: string, whole: string): number {
  if (/^-\d+$/.test(text)) throw new Error(`negative number (${text}) not allowed: ${whole}`)
  if (!/^\+?\d{1,9}$/.test(text))
    throw new Error(
      `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`,
    )
  return Number(text)
}
