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
  const [, zone, rest = text] = /^(?:CRON_)?TZ=([^ ]*) (.*)$/s.exec(text) ?? []
  if (zone !== undefined && !isZone(zone)) return undefined
  const plain = zone === undefined ? text : rest.trim()
  if (plain.startsWith('@every ')) return everyIn(plain.slice('@every '.length))
  const spelled = plain.startsWith('@') ? descriptors[plain] : plain
  const fields = spelled?.trim().split(/\s+/) ?? []
  if (fields.length !== 5) return undefined
  const [minutes, hours, days, months, weekdays] = [
    fieldIn(fields[0], { min: 0, max: 59 }),
    fieldIn(fields[1], { min: 0, max: 23 }),
    fieldIn(fields[2], { min: 1, max: 31 }),
    fieldIn(fields[3], { min: 1, max: 12, names: names.months }),
    fieldIn(fields[4], { min: 0, max: 6, names: names.weekdays }),
  ]
  if (!minutes || !hours || !days || !months || !weekdays) return undefined
  return { minutes, hours, days, months, weekdays, zone: zone === 'Local' ? undefined : zone || undefined }
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

function rangeIn(text: string, bounds: Bounds): Field | undefined {
  const [span = '', step, ...more] = text.split('/')
  const [low = '', high, ...further] = span.split('-')
  const isStar = low === '*' || low === '?'
  if (more.length > 0 || (further.length > 0 && !isStar)) return undefined
  const by = step === undefined ? 1 : numberIn(step)
  const from = isStar ? bounds.min : valueIn(low, bounds)
  // "N/step" goes on to the end.
  const single = step === undefined ? from : bounds.max
  const to = isStar ? bounds.max : high === undefined ? single : valueIn(high, bounds)
  if (by === undefined || by === 0 || from === undefined || to === undefined) return undefined
  if (from < bounds.min || to > bounds.max || from > to) return undefined
  const count = Math.floor((to - from) / by) + 1
  return {
    values: new Set(Array.from({ length: count }, (_, i) => from + i * by)),
    isStar: isStar && by === 1,
  }
}

function valueIn(text: string, { names = [], min }: Bounds): number | undefined {
  const named = names.indexOf(text.toLowerCase())
  return named >= 0 ? named + min : numberIn(text)
}

/** As Go's strconv.Atoi reads what is no negative number. */
const numberIn = (text: string): number | undefined => (/^\+?\d{1,9}$/.test(text) ? Number(text) : undefined)
