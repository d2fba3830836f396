/** The order of a turn: what waits for what, so that whatever is shown or called by is known to the other side before. */
import { certificateState, readBundle, readCertificate, validity } from './certificate.ts'
import { isToken, leafShare, part, pathTokensOf, type Material, type Renewal } from './material.ts'
import type { SecretValues, Told } from './ports.ts'
import { calledToken, carries, trusts } from './told.ts'

/**
 * What a process knows beside the Secret. The order of a turn: a new authority is registered, and signs only when it has been
 * for the overlap; a new path is accepted for the overlap before it is registered. What was before goes an overlap later.
 */
export type Known = {
  /** What it shows. */
  readonly shown: Material | undefined
  /** What API servers are told. */
  readonly told: readonly Told[] | undefined
  readonly isTurnAsked: boolean
  /** For the overlap: the newest authority is in every registration. */
  readonly isTrusted: boolean
  /** For the overlap: the Secret holds a leaf of the newest authority. */
  readonly isTurned: boolean
  /** For the overlap: every registration has the newest path. */
  readonly isCalled: boolean
}

/** Whose Secret is judged, and when. */
export type Judging = { readonly names: readonly string[]; readonly now: number; readonly known: Known }

/** What one knows who has seen nothing yet. */
export const nothingKnown: Known = {
  shown: undefined,
  told: undefined,
  isTurnAsked: false,
  isTrusted: false,
  isTurned: false,
  isCalled: false,
}

/** Whether the newest authority of the bundle signed the leaf. */
export function isOfNewest(values: SecretValues): boolean {
  const newest = readCertificate(part(values, 'caBundle'))
  return newest !== undefined && readCertificate(part(values, 'cert'))?.verify(newest.publicKey) === true
}

/** Whether every webhook is registered with the newest authority of the bundle. */
export function isNewestRegistered(values: SecretValues, told: readonly Told[] | undefined): boolean {
  const newest = readCertificate(part(values, 'caBundle'))?.fingerprint256
  return carries(told, (one) => one.fingerprint256 === newest)
}

/** Whether authorities of before are still to be trusted. */
export const hasFormerAuthorities = (values: SecretValues): boolean =>
  readBundle(part(values, 'caBundle')).length > 1

/** Whether something of before is still in the Secret: until it is gone no other turn begins. */
export const isTurning = (values: SecretValues): boolean =>
  !isOfNewest(values) || hasFormerAuthorities(values) || part(values, 'formerPathToken') !== ''

/** What of before can go. */
export const leftover = (
  values: SecretValues,
  { isTurned, isCalled }: Known,
): Pick<Renewal, 'oldAuthorities' | 'oldPath'> => ({
  oldAuthorities: isTurned && hasFormerAuthorities(values) ? 'not needed' : undefined,
  oldPath: isCalled && part(values, 'formerPathToken') !== '' ? 'not needed' : undefined,
})

/** Whether API servers call by a path that this process accepts, or a start finds, and the Secret does not hold. */
export function isUnknownPath(values: SecretValues, { told, shown }: Known): boolean {
  const called = calledToken(told)
  if (called === undefined || !isToken(called) || pathTokensOf(values).includes(called)) return false
  return shown === undefined ? pathTokensOf(values).length === 0 : shown.pathTokens.includes(called)
}

/** Why a good leaf gives way to what is shown: a Secret that was made anew, or brought back, while API servers trust another. */
export function untrusted(values: SecretValues, judging: Judging): string | undefined {
  const { shown, told } = judging.known
  const cert = part(values, 'cert')
  if (shown === undefined || shown.cert === cert || !isShowable(shown, judging)) return undefined
  return trusts(told, shown.cert) && !trusts(told, cert) ? 'not trusted by API servers yet' : undefined
}

/** Whether what is shown is still worth showing. */
export const isShowable = ({ cert }: Material, { names, now }: Judging): boolean =>
  certificateState(cert, now, names).state === 'valid'

/** Why a good leaf is to be followed by another. A newest authority that API servers do not know yet must not sign it. */
export function dueLeaf(values: SecretValues, { now, known }: Judging): string | undefined {
  const leaf = readCertificate(part(values, 'cert'))
  if (leaf === undefined) return undefined
  if (!isOfNewest(values)) return known.isTrusted ? 'signed by a former authority' : undefined
  const { from, until } = validity(leaf)
  return until - now <= (until - from) * leafShare ? 'near its end' : undefined
}
