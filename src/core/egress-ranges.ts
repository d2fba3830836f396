/** The addresses that calls are kept from by what they are, whoever's cluster it is. docs/egress.md shows this table. */
import { isIn, readRange, translations } from './egress-address.ts'
import type { Address, ParseAddress, Range } from './egress-address.ts'

/** One sort of address: the words for it, the ranges it has, and what of these is none of it. */
export type Sort = {
  readonly what: string
  readonly ranges: readonly string[]
  readonly except?: readonly string[]
}

/** Addresses no action has business with. Metadata services hand credentials of the node to whoever asks. */
export const never: readonly Sort[] = [
  { what: 'an unspecified address', ranges: ['0.0.0.0/8', '::/128'] },
  { what: 'a link-local address, as cloud metadata services have', ranges: ['169.254.0.0/16', 'fe80::/10'] },
  { what: 'a multicast address', ranges: ['224.0.0.0/4', 'ff00::/8'] },
  { what: 'the broadcast address', ranges: ['255.255.255.255/32'] },
  { what: 'the metadata service of Akamai', ranges: ['fd00:a9fe:a9fe::1/128'] },
  { what: 'the metadata service of Alibaba Cloud', ranges: ['100.100.100.200/32'] },
  { what: 'the metadata service of AWS', ranges: ['fd00:ec2::/32'] },
  { what: 'the platform service of Azure', ranges: ['168.63.129.16/32'] },
  { what: 'the metadata service of Google Cloud', ranges: ['fd20:ce::254/128'] },
  { what: 'the metadata service of Oracle Cloud', ranges: ['192.0.0.192/32', 'fd00:c1::a9fe:a9fe/128'] },
  { what: 'the metadata service of Scaleway', ranges: ['fd00:42::42/128'] },
]

/**
 * Addresses that stand for nothing on the internet, but that some networks use inside: meshes give names of other
 * networks addresses of 240.0.0.0/4, and clouds give pods some. IPv6: all that IANA has not given out for unicast.
 */
export const reserved: Sort = {
  what: 'a reserved address',
  ranges: [
    '192.0.0.0/24',
    '240.0.0.0/4',
    '::/8',
    '100::/8',
    '200::/7',
    '400::/6',
    '800::/5',
    '1000::/4',
    '4000::/2',
    '8000::/2',
    'c000::/3',
    'e000::/4',
    'f000::/5',
    'f800::/6',
    'fe00::/9',
    'fec0::/10',
  ],
  // Loopback has a rule of its own; a translator sends these on to the IPv4 address in them, which is judged.
  except: ['::1/128', '64:ff9b::/96', '64:ff9b:1::/48'],
}

/** The process's own machine, which in a cluster is its pod. */
export const loopback: Sort = { what: 'a loopback address', ranges: ['127.0.0.0/8', '::1/128'] }

/** Which range of a sort an address is in. */
export function rangeOf(address: Address, sort: Sort, parse: ParseAddress): string | undefined {
  const { ranges, except } = readOf(sort, parse)
  if (except.some((range) => isIn(address, range))) return undefined
  return sort.ranges[ranges.findIndex((range) => isIn(address, range))]
}

type Ranges = readonly (Range | undefined)[]
type Read = { readonly parse: ParseAddress; readonly ranges: Ranges; readonly except: Ranges }

// Each address of each call is held against all of them, so they are read once.
const read = new WeakMap<Sort, Read>()

function readOf(sort: Sort, parse: ParseAddress): Read {
  const kept = read.get(sort)
  if (kept?.parse === parse) return kept
  const all = (ranges: readonly string[]) => ranges.map((range) => readRange(range, parse))
  const made = { parse, ranges: all(sort.ranges), except: all(sort.except ?? []) }
  read.set(sort, made)
  return made
}

// These alone, for every IPv6 address reads as many IPv4 ones: the odds that a service is hit by chance are 2^-32 for each.
const services = [
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
]

/** The metadata service that a translator with a prefix of its own would lead to from here (RFC 6052 2.2). */
export const serviceBehind = (address: Address): string | undefined =>
  translations(address).find((text) => services.includes(text))
