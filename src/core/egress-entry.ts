/** One entry of an egress list: `quiesce.shop`, `*.shop.svc`, `10.0.0.7`, `10.0.0.0/8`, `[fd00::7]`, each with or without `:port`. */
import { inRange, sameAddress } from './egress-address.ts'
import type { Address, ParseAddress } from './egress-address.ts'

type Entry = { readonly host: string; readonly port: number | undefined }

/** Whether the entry names this host, or its address, and its port. */
export function matchesEntry(
  text: string,
  target: { readonly host: string; readonly port: number; readonly address: Address },
  parse: ParseAddress,
): boolean {
  const entry = read(text, parse)
  if (entry === undefined || (entry.port !== undefined && entry.port !== target.port)) return false
  if (entry.host.includes('/')) return inRange(target.address, entry.host, parse)
  return namesHost(text, target, parse) || sameAddress(target.address, entry.host, parse)
}

/** Whether the entry names this host and its port; an address or a range names none. */
export function namesHost(
  text: string,
  target: { readonly host: string; readonly port: number },
  parse: ParseAddress,
): boolean {
  const entry = read(text, parse)
  if (entry === undefined || (entry.port !== undefined && entry.port !== target.port)) return false
  const host = hostOf(target.host)
  if (parse(host) !== undefined) return false
  return entry.host.startsWith('*.') ? host.endsWith(entry.host.slice(1)) : entry.host === host
}

/** What the entries of a list may be. */
export type Takes = { readonly patterns: boolean; readonly addresses: boolean; readonly ranges: boolean }

/** What is wrong with an entry, in a sentence that names the flag. */
export function entryProblem(
  { flag, entry, takes }: { readonly flag: string; readonly entry: string; readonly takes: Takes },
  parse: ParseAddress,
): string | undefined {
  const parsed = read(entry, parse)
  if (parsed !== undefined && isTaken(parsed.host, takes, parse)) return undefined
  const forms = [
    'HOST',
    ...(takes.patterns ? ['*.DOMAIN'] : []),
    ...(takes.addresses ? ['ADDRESS'] : []),
    ...(takes.ranges ? ['CIDR'] : []),
  ]
  const wanted = `${forms.slice(0, -1).join(', ')} or ${forms.at(-1) ?? ''}`
  return `${flag} must be ${wanted}, with or without :PORT, got ${JSON.stringify(entry.slice(0, 100))}`
}

/** A host as it is compared: lower case, without brackets and without the dot of the root. */
export function hostOf(host: string): string {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
  return bare.toLowerCase().replace(/\.$/, '')
}

function read(text: string, parse: ParseAddress): Entry | undefined {
  const trimmed = text.trim()
  if (parse(trimmed.split('/')[0] ?? '') !== undefined) return { host: hostOf(trimmed), port: undefined }
  const cut = /^(\[[^\]]*\](?:\/\d+)?|[^:[\]]+)(?::(\d{1,5}))?$/.exec(trimmed)
  if (cut?.[1] === undefined) return undefined
  const port = cut[2] === undefined ? undefined : Number(cut[2])
  if (port !== undefined && (port < 1 || port > 65_535)) return undefined
  return { host: hostOf(cut[1].replace(/^\[(.*)\]/, '$1')), port }
}

function isTaken(host: string, takes: Takes, parse: ParseAddress): boolean {
  const [base = '', bits] = host.split('/')
  const address = parse(base)
  if (bits !== undefined) {
    const fits = address !== undefined && /^\d{1,3}$/.test(bits) && Number(bits) <= address.bytes.length * 8
    return takes.ranges && fits
  }
  if (address !== undefined) return takes.addresses
  // All digits and dots, or hexadecimal: an address in a notation that a URL would turn into another text.
  if (/^[\d.]+$|^0x/.test(base)) return false
  return /^(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(base) && (takes.patterns || !base.startsWith('*'))
}
