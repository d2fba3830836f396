/** From a URL to the addresses that may be connected to. */
import { judge, judgeName, proxyOf, rulesForProxy } from '../core/egress.ts'
import type { EgressProxy, EgressRules } from '../core/egress.ts'
import type { Address } from '../core/egress-address.ts'
import { hostOf } from '../core/egress-entry.ts'
import { parseAddress } from './address.ts'
import { lookupFailure } from './failures.ts'
import type { Failed, Lookup, Refused } from './ports.ts'

// A name with more addresses than this is no service an action calls.
const mostAddresses = 32

/** Where a call goes: judged addresses, to be tried in order. */
export type Route = {
  readonly secure: boolean
  /** Without brackets and root dot: the name for SNI and for the check of the certificate. */
  readonly host: string
  readonly port: number
  /** The host's, or the proxy's where there is one. */
  readonly addresses: readonly Address[]
  readonly proxy?: EgressProxy
}

/** Reads a URL as far as the rules need it; a sentence if it is none that is called. */
export function readUrl(text: string, ca: string | undefined): URL | { readonly problem: string } {
  const url = URL.parse(text)
  if (url === null) return { problem: 'the URL cannot be read' }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return { problem: `only http and https are called, got ${url.protocol.slice(0, 20)}` }
  }
  // Never shown: what is before the @ may be a password.
  if (url.username !== '' || url.password !== '')
    return { problem: 'a URL with user information is not called' }
  if (ca !== undefined && url.protocol !== 'https:')
    return { problem: 'with a caBundle only https is called' }
  return url
}

/** What finding a route needs. */
type Finding = { readonly rules: EgressRules; readonly lookup: Lookup; readonly signal: AbortSignal }

type NoRoute = Omit<Refused, 'sent'> | Omit<Failed, 'sent'>

/** Resolves the host once and judges every address it has: one that is refused refuses the call. */
export async function findRoute(url: URL, finding: Finding): Promise<Route | NoRoute> {
  const { rules } = finding
  const secure = url.protocol === 'https:'
  const host = hostOf(url.hostname)
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  const proxy = proxyOf({ host, port }, rules, parseAddress)
  if (proxy === undefined) {
    const found = await judgedAddresses({ host, port }, finding)
    return 'addresses' in found ? { secure, host, port, addresses: found.addresses } : found
  }
  const judged = judgeName({ host, port }, rules, parseAddress)
  if ('refused' in judged) return { refused: 'egress', message: judged.refused }
  const found = await judgedAddresses(proxy, { ...finding, rules: rulesForProxy(rules, proxy) })
  return 'addresses' in found ? { secure, host, port, addresses: found.addresses, proxy } : found
}

async function judgedAddresses(
  { host, port }: { readonly host: string; readonly port: number },
  { rules, lookup, signal }: Finding,
): Promise<{ readonly addresses: readonly Address[] } | NoRoute> {
  const found = await addressesOf(host, (name) => lookup(name, signal))
  if ('failed' in found) return found
  for (const address of found.addresses) {
    const judged = judge({ host, port, address }, rules, parseAddress)
    if ('refused' in judged) return { refused: 'egress', message: judged.refused }
  }
  return found
}

async function addressesOf(
  host: string,
  lookup: (host: string) => Promise<readonly string[]>,
): Promise<{ readonly addresses: readonly Address[] } | Omit<Failed, 'sent'>> {
  const literal = parseAddress(host)
  if (literal !== undefined) return { addresses: [literal] }
  let texts: readonly string[]
  try {
    texts = await lookup(host)
  } catch (error) {
    return lookupFailure(host, error)
  }
  const addresses = texts.map(parseAddress)
  if (addresses.length === 0 || addresses.length > mostAddresses || addresses.includes(undefined)) {
    const got = texts.slice(0, 3).join(', ').slice(0, 120)
    return {
      failed: 'network',
      message: `${host} must resolve to 1 to ${mostAddresses} usable addresses, got ${texts.length} (${got})`,
    }
  }
  return { addresses: addresses.filter((address) => address !== undefined) }
}
