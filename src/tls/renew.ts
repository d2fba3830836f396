/** Makes what a Secret lacks. Loads the minting code, and node-forge with it, only when something is minted: once in eight months. */
import { randomBytes } from 'node:crypto'
import type { Pair } from './authority.ts'
import { readCertificate } from './certificate.ts'
import { keys, livingAuthorities, namesForRenewal, renewalOf, type Renewal } from './material.ts'
import type { SecretValues } from './ports.ts'

// More cannot have piled up: an authority lasts ten years and is replaced after eight.
const mostAuthorities = 3

/** The values with everything made anew that is not good; values of other keys stay. */
export async function renewed(
  values: SecretValues,
  names: readonly string[],
  now: number,
): Promise<SecretValues> {
  const why = renewalOf(values, names, now)
  const withTokens = { ...values, ...tokens(why) }
  const withAuthority =
    why.authority === undefined ? withTokens : { ...withTokens, ...(await newAuthority(withTokens, now)) }
  const leaf = renewalOf(withAuthority, names, now).leaf
  if (leaf === undefined) return withAuthority
  const { mintLeaf } = await import('./authority.ts')
  const pair = await mintLeaf({
    authority: authorityOf(withAuthority),
    names: namesForRenewal(values, names, now),
    now,
  })
  return { ...withAuthority, [keys.cert]: pair.cert, [keys.key]: pair.key }
}

// The place of turning the path token under load: a new one here moves the old one to the former, which is dropped once the
// registrations carry the new one.
function tokens(why: Renewal): SecretValues {
  return {
    ...(why.pathToken === undefined ? {} : { [keys.pathToken]: randomBytes(16).toString('hex') }),
    ...(why.macKey === undefined ? {} : { [keys.macKey]: randomBytes(32).toString('base64') }),
  }
}

/** A new authority in front of the living ones: what those signed stays trusted. */
async function newAuthority(values: SecretValues, now: number): Promise<SecretValues> {
  const { mintAuthority } = await import('./authority.ts')
  const { cert, key } = await mintAuthority({ name: 'tidewaiter', now })
  const former = livingAuthorities(values, now).slice(0, mostAuthorities - 1)
  const bundle = [cert, ...former.map((one) => one.toString())].map((pem) => pem.trimEnd()).join('\n')
  return { [keys.caBundle]: `${bundle}\n`, [keys.caKey]: key }
}

/** The newest authority, which has the key. */
function authorityOf(values: SecretValues): Pair {
  const newest = readCertificate(values[keys.caBundle] ?? '')
  const key = values[keys.caKey]
  if (newest === undefined || key === undefined)
    throw new TypeError('a leaf was to be minted before its authority')
  return { cert: newest.toString(), key }
}
