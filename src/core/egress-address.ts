/** Addresses as bytes: ranges, equality, and the IPv4 addresses that hide in IPv6 ones. */

/** A parsed address: 4 or 16 bytes, and its canonical text. An IPv4-mapped IPv6 address arrives as its IPv4 address. */
export type Address = { readonly text: string; readonly bytes: readonly number[] }

/** Parses an address in its canonical notations only (no `0x7f.1`); undefined for anything else. */
export type ParseAddress = (text: string) => Address | undefined

/** A range of addresses that was read: where it begins, and how many bits of that all have in common. */
export type Range = { readonly base: readonly number[]; readonly bits: number }

/** Reads a range like `10.0.0.0/8`. */
export function readRange(range: string, parse: ParseAddress): Range | undefined {
  const slash = range.lastIndexOf('/')
  const base = parse(range.slice(0, slash))
  return base && { base: base.bytes, bits: Number(range.slice(slash + 1)) }
}

/** Whether `address` lies in it; a range that could not be read holds nothing. */
export function isIn({ bytes }: Address, range: Range | undefined): boolean {
  if (range === undefined || range.base.length !== bytes.length) return false
  return range.base.every((byte, index) => {
    const mask = maskOf(range.bits - index * 8)
    return (byte & mask) === ((bytes[index] ?? 0) & mask)
  })
}

/** Whether `address` lies in a range like `10.0.0.0/8`; an unreadable range holds nothing. */
export const inRange = (address: Address, range: string, parse: ParseAddress): boolean =>
  isIn(address, readRange(range, parse))

/** Whether `text` is the same address in any notation. */
export function sameAddress(address: Address, text: string, parse: ParseAddress): boolean {
  return parse(text)?.text === address.text
}

/**
 * The IPv4 addresses that a packet to this IPv6 address may end at: compatible (::/96) and translated forms, NAT64
 * (RFC 6052, RFC 8215), 6to4, Teredo, ISATAP. Where a form is ambiguous every reading is given.
 */
export function embedded({ bytes }: Address): readonly Address[] {
  if (bytes.length !== 16) return []
  return forms
    .filter(({ when }) => startsWith(bytes, when))
    .flatMap(({ at }) => at.map((places) => pick(bytes, places)))
    .filter(isSomewhere)
}

/**
 * The IPv4 addresses that an IPv6 address holds for a translator whose prefix is not known: 32, 40, 48, 56, 64 or 96 bits of
 * it, then the address, byte 8 left out (RFC 6052 2.2).
 */
export function translations({ bytes }: Address): readonly string[] {
  if (bytes.length !== 16) return []
  const places = [[4, 5, 6, 7], [5, 6, 7, 9], [6, 7, 9, 10], [7, 9, 10, 11], [9, 10, 11, 12], last]
  return places.map((four) => pick(bytes, four).text)
}

// `::1` is not 0.0.0.1, and the readings that do not apply give zeros; no packet goes to 0.0.0.0/8 by way of a translator.
const isSomewhere = ({ bytes }: Address): boolean => bytes[0] !== 0

type Form = {
  /** The bytes it begins with; undefined stands for any byte. */
  readonly when: readonly (number | undefined)[]
  /** Where the four bytes are, one list for each reading; negative: inverted. */
  readonly at: readonly (readonly number[])[]
}

const zeros = (count: number): readonly number[] => Array.from({ length: count }, () => 0)
const anything = (count: number): readonly undefined[] => Array.from({ length: count }, () => undefined)
const last = [12, 13, 14, 15]

const forms: readonly Form[] = [
  { when: zeros(12), at: [last] },
  { when: [...zeros(10), 0xff, 0xff], at: [last] },
  { when: [...zeros(8), 0xff, 0xff, 0, 0], at: [last] },
  { when: [0, 0x64, 0xff, 0x9b, ...zeros(8)], at: [last] },
  {
    when: [0, 0x64, 0xff, 0x9b, 0, 1],
    at: [last, [6, 7, 9, 10], [7, 9, 10, 11], [9, 10, 11, 12]],
  },
  { when: [0x20, 0x02], at: [[2, 3, 4, 5]] },
  {
    when: [0x20, 0x01, 0, 0],
    at: [
      [4, 5, 6, 7],
      [-12, -13, -14, -15],
    ],
  },
  { when: [...anything(8), undefined, 0, 0x5e, 0xfe], at: [last] },
]

function startsWith(bytes: readonly number[], when: Form['when']): boolean {
  return when.every((byte, index) => byte === undefined || byte === bytes[index])
}

function pick(bytes: readonly number[], places: readonly number[]): Address {
  const four = places.map((place) => {
    const byte = bytes[Math.abs(place)] ?? 0
    return place < 0 ? byte ^ 0xff : byte
  })
  return { text: four.join('.'), bytes: four }
}

function maskOf(bits: number): number {
  const count = Math.min(8, Math.max(0, bits))
  return (0xff << (8 - count)) & 0xff
}
