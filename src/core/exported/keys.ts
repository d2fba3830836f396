/** The keys that sign exported outputs, as a JSON Web Key Set (RFC 7517, RFC 8037): of this cluster, and of those that are trusted. Pure. */
import { at, isObject, textAt } from '../velero.ts'

/** One public key, and the cluster that it may speak for. */
export type OutputsKey = {
  /** Its thumbprint (RFC 7638). */
  readonly kid: string
  /** The key: 32 bytes in base64url. */
  readonly x: string
  /** uid of the namespace kube-system. */
  readonly cluster: string
}

/** SHA-256 in base64url. */
export type Digest = (text: string) => string

const publicBytes = /^[\w-]{43}$/

/** The thumbprint of an Ed25519 key: its required members in order, without spaces (RFC 7638, section 3; RFC 8037, section 2). */
export const thumbprintOf = (x: string, digest: Digest): string =>
  digest(JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x }))

/** Public keys of one cluster. */
export const clusterKeys = (
  publicKeys: readonly string[],
  cluster: string,
  digest: Digest,
): readonly OutputsKey[] => publicKeys.map((x) => ({ kid: thumbprintOf(x, digest), x, cluster }))

/** As it is published. `cluster` is a member of ours (RFC 7517, section 4 lets others pass it over). */
export function keySetText(keys: readonly OutputsKey[]): string {
  const members = keys.map(({ kid, x, cluster }) => ({
    kty: 'OKP',
    crv: 'Ed25519',
    alg: 'EdDSA',
    use: 'sig',
    kid,
    x,
    cluster,
  }))
  return `${JSON.stringify({ keys: members }, null, 2)}\n`
}

/** A set as it is read, or everything that is wrong with it. */
export type ReadKeys = { readonly ok: readonly OutputsKey[] } | { readonly problems: readonly string[] }

// Rotating once a month, a cluster has as many in five years.
const mostKeys = 64

/** Reads a set that `tidewaiter keys show` printed, or several of them put together. */
export function readKeySet(text: string, digest: Digest): ReadKeys {
  const set = parsed(text)
  const keys = isObject(set) ? at(set, 'keys') : undefined
  if (!Array.isArray(keys))
    return { problems: ['must be a JSON Web Key Set ({"keys": [...]}), as tidewaiter keys show prints it'] }
  // None is a good set: so the only one is distrusted.
  if (keys.length > mostKeys) return { problems: [`must hold at most ${mostKeys} keys, got ${keys.length}`] }
  const read = keys.map((one: unknown) => readKey(one, digest))
  const problems = read.flatMap((one, i) => ('problem' in one ? [`keys[${i}] ${one.problem}`] : []))
  return problems.length > 0 ? { problems } : { ok: read.flatMap((one) => ('ok' in one ? [one.ok] : [])) }
}

function readKey(value: unknown, digest: Digest): { readonly ok: OutputsKey } | { readonly problem: string } {
  const text = (member: string) => textAt(value, member)
  const key = { kid: text('kid'), x: text('x'), cluster: text('cluster') }
  const thumbprint = thumbprintOf(key.x, digest)
  const wanted: readonly (readonly [boolean, string])[] = [
    [
      at(value, 'd') === undefined,
      'must not hold a private key (member d). Make another: this one is no secret any more',
    ],
    [isEd25519(text), 'must be an Ed25519 key (kty OKP, crv Ed25519, alg EdDSA)'],
    [publicBytes.test(key.x), 'must have 32 bytes in base64url as x'],
    [key.kid === thumbprint, `must have its thumbprint ${thumbprint} as kid`],
    [
      key.cluster !== '' && key.cluster.length <= 64,
      'must say for which cluster it speaks (member cluster, the uid of its kube-system)',
    ],
  ]
  const unmet = wanted.find(([holds]) => !holds)
  return unmet === undefined ? { ok: key } : { problem: unmet[1] }
}

const isEd25519 = (text: (member: string) => string): boolean =>
  text('kty') === 'OKP' && text('crv') === 'Ed25519' && ['', 'EdDSA'].includes(text('alg'))

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // What is no JSON is no set.
    return undefined
  }
}
