/** How long the API server waits, from its `?timeout=`: a Go duration such as `24s`, `1m0s` or `23.5s`. */

/** What the API server itself takes for a webhook that names no timeout. */
const defaultTimeoutMs = 10_000
/** The most that a webhook's timeoutSeconds may be. */
const longestTimeoutMs = 30_000

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

// time.ParseDuration; no sign, because a webhook has no negative time. 32 characters hold any duration Go prints.
const wholeDuration =
  /^(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))*$/
const parts = /([\d.]+)(ns|us|µs|ms|s|m|h)/g
const longestText = 32

/** Reads a Go duration as milliseconds; undefined if it is none. */
export function goDurationMs(text: string): number | undefined {
  if (text === '0') return 0
  if (text.length > longestText || !wholeDuration.test(text)) return undefined
  return [...text.matchAll(parts)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (unitMs[unit ?? ''] ?? 0),
    0,
  )
}

// An API server says the same of each webhook with every request.
const known = new Map<string, number>()
const mostKnown = 64
const longestQuery = 64

/** The time for an answer: what the query of the URL says, at most 30 s; 10 s if it says nothing that can be read. */
export function timeoutOf(query: string): number {
  const told = known.get(query)
  if (told !== undefined) return told
  const ms = readTimeout(query)
  if (query.length > longestQuery) return ms
  if (known.size >= mostKnown) known.clear()
  known.set(query, ms)
  return ms
}

function readTimeout(query: string): number {
  const ms = goDurationMs(new URLSearchParams(query).get('timeout') ?? '')
  return ms === undefined || ms <= 0 ? defaultTimeoutMs : Math.min(ms, longestTimeoutMs)
}
