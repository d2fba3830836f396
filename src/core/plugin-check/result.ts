/** What a check of a plugin's image found: the stuff of a condition, of a line in a table, of a warning. */
import { imageChecks } from '../../api/velero-plugin.ts'

/** One of the checks, named as its condition is. */
export type ImageCheck = (typeof imageChecks)[number]

/** One finding. */
export type CheckResult = {
  readonly check: ImageCheck
  /** Undefined: it could not be found out. Never taken for a yes. */
  readonly ok: boolean | undefined
  /** CamelCase, as the reason of a condition. */
  readonly reason: string
  readonly message: string
}

/** The results in order; a check that was not made is undecided, and says which one came before it. */
export function inOrder(results: readonly CheckResult[]): readonly CheckResult[] {
  const blocking = imageChecks.find((check) =>
    results.some((one) => one.check === check && one.ok !== true && check !== 'TagUnmoved'),
  )
  return imageChecks.map((check) => results.find((one) => one.check === check) ?? notMade(check, blocking))
}

/** The reason of a check that was not made: mostly because another one comes first. */
export const notChecked = 'NotChecked'

const notMade = (check: ImageCheck, blocking: ImageCheck | undefined): CheckResult => ({
  check,
  ok: undefined,
  reason: notChecked,
  message: blocking === undefined ? 'not looked at yet' : `not looked at: ${blocking} comes first`,
})

/** That the reference can be read: a plugin is declared only if it can. */
export const referenceValid = (image: string): CheckResult => ({
  check: 'ReferenceValid',
  ok: true,
  reason: 'Valid',
  message: `it is read as ${image}`,
})
