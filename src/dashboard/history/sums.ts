/** What a new state of a record adds to the sums of hours: records by their newest moment, decisions by their own. */
import type { DecisionStatus } from '../../api/admission-decision.ts'

const hourMs = 3_600_000

/** The hour of a moment. */
export const hourOf = (ms: number): number => Math.floor(ms / hourMs)
/** Sums are kept of so many hours. */
export const spans = [1, 24] as const
/** The first hour of the span that an hour is in. */
export const spanStart = (hour: number, span: number): number => Math.floor(hour / span) * span
/** The beginning of an hour. */
export const startOf = (hour: number): number => hour * hourMs

/** Upper bounds in milliseconds under which answers are counted; the last one is for all that took longer. */
const bounds = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 15_000, 20_000, 30_000] as const
const longest = 3_600_000

/** The bound of a duration. */
export const boundOf = (milliseconds: number): number =>
  bounds.find((bound) => milliseconds <= bound) ?? longest

/** Decisions of one hour; `most` is the bound of how long they took, undefined where nobody knows. */
export type Share = { readonly hour: number; readonly decisions: number; readonly most?: number }

type Seen = { readonly seq: number; readonly time: string; readonly milliseconds: number }

/** The decisions that a state counts and the former one did not, each in its hour. Those that nobody can date count with the oldest new one. */
export function sharesOf(before: DecisionStatus | undefined, after: DecisionStatus): readonly Share[] {
  const added = after.count - (before?.count ?? 0)
  if (added <= 0) return []
  const news = eventsOf(after)
    .filter(({ seq }) => before === undefined || seq > before.last.seq)
    .slice(-added)
  const dated = news.map(({ time, milliseconds }) => ({
    hour: hourOf(Date.parse(time)),
    decisions: 1,
    most: boundOf(milliseconds),
  }))
  const rest = added - news.length
  if (rest === 0) return dated
  return [...dated, { hour: hourOf(Date.parse((news[0] ?? after.last).time)), decisions: rest }]
}

/** The events that a record still knows, oldest first, each once. */
function eventsOf({ first, recent = [], last }: DecisionStatus): readonly Seen[] {
  const known: readonly Seen[] = [first, ...recent, last]
  const dated = known.filter(({ time }) => Number.isFinite(Date.parse(time)))
  const bySeq = new Map(dated.map((event) => [event.seq, event]))
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq)
}

/** The bound below which a share of the answers stayed; undefined if nothing is known of any. */
export function quantileOf(counts: ReadonlyMap<number, number>, share: number): number | undefined {
  const sorted = [...counts].sort(([a], [b]) => a - b)
  const all = sorted.reduce((sum, [, count]) => sum + count, 0)
  let seen = 0
  for (const [bound, count] of sorted) {
    seen += count
    if (seen >= all * share && all > 0) return bound
  }
  return undefined
}
