/** Whose signature an image needs: a row for each kind of demand. */
import type { CheckResult } from '../plugin-check/result.ts'

/** What an install may demand. */
export type SignatureDemand = 'NotRequired'

const demands: Readonly<Record<SignatureDemand, Omit<CheckResult, 'check'>>> = {
  NotRequired: { ok: true, reason: 'NotRequired', message: 'no signature is required' },
}

/** Judges the signatures of an image. */
export const signatureVerified = (demand: SignatureDemand): CheckResult => ({
  check: 'SignatureVerified',
  ...demands[demand],
})
