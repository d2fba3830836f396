/**
 * What a reader has seen of one chain, and so what it knows to be missing. It sees only what is there when it looks: records
 * leave the ring while it is away. The numbers of a chain have no gaps, so a hole between two of them is known to have been.
 */
import type { AdmissionDecision, DecisionStatus } from '../../api/admission-decision.ts'
import { without } from './gaps.ts'
import { common, seqsIn, sizeOf, union, type Seqs } from './seqs.ts'

/** Numbers that were seen. Times are milliseconds: the first was made at `firstAt` at the latest, the last at `lastAt` at the earliest. */
export type Stretch = {
  readonly from: number
  readonly to: number
  readonly firstAt: number
  readonly lastAt: number
}

/** What is known of one chain; a value that can be kept as JSON. */
export type Coverage = {
  /** Ascending; they neither touch nor overlap. */
  readonly seen: readonly Stretch[]
  /** When the decision after `floor` was made at the earliest. */
  readonly since: number
  /** Numbers up to this are settled: what was missing of them is in `settled`. */
  readonly floor: number
  readonly settled: readonly Missing[]
  /** Numbers that could not be recorded, says the replica itself. */
  readonly lost: Seqs
  /** The newest number that the chain is known to have, and when it was there. */
  readonly most: number
  readonly mostAt: number
  /** Numbers that were still to be written, by the newest word of the replica, and when that was heard. */
  readonly waiting: Seqs
  readonly heard: number
}

/** Decisions that were made after one moment and before another, and are in no record that was read. */
export type Missing = {
  readonly decisions: number
  readonly after: number
  readonly before: number
  /** `LeftRing`: gone before they were read; `Lost`: never recorded, as the replica says. */
  readonly why: 'LeftRing' | 'Lost'
}

// Holes so close together are told as one: records of several Schedules leave the ring one by one.
const nearMs = 5 * 60_000
/** What is so young may only not have been written, or not have been read yet. */
const slackMs = 2 * 60_000
const mostStretches = 2000
const mostSettled = 50

/** What is known with one more state of a record, heard of at `now`. */
export function covered(before: Coverage | undefined, record: AdmissionDecision, now: number): Coverage {
  const { status } = record
  const stretches = stretchesOf(status)
  const { seq, since, lost = '', waiting = '' } = status.chain
  const began = Date.parse(since)
  const known: Coverage = before ?? {
    seen: [],
    since: Number.isNaN(began) ? Date.parse(status.first.time) : began,
    floor: 0,
    settled: [],
    lost: [],
    most: 0,
    mostAt: 0,
    waiting: [],
    heard: now,
  }
  const { floor, most } = known
  const toCome = seqsIn(waiting) ?? []
  const news = stretches
    .filter(({ to }) => to > floor)
    .map((one) => ({ ...one, from: Math.max(one.from, floor + 1) }))
  return bounded({
    ...known,
    seen: joinedStretches([...known.seen, ...news]),
    lost: union(known.lost, seqsIn(lost) ?? []),
    ...(seq > most ? { most: seq, mostAt: Date.parse(status.last.time), waiting: toCome, heard: now } : {}),
    // The same word again, with less to come.
    ...(seq === most ? { waiting: common(known.waiting, toCome) } : {}),
  })
}

/** The numbers that a record stands for, between the moments that it knows. */
function stretchesOf({ first, recent = [], last, seqs }: DecisionStatus): readonly Stretch[] {
  const marks = [first, ...recent, last]
    .map(({ seq, time }) => ({ seq, at: Date.parse(time) }))
    .filter(({ at }) => Number.isFinite(at))
    .sort((a, b) => a.seq - b.seq)
  return (seqsIn(seqs) ?? []).map(([from, to]) => ({
    from,
    to,
    firstAt: marks.find(({ seq }) => seq >= from)?.at ?? Date.parse(last.time),
    lastAt: marks.findLast(({ seq }) => seq <= to)?.at ?? Date.parse(first.time),
  }))
}

/** Those that touch or overlap as one. */
function joinedStretches(stretches: readonly Stretch[]): readonly Stretch[] {
  const joined: Stretch[] = []
  for (const one of [...stretches].sort((a, b) => a.from - b.from)) {
    const last = joined.at(-1)
    if (last === undefined || one.from > last.to + 1) joined.push(one)
    else
      joined[joined.length - 1] = {
        from: last.from,
        to: Math.max(last.to, one.to),
        firstAt: Math.min(last.firstAt, one.firstAt),
        lastAt: Math.max(last.lastAt, one.lastAt),
      }
  }
  return joined
}

/** Settles the older half of too many holes: what they were is kept, in which numbers they were is not. */
function bounded(coverage: Coverage): Coverage {
  const { seen, settled } = coverage
  if (seen.length <= mostStretches) return coverage
  const half = seen.length >> 1
  const last = seen[half - 1]
  if (last === undefined) return coverage
  const found = holes({ ...coverage, seen: seen.slice(0, half), most: last.to }, [])
  const all = near([...settled, ...found], nearMs)
  return {
    ...coverage,
    seen: seen.slice(half),
    since: last.lastAt,
    floor: last.to,
    settled: all.length > mostSettled ? near(all, Number.POSITIVE_INFINITY) : all,
  }
}

/** What is known at `now` to be missing, oldest first: what was gone before the reader began is only counted. */
export function missingIn(
  coverage: Coverage,
  { now, began }: { readonly now: number; readonly began: number },
): { readonly missing: readonly Missing[]; readonly earlier: number } {
  const { heard, waiting, settled } = coverage
  const toCome = now - heard < slackMs ? waiting : []
  const all = [...settled, ...holes(coverage, toCome)].filter(({ before }) => before <= now - slackMs)
  const earlier = all.filter(({ before }) => before <= began)
  return {
    missing: near(
      all.filter(({ before }) => before > began),
      nearMs,
    ),
    earlier: earlier.reduce((sum, { decisions }) => sum + decisions, 0),
  }
}

/** What is between the stretches, without what is still to come. */
function holes({ seen, since, floor, lost, most, mostAt }: Coverage, toCome: Seqs): readonly Missing[] {
  let before = { to: floor, lastAt: since }
  const end = { from: most + 1, to: most, firstAt: mostAt, lastAt: mostAt }
  return [...seen, end].flatMap((next) => {
    const hole: Seqs = next.from > before.to + 1 ? [[before.to + 1, next.from - 1]] : []
    const times = { after: before.lastAt, before: Math.max(before.lastAt, next.firstAt) }
    before = next
    const parts = [
      { why: 'LeftRing', seqs: without(hole, union(lost, toCome)) },
      { why: 'Lost', seqs: common(hole, lost) },
    ] as const
    return parts.flatMap(({ why, seqs }) =>
      seqs.length === 0 ? [] : [{ decisions: sizeOf(seqs), ...times, why }],
    )
  })
}

/** Those of one reason that are less than so far apart as one. */
function near(all: readonly Missing[], ms: number): readonly Missing[] {
  const joined: Missing[] = []
  for (const one of [...all].sort((a, b) => a.after - b.after)) {
    const at = joined.findLastIndex(({ why }) => why === one.why)
    const last = joined[at]
    if (last === undefined || one.after - last.before >= ms) joined.push(one)
    else
      joined[at] = {
        ...last,
        decisions: last.decisions + one.decisions,
        before: Math.max(last.before, one.before),
      }
  }
  return joined
}
