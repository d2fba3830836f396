/** Conversions between types: int(), double(), string(), bool(), timestamp(), duration(). */
import { int } from './arithmetic.ts'
import { CelError } from './budget.ts'
import type { Budget } from './budget.ts'
import { durationText, readDuration, readTimestamp, timestamp, timestampText } from './times.ts'
import { typeOf } from './values.ts'
import type { Value } from './values.ts'

/** Reading or writing a time, in steps. */
const stepsPerTime = 30

const refused = (to: string, value: Value) => new CelError(`${to}() cannot convert ${typeOf(value)}`)

function toInt(value: Value): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number' && Number.isFinite(value)) return int(BigInt(Math.trunc(value)))
  if (typeof value === 'string' && /^[+-]?\d{1,19}$/.test(value)) return int(BigInt(value.replace(/^\+/, '')))
  if (typeof value === 'object' && value?.kind === 'timestamp') return value.ns / 1_000_000_000n
  throw typeof value === 'string'
    ? new CelError('int() wants a whole number in decimal')
    : refused('int', value)
}

const infinite: ReadonlyMap<string, number> = new Map([
  ['inf', Infinity],
  ['+inf', Infinity],
  ['-inf', -Infinity],
  ['nan', Number.NaN],
])

function toDouble(value: Value): number {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (typeof value !== 'string') throw refused('double', value)
  const special = infinite.get(value.slice(0, 5).toLowerCase())
  if (special !== undefined && value.length <= 4) return special
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value.slice(0, 400))) return Number(value)
  throw new CelError('double() wants a number')
}

function toBool(value: Value): boolean {
  if (typeof value === 'boolean') return value
  if (typeof value !== 'string') throw refused('bool', value)
  if (['1', 't', 'true', 'TRUE', 'True'].includes(value)) return true
  if (['0', 'f', 'false', 'FALSE', 'False'].includes(value)) return false
  throw new CelError('bool() wants true or false')
}

function toText(value: Value, budget: Budget): string {
  budget.spend(1)
  if (typeof value === 'string') return value
  if (typeof value === 'boolean' || typeof value === 'bigint') return value.toString()
  if (typeof value === 'number') return doubleText(value)
  budget.spend(stepsPerTime)
  if (value?.kind === 'timestamp') return timestampText(value)
  if (value?.kind === 'duration') return durationText(value)
  throw refused('string', value)
}

/** As Go's %g: 1234567.0 is 1.234567e+06, with an exponent below -4 or above 5, of at least two digits. */
function doubleText(value: number): string {
  if (!Number.isFinite(value)) return infiniteText(value)
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e')
  const power = Number(exponent)
  if (power >= -4 && power < 6) return value.toString()
  return `${mantissa}e${power < 0 ? '-' : '+'}${Math.abs(power).toString().padStart(2, '0')}`
}

function infiniteText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  return value > 0 ? '+Inf' : '-Inf'
}

/** Each conversion takes what Kubernetes' does and refuses the rest. */
export const convert = {
  int: toInt,
  double: toDouble,
  bool: toBool,
  string: toText,
  timestamp: (value: Value, budget: Budget) => {
    budget.spend(stepsPerTime)
    if (typeof value === 'string') return readTimestamp(value)
    if (typeof value === 'bigint') return timestamp(value * 1_000_000_000n)
    if (typeof value === 'object' && value?.kind === 'timestamp') return value
    throw refused('timestamp', value)
  },
  duration: (value: Value, budget: Budget) => {
    budget.spend(stepsPerTime)
    if (typeof value === 'string') return readDuration(value)
    if (typeof value === 'object' && value?.kind === 'duration') return value
    throw refused('duration', value)
  },
}
