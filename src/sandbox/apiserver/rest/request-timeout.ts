/** How long a request may take: what the client says with `?timeout=`, and never more than the server gives. */
import { badRequest } from '../errors/status.ts'
import type { RequestInfo } from './request-info.ts'

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}
const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/gy

/** The time for a request in milliseconds; throws 400 where the client's word is no duration of Go. */
export function timeoutOf(query: URLSearchParams, { verb }: RequestInfo, mostMs: number): number {
  const text = query.get('timeout') ?? ''
  // A watch has timeoutSeconds instead.
  if (text === '' || verb === 'watch') return mostMs
  const ms = durationMs(text)
  if (ms === undefined) {
    const why = `time: invalid duration ${JSON.stringify(text)}`
    throw badRequest(`invalid timeout specified in the request URL - ${why}`)
  }
  return ms === 0 ? mostMs : Math.min(ms, mostMs)
}

function durationMs(text: string): number | undefined {
  if (text === '0') return 0
  let [ms, end] = [0, 0]
  for (const [whole, amount, unit = ''] of text.matchAll(part)) {
    ms += Number(amount) * (unitMs[unit] ?? 0)
    end += whole.length
  }
  return end > 0 && end === text.length ? ms : undefined
}
