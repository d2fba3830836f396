/** Reads addresses with ipaddr.js. */
import ipaddr from 'ipaddr.js'
import type { Address } from '../core/egress-address.ts'

/**
 * Reads an address. Only dotted decimal and IPv6: the resolver and WHATWG URLs write no other notation. An IPv4-mapped
 * IPv6 address becomes its IPv4 address, which is where a connection to it goes. A zone (`%eth0`) makes it unreadable.
 */
export function parseAddress(text: string): Address | undefined {
  if (text.includes('%')) return undefined
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return facts(ipaddr.IPv4.parse(text))
  const exact = compatible(text)
  if (!ipaddr.IPv6.isValid(exact)) return undefined
  const address = ipaddr.IPv6.parse(exact)
  return facts(address.isIPv4MappedAddress() ? address.toIPv4Address() : address)
}

/** `::8.8.8.8`, as resolvers write IPv4-compatible addresses, which ipaddr.js takes for the IPv4-mapped `::ffff:8.8.8.8`. */
function compatible(text: string): string {
  const tail = text.startsWith('::') ? text.slice(2) : ''
  if (!ipaddr.IPv4.isValidFourPartDecimal(tail)) return text
  const [a = 0, b = 0, c = 0, d = 0] = ipaddr.IPv4.parse(tail).octets
  return `::${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
}

function facts(address: ipaddr.IPv4 | ipaddr.IPv6): Address {
  return { text: address.toString(), bytes: address.toByteArray() }
}
