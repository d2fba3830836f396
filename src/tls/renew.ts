/** Makes what a Secret lacks. Loads the minting code, and node-forge with it, only when something is minted: once in eight months. */
import { randomBytes, type X509Certificate } from 'node:crypto'
import type { Pair } from './authority.ts'
import { readBundle, readCertificate } from './certificate.ts'
import { isToken, keys, livingAuthorities, namesForRenewal, part, type Renewal } from './material.ts'
import { renewalOf } from './renewal.ts'
import { hasLostKeys } from './others.ts'
import { renewedOutputsKey } from './outputs-key.ts'
import type { SecretValues } from './ports.ts'
import { calledToken } from './told.ts'
import { isOfNewest, isShowable, nothingKnown, type Judging, type Known } from './turning.ts'

/** What is brought back where the whole Secret was lost, or damaged. */
const lostOutputsKeys = (values: SecretValues, { shown }: Known) =>
  hasLostKeys(values) ? shown?.outputsKeys : undefined

// The newest, the one whose leaf is shown, and one more.
const mostAuthorities = 3

/** The values with everything made anew that is not good; values of other keys stay. */
export async function renewed(values: SecretValues, judging: Judging): Promise<SecretValues> {
  const { now, known } = judging
  const why = renewalOf(values, judging)
  const withTokens = {
    ...values,
    ...tokens(values, why, known),
    ...(why.outputsKey === undefined ? {} : renewedOutputsKey(values, lostOutputsKeys(values, known))),
    ...without(values, why),
  }
  const withAuthority =
    why.authority === undefined
      ? withTokens
      : { ...withTokens, ...(await newAuthority(withTokens, now, known)) }
  const shown = why.leaf === undefined ? undefined : shownPair(withAuthority, why, judging)
  if (shown !== undefined) return { ...withAuthority, ...shown }
  // A new authority signs only what cannot be shown at all without it.
  const then =
    why.authority === undefined ? why : renewalOf(withAuthority, { ...judging, known: nothingKnown })
  if (then.leaf === undefined) return withAuthority
  const names = namesForRenewal(values, judging.names, now)
  return { ...withAuthority, ...(await newLeaf(withAuthority, names, now)) }
}

async function newLeaf(values: SecretValues, names: readonly string[], now: number): Promise<SecretValues> {
  const { mintLeaf } = await import('./authority.ts')
  const pair = await mintLeaf({ authority: authorityOf(values), names, now })
  return { [keys.cert]: pair.cert, [keys.key]: pair.key }
}

/** What is not needed any more, taken out. */
function without(values: SecretValues, { oldAuthorities, oldPath }: Renewal): SecretValues {
  const newest = readCertificate(part(values, 'caBundle'))
  return {
    ...(oldAuthorities === undefined || newest === undefined ? {} : { [keys.caBundle]: bundleOf([newest]) }),
    ...(oldPath === undefined ? {} : { [keys.formerPathToken]: '' }),
  }
}

function tokens(values: SecretValues, why: Renewal, known: Known): SecretValues {
  const { shown } = known
  const macKey = shown === undefined ? randomBytes(32) : Buffer.from(shown.macKey)
  const former = why.pathToken === 'asked for' ? values[keys.pathToken] : calledPath(known)
  const isTurned = why.pathToken !== undefined || why.formerPath !== undefined
  return {
    ...(why.pathToken === undefined ? {} : { [keys.pathToken]: randomBytes(16).toString('hex') }),
    ...(isTurned && former !== undefined ? { [keys.formerPathToken]: former } : {}),
    // One that is lost is brought back: another one would make the stamps of all Actions invalid.
    ...(why.macKey === undefined ? {} : { [keys.macKey]: macKey.toString('base64') }),
  }
}

/** The path by which API servers call us, as far as anybody knows: it is accepted until they call by another. */
function calledPath({ shown, told }: Known): string | undefined {
  const called = calledToken(told) ?? ''
  return isToken(called) ? called : shown?.pathTokens[0]
}

/** A new authority in front of the living ones: what those signed stays trusted. */
async function newAuthority(
  values: SecretValues,
  now: number,
  { shown, told }: Known,
): Promise<SecretValues> {
  const { mintAuthority } = await import('./authority.ts')
  const { cert, key } = await mintAuthority({ name: 'tidewaiter', now })
  const former = [values[keys.caBundle], shown?.caBundle, ...(told ?? []).map(({ caBundle }) => caBundle)]
  const living = former.flatMap((bundle) => livingAuthorities(bundle ?? '', now))
  const signed = [values[keys.cert], shown?.cert].map((pem) => readCertificate(pem ?? ''))
  const isNeeded = (one: X509Certificate) => signed.some((leaf) => leaf?.verify(one.publicKey) === true)
  const first = living.toSorted((a, b) => Number(isNeeded(b)) - Number(isNeeded(a)))
  return { [keys.caBundle]: bundleOf([cert, ...first]), [keys.caKey]: key }
}

/** Each authority once, as PEM. */
function bundleOf(authorities: readonly (X509Certificate | string)[]): string {
  const pems = authorities.map((one) => one.toString().trimEnd())
  return `${[...new Set(pems)].slice(0, mostAuthorities).join('\n')}\n`
}

/** What is shown, with its authority, where the newest authority may not sign a leaf for the Secret yet. */
function shownPair(values: SecretValues, why: Renewal, judging: Judging): SecretValues | undefined {
  const { now, known } = judging
  const { shown, isTrusted } = known
  if (shown === undefined || !isShowable(shown, judging)) return undefined
  const isOfIt = isOfNewest({ ...values, [keys.cert]: shown.cert })
  if (why.authority === undefined && (isTrusted || isOfIt)) return undefined
  const leaf = readCertificate(shown.cert)
  const [newest] = readBundle(part(values, 'caBundle'))
  const living = [shown.caBundle, part(values, 'caBundle')].flatMap((one) => livingAuthorities(one, now))
  const issuers = living.filter((one) => leaf?.verify(one.publicKey))
  return {
    [keys.cert]: shown.cert,
    [keys.key]: shown.key,
    [keys.caBundle]: bundleOf([...(newest === undefined ? [] : [newest]), ...issuers, ...living]),
  }
}

/** The newest authority, which has the key. */
function authorityOf(values: SecretValues): Pair {
  const newest = readCertificate(part(values, 'caBundle'))
  const key = values[keys.caKey]
  if (newest === undefined || key === undefined)
    throw new TypeError('a leaf was to be minted before its authority')
  return { cert: newest.toString(), key }
}
