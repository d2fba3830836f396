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
  const host = hostOf(target.host)
  if (entry.host.startsWith('*.')) return host.endsWith(entry.host.slice(1)) && parse(host) === undefined
  return entry.host === host || sameAddress(target.address, entry.host, parse)
}

/** What is wrong with an entry, in a sentence that names the flag; `wide` lets patterns and CIDRs through. */
export function entryProblem(
  { flag, entry, wide }: { readonly flag: string; readonly entry: string; readonly wide: boolean },
  parse: ParseAddress,
): string | undefined {
  const wanted = wide ? 'HOST, *.DOMAIN, ADDRESS or CIDR' : 'HOST or ADDRESS'
  const parsed = read(entry, parse)
  const usable = parsed !== undefined && isHost(parsed.host, wide, parse)
  return usable
    ? undefined
    : `${flag} must be ${wanted}, with or without :PORT, got ${JSON.stringify(entry.slice(0, 100))}`
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

function isHost(host: string, wide: boolean, parse: ParseAddress): boolean {
  const [base = '', bits] = host.split('/')
  const address = parse(base)
  if (bits !== undefined) {
    return wide && address !== undefined && /^\d{1,3}$/.test(bits) && Number(bits) <= address.bytes.length * 8
  }
  if (address !== undefined) return true
  // All digits and dots, or hexadecimal: an address in a notation that a URL would turn into another text.
  if (/^[\d.]+$|^0x/.test(base)) return false
  return /^(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(base) && (wide || !base.startsWith('*'))
}
