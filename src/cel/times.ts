/** Timestamps and durations: read and written as Kubernetes does, to the nanosecond. */
import { CelError } from './budget.ts'
import type { Duration, Timestamp } from './values.ts'

const second = 1_000_000_000n
const units: ReadonlyMap<string, bigint> = new Map([
  ['h', 3600n * second],
  ['m', 60n * second],
  ['s', second],
  ['ms', 1_000_000n],
  ['us', 1000n],
  ['µs', 1000n],
  ['ns', 1n],
])

/** Years 1 to 9999, as CEL has it. */
const earliest = -62_135_596_800_000n * 1_000_000n
const latest = BigInt(Date.UTC(10_000, 0, 1)) * 1_000_000n

/** A timestamp, if it is within the years that CEL knows. */
export function timestamp(ns: bigint): Timestamp {
  if (ns < earliest || ns >= latest) throw new CelError('a timestamp must be in the years 1 to 9999')
  return { kind: 'timestamp', ns }
}

/** A duration, if it is within the 292 years that 64 bits of nanoseconds hold. */
export function duration(ns: bigint): Duration {
  if (ns >= 2n ** 63n || ns < -(2n ** 63n)) throw new CelError('a duration must be shorter than 292 years')
  return { kind: 'duration', ns }
}

const rfc3339 = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/

/** Reads RFC 3339. */
export function readTimestamp(text: string): Timestamp {
  const [, date, time, fraction = '', zone] = rfc3339.exec(text) ?? []
  const local = date === undefined ? Number.NaN : Date.parse(`${date}T${time}Z`)
  // Date.parse makes 2 March of 30 February.
  const real = !Number.isNaN(local) && new Date(local).toISOString().startsWith(`${date}T${time}`)
  const ms = real ? Date.parse(`${date}T${time}${zone}`) : Number.NaN
  if (Number.isNaN(ms)) throw new CelError('timestamp() wants RFC 3339, as in 2026-11-21T07:00:00Z')
  return timestamp(BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0')))
}

/** Writes RFC 3339 in UTC, without a fraction that is zero. */
export function timestampText({ ns }: Timestamp): string {
  const whole = dateOf({ kind: 'timestamp', ns }).toISOString().slice(0, 19)
  return `${whole}${fractionOf(modulo(ns, second))}Z`
}

/** The date to the millisecond. */
export const dateOf = ({ ns }: Timestamp): Date =>
  new Date(Number((ns - modulo(ns, 1_000_000n)) / 1_000_000n))

const modulo = (value: bigint, by: bigint) => ((value % by) + by) % by

const longestDuration = 64

/** Reads a duration as Go writes it: `1h30m`, `1.5s`, `-300ms`. */
export function readDuration(text: string): Duration {
  const [, sign, rest = ''] = /^([+-]?)(.*)$/.exec(text.slice(0, longestDuration + 1)) ?? []
  if (rest === '0') return duration(0n)
  const parts = [...rest.matchAll(/(\d*)(?:\.(\d*))?(h|ms|m|s|us|µs|ns)/gy)]
  const read = parts.reduce((length, [all]) => length + all.length, 0)
  const valid = parts.every(([, whole, fraction]) => `${whole}${fraction ?? ''}` !== '')
  if (rest === '' || read !== rest.length || !valid || text.length > longestDuration)
    throw new CelError('duration() wants a duration as in 1h30m or 1.5s')
  const ns = parts.reduce(
    (sum, [, whole = '', fraction = '', unit = '']) => sum + part(whole, fraction, unit),
    0n,
  )
  return duration(sign === '-' ? -ns : ns)
}

function part(whole: string, fraction: string, unit: string): bigint {
  const ns = units.get(unit) ?? 0n
  return (
    BigInt(whole === '' ? '0' : whole) * ns +
    (BigInt(fraction === '' ? '0' : fraction) * ns) / 10n ** BigInt(fraction.length)
  )
}

/** Writes a duration in seconds, as string(duration) of Kubernetes: `5400s`, `0.3s`. */
export function durationText({ ns }: Duration): string {
  const size = ns < 0n ? -ns : ns
  return `${ns < 0n ? '-' : ''}${size / second}${fractionOf(size % second)}s`
}

function fractionOf(ns: bigint): string {
  const digits = ns.toString().padStart(9, '0').replace(/0+$/, '')
  return digits === '' ? '' : `.${digits}`
}
