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
