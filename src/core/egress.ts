/** Which addresses our own calls may go to. Judged on the address that is connected to, in every notation. */
import { embedded, inRange, sameAddress } from './egress-address.ts'
import type { Address, ParseAddress } from './egress-address.ts'
import { entryProblem, hostOf, matchesEntry } from './egress-entry.ts'

/** What an install lets out. The lists hold entries as `entryProblem` knows them. */
export type EgressRules = {
  readonly inCluster: boolean
  /** The API server's and the nodes' addresses as they are now. */
  readonly refusedAddresses: () => readonly string[]
  /** `--egress-allow`: hosts or addresses, with or without a port, that may be called although they are inside. */
  readonly allowNames: readonly string[]
  /** `--egress-only`: if not empty, nothing else is called. Host names, `*.names`, CIDRs, each with or without a port. */
  readonly onlyTo: readonly string[]
}

/** One address that a call would connect to, and the host and port of the URL that led there. */
export type Target = { readonly host: string; readonly port: number; readonly address: Address }

/** What was decided about an address. */
export type Judgement = { readonly ok: true } | { readonly refused: string }

// Addresses no action has business with. Metadata services hand credentials of the node to whoever asks.
const never: readonly (readonly [range: string, what: string])[] = [
  ['0.0.0.0/8', 'an unspecified address'],
  ['::/128', 'an unspecified address'],
  ['169.254.0.0/16', 'a link-local address, as cloud metadata services have'],
  ['fe80::/10', 'a link-local address'],
  ['224.0.0.0/4', 'a multicast address'],
  ['ff00::/8', 'a multicast address'],
  ['255.255.255.255/32', 'the broadcast address'],
  ['100.100.100.200/32', 'the metadata service of Alibaba Cloud'],
  ['168.63.129.16/32', 'the platform service of Azure'],
  ['192.0.0.192/32', 'the metadata service of Oracle Cloud'],
  ['fd00:ec2::/32', 'the metadata service of AWS'],
  ['fd20:ce::254/128', 'the metadata service of Google Cloud'],
  ['fd00:c1::a9fe:a9fe/128', 'the metadata service of Oracle Cloud'],
  ['fd00:42::42/128', 'the metadata service of Scaleway'],
]

const loopback = ['127.0.0.0/8', '::1/128']

/** Judges one address. A host is called only if every address it resolves to is let through. */
export function judge(target: Target, rules: EgressRules, parse: ParseAddress): Judgement {
  const forms = [target.address, ...embedded(target.address)]
  for (const [range, what] of never) {
    if (forms.some((form) => inRange(form, range, parse))) {
      return refuse(target, `is ${what}, which is never called. Use another address`)
    }
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

/** What is wrong with the lists of an install: a sentence for each entry that could never match as it is meant. */
export function egressProblems(
  rules: Pick<EgressRules, 'allowNames' | 'onlyTo'>,
  parse: ParseAddress,
): readonly string[] {
  return [
    ...rules.allowNames.map((entry) => entryProblem({ flag: '--egress-allow', entry, wide: false }, parse)),
    ...rules.onlyTo.map((entry) => entryProblem({ flag: '--egress-only', entry, wide: true }, parse)),
  ].filter((problem) => problem !== undefined)
}

function insideOf(forms: readonly Address[], rules: EgressRules, parse: ParseAddress): string | undefined {
  const refused = rules.refusedAddresses()
  if (forms.some((form) => refused.some((text) => sameAddress(form, text, parse)))) {
    return 'an address of the API server or of a node'
  }
  if (!rules.inCluster) return undefined
  const ours = forms.some((form) => loopback.some((range) => inRange(form, range, parse)))
  return ours ? 'a loopback address, which in a cluster is this pod itself' : undefined
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

function nameOf(target: Target): string {
  const host = hostOf(target.host)
  return host.includes(':') ? `[${host}]:${target.port}` : `${host}:${target.port}`
}
