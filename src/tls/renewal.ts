/** The rules by which each part of the Secret is kept or made anew. They mint nothing. */
import { certificateState, fits, readCertificate } from './certificate.ts'
import { authorityShare, isToken, isVouchedFor, macKeyOf, part, type Renewal } from './material.ts'
import { outputsKeyRenewal } from './outputs-key.ts'
import type { SecretValues } from './ports.ts'
import { dueLeaf, isTurning, isUnknownPath, leftover, untrusted, type Judging } from './turning.ts'

/** Judges what the Secret holds for a service that is called by `names`. */
export function renewalOf(values: SecretValues, judging: Judging): Renewal {
  const { names, now, known } = judging
  const asked = known.isTurnAsked && !isTurning(values) ? 'asked for' : undefined
  const path = part(values, 'pathToken')
  return {
    authority: authorityRenewal(values, now) ?? asked,
    leaf: leafRenewal(values, names, now) ?? untrusted(values, judging) ?? dueLeaf(values, judging),
    pathToken: isToken(path) ? asked : absent(path),
    formerPath: isUnknownPath(values, known) ? 'API servers call by it' : undefined,
    macKey: macKeyOf(values)?.length === 32 ? undefined : absent(part(values, 'macKey')),
    outputsKey: outputsKeyRenewal(values),
    ...leftover(values, known),
  }
}

const absent = (value: string): string => (value === '' ? 'missing' : 'garbage')

/** Whether nothing has to be made. */
export const isGood = (renewal: Renewal): boolean => Object.values(renewal).every((why) => why === undefined)

function authorityRenewal(values: SecretValues, now: number): string | undefined {
  const pem = part(values, 'caBundle')
  const authority = readCertificate(pem)
  const state = certificateState(pem, now)
  if (authority === undefined || state.state !== 'valid')
    return state.state === 'garbage' ? absent(pem) : state.state
  if (!authority.ca || !fits(part(values, 'caKey'), authority)) return 'its key is not there or does not fit'
  return state.expiresInMs <= state.lifetimeMs * authorityShare ? 'near its end' : undefined
}

function leafRenewal(values: SecretValues, names: readonly string[], now: number): string | undefined {
  const pem = part(values, 'cert')
  const leaf = readCertificate(pem)
  const state = certificateState(pem, now, names)
  if (leaf === undefined || state.state !== 'valid')
    return state.state === 'garbage' ? absent(pem) : state.state
  if (!fits(part(values, 'key'), leaf)) return 'its key is not there or does not fit'
  return isVouchedFor(leaf, values, now) ? undefined : 'signed by no authority of the bundle'
}
