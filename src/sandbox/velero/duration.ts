/** Durations as Go writes and reads them: `720h0m0s`, `1.5s`, `0s`. */

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** Milliseconds, or undefined if the text is not a duration (Go's time.ParseDuration, without a sign). */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0
  if (text.length > 64 || !/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined
  let sum = 0
  for (const [, digits = '', unit = ''] of text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g))
    sum += Number(digits) * (unitMs[unit] ?? 0)
  return sum
}

/** Milliseconds; absent, empty or unreadable counts as zero, as an unset metav1.Duration does. */
export const durationMs = (text: string): number => parseDuration(text) ?? 0

/** As Go writes it (time.Duration.String): `1h0m6s`, `1.5s`, `300ms`, `0s`. */
export function goDuration(ms: number): string {
  const ns = Math.round(ms * 1e6)
  if (ns === 0) return '0s'
  if (ns < 1e3) return `${ns}ns`
  if (ns < 1e6) return `${ns / 1e3}µs`
  if (ns < 1e9) return `${ns / 1e6}ms`
  const minutes = Math.floor(ns / 60e9)
  const seconds = `${Number((ns / 1e9 - minutes * 60).toFixed(9))}s`
  if (minutes === 0) return seconds
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`
}
