/** Numbers that are in no record: removed, or gone with the ring. */
import type { AuditedDecision } from './audit-log.ts'
import { numbered, type Finding } from './finding.ts'
import type { ChainInput, Known } from './known.ts'
import { common, contains, missingUpTo, union, withSeq, type Seqs } from './seqs.ts'

/** Clocks of replicas differ, and a decision is written a while after it is made. */
const slackMs = 120_000

/** What is missing, as far as the records and the audit log know that it was. */
export function gaps(input: ChainInput, known: Known): readonly Finding[] {
  const { seqs, lost, waiting, most } = known
  const here = union(seqs, lost)
  const missing = missingUpTo(most, union(here, waiting))
  const { young, old } = byAge(missing, known.times, input.horizon + slackMs)
  const about = `replica ${input.replica}`
  const { fresh, due } = unwritten(input, known)
  return [
    ...numbered(young, {
      sort: 'wrong',
      code: 'Removed',
      about,
      words: 'are in no record, and are too young to have left the ring: somebody removed them',
    }),
    ...numbered(old, {
      sort: 'unseen',
      code: 'LeftRing',
      about,
      words: 'are in no record: they left the ring, or were removed; here the two look the same',
    }),
    ...numbered(without(without(common(waiting, [[1, most]]), here), due), {
      sort: 'unseen',
      code: 'NotYet',
      about,
      words:
        'were still to be written when the replica last wrote: a moment later they are there, unless it was killed',
    }),
    ...numbered(due, {
      sort: 'wrong',
      code: 'Missing',
      about,
      words:
        'are in the audit log and in no record: the tail was cut, or the replica was killed before it wrote them',
    }),
    ...numbered(fresh, {
      sort: 'unseen',
      code: 'NotYet',
      about,
      words: 'are in the audit log and too young to be missed in the records',
    }),
  ]
}

/** A decision was not made before one with a smaller number: by that it is told whether a missing one can have left the ring. */
function byAge(
  missing: Seqs,
  times: Known['times'],
  horizon: number,
): { readonly young: Seqs; readonly old: Seqs } {
  const known = [...times].filter(([, at]) => !Number.isNaN(at)).sort(([a], [b]) => a - b)
  const young: [number, number][] = []
  const old: [number, number][] = []
  let notBefore = Number.NEGATIVE_INFINITY
  let next = 0
  const pass = (upTo: number) => {
    for (let one = known[next]; one !== undefined && one[0] <= upTo; one = known[next]) {
      notBefore = Math.max(notBefore, one[1])
      next += 1
    }
  }
  for (const [from, to] of missing) {
    for (let start = from; start <= to;) {
      pass(start)
      // Up to the next one whose time is known.
      const end = Math.min(to, (known[next]?.[0] ?? to + 1) - 1)
      ;(notBefore > horizon ? young : old).push([start, end])
      start = end + 1
    }
  }
  return { young: union(young, []), old: union(old, []) }
}

/**
 * What the audit log has and no record: beyond the last word of the records, or still to be written by that word. Such a word
 * stands for ever, so it excuses nothing for longer than writing takes.
 */
function unwritten(
  { audited, horizon, now }: ChainInput,
  { seqs, lost, waiting, most }: Known,
): { readonly fresh: Seqs; readonly due: Seqs } {
  const missing = audited.filter(({ seq }) => seq > most || (contains(waiting, seq) && !contains(seqs, seq)))
  const fresh = missing.filter(({ seq, at }) => seq > most && at > now - slackMs)
  const due = missing.filter(({ at }) => at <= now - slackMs && at > horizon + slackMs)
  return { fresh: seqsOf(fresh), due: without(seqsOf(due), lost) }
}

const seqsOf = (of: readonly AuditedDecision[]): Seqs =>
  [...new Set(of.map(({ seq }) => seq))].sort((a, b) => a - b).reduce<Seqs>(withSeq, [])

/** The first numbers without the second. */
export const without = (seqs: Seqs, others: Seqs): Seqs =>
  common(seqs, missingUpTo(seqs.at(-1)?.[1] ?? 0, others))
