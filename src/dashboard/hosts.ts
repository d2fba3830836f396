/** Which Host headers are answered: a page of another site that made its name point to us (DNS rebinding) is not. */

/** The name or address in a Host header, without its port; undefined if it is none. */
export function hostOf(header: string | undefined): string | undefined {
  const [, ipv6, name] = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::\d{1,5})?$/.exec(header ?? '') ?? []
  return (ipv6 ?? name)?.toLowerCase()
}

/** Whether it means the machine that the browser runs on. No other site can have these names. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)

/** Whether a request with this Host header is answered. */
export function isOurs(header: string | undefined, names: readonly string[]): boolean {
  const host = hostOf(header)
  return host !== undefined && (isLoopback(host) || names.some((name) => name.toLowerCase() === host))
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

/** Whether a request that changes something comes from a page of ours (or from no page at all). */
export function isSameOrigin(headers: Headers): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false
  const { origin, host } = headers
  if (origin === undefined) return true
  return typeof origin === 'string' && typeof host === 'string' && URL.parse(origin)?.host === host
}
