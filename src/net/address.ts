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
  if (!ipaddr.IPv6.isValid(text)) return undefined
  const address = ipaddr.IPv6.parse(text)
  return facts(address.isIPv4MappedAddress() ? address.toIPv4Address() : address)
}

function facts(address: ipaddr.IPv4 | ipaddr.IPv6): Address {
  return { text: address.toString(), bytes: address.toByteArray() }
}
