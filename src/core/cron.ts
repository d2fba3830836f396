/**
 * When a Schedule is due, as Velero reads it: the grammar of robfig/cron v3 ParseStandard (parser.go, constantdelay.go), which
 * the libraries for JavaScript read otherwise (7 for Sunday, a step that ends a star, `@every`, what summer time skips).
 */

/** A cron expression that was understood. */
export type Cron = { readonly everyMs: number } | Spec

/** Which times are meant; `isStar`: the field takes every day, so that the other one decides alone. */
export type Spec = {
  readonly minutes: Field
  readonly hours: Field
  readonly days: Field
  readonly months: Field
  readonly weekdays: Field
  /** Undefined: UTC, which the pod of Velero has. */
  readonly zone: string | undefined
}

type Field = { readonly values: ReadonlySet<number>; readonly isStar: boolean }
type Bounds = { readonly min: number; readonly max: number; readonly names?: readonly string[] }

const descriptors: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

const names = {
  months: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  weekdays: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
}

/** The expression; undefined if Velero refuses it. */
export function cronIn(text: string): Cron | undefined {
  const { zone, plain } = zoned(text)
  if (!isZone(zone)) return undefined
  if (plain.startsWith('@every ')) return everyIn(plain.slice('@every '.length))
  const spelled = plain.startsWith('@') ? (descriptors[plain] ?? '') : plain
  const isUtc = ['', 'UTC', 'Local'].includes(zone)
  return specIn(spelled.trim().split(/\s+/), isUtc ? undefined : zone)
}

function zoned(text: string): { readonly zone: string; readonly plain: string } {
  const [, zone, rest] = /^(?:CRON_)?TZ=([^ ]*) (.*)$/s.exec(text) ?? []
  return zone === undefined || rest === undefined ? { zone: '', plain: text } : { zone, plain: rest.trim() }
}

const bounds = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: names.months },
  { min: 0, max: 6, names: names.weekdays },
]

function specIn(texts: readonly string[], zone: string | undefined): Spec | undefined {
  if (texts.length !== bounds.length) return undefined
  const fields = bounds.flatMap((one, i) => fieldIn(texts[i], one) ?? [])
  const [minutes, hours, days, months, weekdays] = fields
  // One that cannot be understood leaves fewer than five.
  return minutes && hours && days && months && weekdays
    ? { minutes, hours, days, months, weekdays, zone }
    : undefined
}

// Go knows zones by the files of the IANA database, whose names are spelled with capitals; Local is that of the pod.
function isZone(zone: string): boolean {
  if (['', 'UTC', 'Local'].includes(zone)) return true
  if (!/^[A-Z][A-Za-z0-9_+\-/]{0,63}$/.test(zone)) return false
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).format(0) !== ''
  } catch {
    return false
  }
}

const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** A duration of Go, in whole seconds, at least one: constantdelay.go Every. */
function everyIn(text: string): Cron | undefined {
  const [, sign, parts = ''] =
    /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(text) ?? []
  if (sign === undefined) return undefined
  const ms = [...parts.matchAll(/([\d.]+)([a-zµμ]+)/g)].reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (units[unit] ?? 0),
    0,
  )
  if (ms > 9.2e12) return undefined
  return { everyMs: sign === '-' ? 1000 : Math.max(1000, Math.floor(ms / 1000) * 1000) }
}

function fieldIn(text = '', bounds: Bounds): Field | undefined {
  const ranges = text
    .split(',')
    .filter((part) => part !== '')
    .map((part) => rangeIn(part, bounds))
  if (!ranges.every((one) => one !== undefined)) return undefined
  return {
    values: new Set(ranges.flatMap(({ values }) => [...values])),
    isStar: ranges.some(({ isStar }) => isStar),
  }
}

type Span = { readonly from: number; readonly to: number; readonly isStar: boolean }

function rangeIn(text: string, bounds: Bounds): Field | undefined {
  const [span = '', step, ...more] = text.split('/')
  const by = step === undefined ? 1 : (numberIn(step) ?? 0)
  const found = spanIn(span, { ...bounds, isOpen: step !== undefined })
  if (more.length > 0 || by === 0 || found === undefined) return undefined
  const { from, to, isStar } = found
  const count = Math.floor((to - from) / by) + 1
  return {
    values: new Set(Array.from({ length: count }, (_, i) => from + i * by)),
    isStar: isStar && by === 1,
  }
}

/** `isOpen`: a single number goes on to the end, as in "N/step". */
function spanIn(text: string, bounds: Bounds & { readonly isOpen: boolean }): Span | undefined {
  const [low = '', high, ...more] = text.split('-')
  if (low === '*' || low === '?') return { from: bounds.min, to: bounds.max, isStar: true }
  const from = valueIn(low, bounds)
  const end = bounds.isOpen ? bounds.max : from
  const to = high === undefined ? end : valueIn(high, bounds)
  if (more.length > 0 || from === undefined || to === undefined) return undefined
  return isWithin({ from, to }, bounds) ? { from, to, isStar: false } : undefined
}

const isWithin = ({ from, to }: Pick<Span, 'from' | 'to'>, { min, max }: Bounds): boolean =>
  min <= from && from <= to && to <= max

function valueIn(text: string, { names = [], min }: Bounds): number | undefined {
  const named = names.indexOf(text.toLowerCase())
  return named >= 0 ? named + min : numberIn(text)
}

/** As Go's strconv.Atoi reads what is no negative number. */
const numberIn = (text: string): number | undefined => (/^\+?\d{1,9}$/.test(text) ? Number(text) : undefined)
