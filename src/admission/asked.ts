/** Which webhook a request asks: read off its URL as an API server writes it, `POST /<prefix>/<route>?timeout=10s`. */
import type { IncomingMessage } from 'node:http'
import type { Endpoint } from './ports.ts'
import { timeoutOf } from './timeout.ts'

/** What can be asked, and the first path segments that are accepted at this moment. */
export type Askable = {
  readonly handlers: readonly Endpoint[]
  readonly pathPrefix: () => readonly string[]
}

/** The webhook, and how long the API server waits for its answer. */
export type Asked = { readonly endpoint: Endpoint; readonly timeoutMs: number }

/** The webhook that is asked; undefined: this is no question. */
export function askedOf(
  { method, url = '' }: Pick<IncomingMessage, 'method' | 'url'>,
  { handlers, pathPrefix }: Askable,
): Asked | undefined {
  if (method !== 'POST') return undefined
  const [end, slash] = [endOfPath(url), url.indexOf('/', 1)]
  if (slash < 0 || !isAccepted(url.slice(1, slash), pathPrefix())) return undefined
  const path = url.slice(slash, end)
  const endpoint = handlers.find((one) => one.path === path)
  return endpoint === undefined ? undefined : { endpoint, timeoutMs: timeoutOf(url.slice(end + 1)) }
}

/** Whether a first path segment is one of those that are accepted; what it takes to say so tells only how long they are. */
export function isAccepted(prefix: string, accepted: readonly string[]): boolean {
  return accepted.some((wanted) => wanted !== '' && isSame(prefix, wanted))
}

/** It does not end at the first difference, which would tell how much was guessed. crypto.timingSafeEqual wants bytes, which cost more than this. */
function isSame(got: string, wanted: string): boolean {
  if (got.length !== wanted.length) return false
  let differ = 0
  for (let i = 0; i < wanted.length; i += 1) differ |= got.charCodeAt(i) ^ wanted.charCodeAt(i)
  return differ === 0
}

function endOfPath(url: string): number {
  const query = url.indexOf('?')
  return query < 0 ? url.length : query
}
