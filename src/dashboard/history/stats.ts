/** Sums over time for charts and tiles, from the hourly sums: the decisions themselves are not read. */
import { HistoryError, type Bucket, type Stats, type StatsQuery } from './store.ts'
import type { Statements } from './statements.ts'
import { hourOf, quantileOf, startOf } from './sums.ts'
import { sumConditions } from './total.ts'
import { textOf } from './words.ts'

const mostBuckets = 1000

type Gathered = { readonly verdicts: Map<string, number>; readonly took: Map<number, number> }

/** The sums of a span. */
export function readStats(statements: Statements, query: StatsQuery): Stats {
  const { from, to, bucketHours } = query
  const hours = hourOf(to) - hourOf(from) + 1
  if (!(bucketHours >= 1) || !Number.isInteger(bucketHours) || !(hours / bucketHours <= mostBuckets))
    throw new HistoryError(
      'BAD_QUERY',
      `a span must have at most ${mostBuckets} buckets of whole hours, got ${hours} hours in buckets of ${bucketHours}; take larger buckets`,
    )
  return statements.atOneMoment(() => gather(statements, query))
}

function gather(statements: Statements, { filter, sight, from, to, bucketHours }: StatsQuery): Stats {
  const { where, values } = sumConditions(statements, filter, sight)
  const asked = [hourOf(from), hourOf(to), ...values]
  const buckets = new Map<number, Gathered>()
  const all = new Map<number, number>()
  const bucketOf = (hour: number): Gathered => {
    const start = Math.floor(hour / bucketHours) * bucketHours
    const known = buckets.get(start) ?? { verdicts: new Map(), took: new Map() }
    buckets.set(start, known)
    return known
  }
  const hourly = `SELECT hour, verdict, sum(decisions) AS decisions FROM hourly WHERE hour >= ? AND hour <= ?${where} GROUP BY hour, verdict`
  const words = new Map<number, string>()
  for (const row of statements.all(hourly, ...asked)) {
    const id = Number(row['verdict'])
    const verdict = words.get(id) ?? textOf(statements, id)
    words.set(id, verdict)
    add(bucketOf(Number(row['hour'])).verdicts, verdict, Number(row['decisions']))
  }
  const took = `SELECT hour, most, sum(decisions) AS decisions FROM took WHERE hour >= ? AND hour <= ?${where} GROUP BY hour, most`
  for (const row of statements.all(took, ...asked)) {
    const [most, decisions] = [Number(row['most']), Number(row['decisions'])]
    add(bucketOf(Number(row['hour'])).took, most, decisions)
    add(all, most, decisions)
  }
  const sorted = [...buckets].sort(([a], [b]) => a - b)
  return { buckets: sorted.map(([start, gathered]) => bucket(start, gathered)), ...quantiles(all) }
}

const add = <K>(counts: Map<K, number>, key: K, more: number): void => {
  if (more > 0) counts.set(key, (counts.get(key) ?? 0) + more)
}

const bucket = (hour: number, { verdicts, took }: Gathered): Bucket => ({
  start: startOf(hour),
  verdicts: Object.fromEntries(verdicts),
  ...quantiles(took),
})

function quantiles(took: ReadonlyMap<number, number>): { readonly p50?: number; readonly p95?: number } {
  const [p50, p95] = [quantileOf(took, 0.5), quantileOf(took, 0.95)]
  return p50 === undefined || p95 === undefined ? {} : { p50, p95 }
}
