/** Which records are kept: a ring for each namespace, and a time to live. */

/** Most records of a namespace. */
export const mostDecisions = 500
/** A record is kept so long after its newest decision, milliseconds. */
export const keepDecisionsMs = 7 * 24 * 3_600_000

/** When a record was last counted up, milliseconds since the epoch; NaN if it does not say. */
export type Aged = { readonly lastAt: number }

/** The records that are too old or too many, the oldest first; one that does not say how old it is counts as the oldest. */
export function outOfRing<R extends Aged>(records: readonly R[], now: number): readonly R[] {
  const ageOf = ({ lastAt }: Aged) => (Number.isFinite(lastAt) ? lastAt : 0)
  const oldestFirst = [...records].sort((a, b) => ageOf(a) - ageOf(b))
  const tooMany = oldestFirst.length - mostDecisions
  return oldestFirst.filter((record, i) => i < tooMany || now - ageOf(record) > keepDecisionsMs)
}
