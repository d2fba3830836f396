/** Which addresses our own calls may go to. Judged on the address that is connected to, in every notation. */
import { embedded } from './egress-address.ts'
import type { Address, ParseAddress } from './egress-address.ts'
import { entryProblem, hostOf, matchesEntry, namesHost, type Takes } from './egress-entry.ts'
import { loopback, never, rangeOf, reserved, serviceBehind, type Sort } from './egress-ranges.ts'

/** What an install lets out. The lists hold entries as `entryProblem` knows them. */
export type EgressRules = {
  readonly inCluster: boolean
  /**
   * The API server's and the nodes' addresses as they are now. A list is never changed once it was given, for what was read of it is
   * kept: when they change, another one is given.
   */
  readonly refusedAddresses: () => readonly string[]
  /** `--egress-allow`: hosts or addresses, with or without a port, that may be called although they are inside. */
  readonly allowNames: readonly string[]
  /** `--egress-only`: if not empty, nothing else is called. Host names, `*.names`, CIDRs, each with or without a port. */
  readonly onlyTo: readonly string[]
  /** `--egress-proxy`, and `--egress-proxy-for`: the hosts and `*.names` that are called through it. */
  readonly proxy?: EgressProxy
}

/** A proxy that looks names up and connects for us. */
export type EgressProxy = {
  readonly host: string
  readonly port: number
  /** The value of Proxy-Authorization; a secret. */
  readonly authorization: string | undefined
  readonly hosts: readonly string[]
}

/** One address that a call would connect to, and the host and port of the URL that led there. */
export type Target = { readonly host: string; readonly port: number; readonly address: Address }

/** What was decided about an address. */
export type Judgement = { readonly ok: true } | { readonly refused: string }

/** Judges one address. A host is called only if every address it resolves to is let through. */
export function judge(target: Target, rules: EgressRules, parse: ParseAddress): Judgement {
  const forms = [target.address, ...embedded(target.address)]
  const forbidden = sortOf(forms, never, parse) ?? translated(target.address)
  if (forbidden !== undefined) {
    return refuse(target, `is ${forbidden}, which is never called. Use another address`)
  }
  if (!listed(rules.allowNames, target, parse)) {
    const inside = insideOf(forms, rules, parse)
    if (inside !== undefined) return refuse(target, `is ${inside}. ${howToAllow(target)}`)
  }
  if (rules.onlyTo.length > 0 && !listed(rules.onlyTo, target, parse)) {
    return refuse(
      target,
      `is not among what --egress-only lists. Add ${nameOf(target)} to it if it may be called`,
    )
  }
  return { ok: true }
}

/** The proxy that this host is called through, if its name is listed for one; an address in a URL is never given to a proxy. */
export function proxyOf(
  target: Omit<Target, 'address'>,
  { proxy }: EgressRules,
  parse: ParseAddress,
): EgressProxy | undefined {
  return proxy?.hosts.some((entry) => namesHost(entry, target, parse)) === true ? proxy : undefined
}

/** Judges a host that a proxy looks up. Its address is not known here: only names that `--egress-only` lists count. */
export function judgeName(
  target: Omit<Target, 'address'>,
  { onlyTo }: EgressRules,
  parse: ParseAddress,
): Judgement {
  if (onlyTo.length === 0 || onlyTo.some((entry) => namesHost(entry, target, parse))) return { ok: true }
  const host = hostOf(target.host)
  return {
    refused: `${host}, which --egress-proxy looks up, is not among the names that --egress-only lists; addresses and CIDRs do not count for it. Add ${host}:${target.port} to it if it may be called`,
  }
}

/** The rules for the proxy itself: the install names it, so it may be inside; what is never called, it may not be. */
export const rulesForProxy = (rules: EgressRules, { host, port }: EgressProxy): EgressRules => ({
  inCluster: rules.inCluster,
  refusedAddresses: rules.refusedAddresses,
  allowNames: [nameOf({ host, port })],
  onlyTo: [],
})

/** What is wrong with the lists of an install: a sentence for each entry that could never match as it is meant. */
export function egressProblems({ allow, only, proxyFor }: Lists, parse: ParseAddress): readonly string[] {
  const problems = (flag: string, entries: readonly string[], takes: Takes) =>
    entries.map((entry) => entryProblem({ flag, entry, takes }, parse))
  return [
    ...problems('--egress-allow', allow, { patterns: false, addresses: true, ranges: false }),
    ...problems('--egress-only', only, { patterns: true, addresses: true, ranges: true }),
    ...problems('--egress-proxy-for', proxyFor, { patterns: true, addresses: false, ranges: false }),
  ].filter((problem) => problem !== undefined)
}

/** The lists as the flags give them. */
export type Lists = {
  readonly allow: readonly string[]
  readonly only: readonly string[]
  readonly proxyFor: readonly string[]
}

function insideOf(forms: readonly Address[], rules: EgressRules, parse: ParseAddress): string | undefined {
  const refused = canonicalOf(rules.refusedAddresses(), parse)
  if (forms.some(({ text }) => refused.has(text))) {
    return 'an address of the API server or of a node'
  }
  const own = rules.inCluster ? sortOf(forms, [loopback], parse) : undefined
  return own === undefined
    ? sortOf(forms, [reserved], parse)
    : `${own}, which in a cluster is this pod itself`
}

const readBefore = new WeakMap<readonly string[], ReadonlySet<string>>()

/** The addresses in the notation in which they are compared: read once for each list, for a cluster may have thousands of nodes. */
function canonicalOf(texts: readonly string[], parse: ParseAddress): ReadonlySet<string> {
  const known = readBefore.get(texts)
  if (known !== undefined) return known
  const read = new Set(texts.map((text) => parse(text)?.text).filter((text) => text !== undefined))
  readBefore.set(texts, read)
  return read
}

function translated(address: Address): string | undefined {
  const service = serviceBehind(address)
  return service === undefined ? undefined : `an address of ${service} behind a translator`
}

/** The sort that one of the forms has, with the range that says so. */
function sortOf(forms: readonly Address[], sorts: readonly Sort[], parse: ParseAddress): string | undefined {
  for (const sort of sorts) {
    for (const form of forms) {
      const range = rangeOf(form, sort, parse)
      if (range !== undefined) return `${sort.what} (${range})`
    }
  }
  return undefined
}

function listed(entries: readonly string[], target: Target, parse: ParseAddress): boolean {
  return entries.some((entry) => matchesEntry(entry, target, parse))
}

function refuse(target: Target, why: string): Judgement {
  const host = hostOf(target.host)
  const other = host.includes(':') ? `written [${host}]` : `which ${host} resolves to`
  const from = host === target.address.text ? '' : `, ${other},`
  return { refused: `${target.address.text}${from} ${why}` }
}

function howToAllow(target: Target): string {
  return `If it may be called, start tidewaiter with --egress-allow ${nameOf(target)}`
}

function nameOf(target: Omit<Target, 'address'>): string {
  const host = hostOf(target.host)
  return host.includes(':') ? `[${host}]:${target.port}` : `${host}:${target.port}`
}
