/** Sums over time for charts and tiles, from the hourly sums: the decisions themselves are not read. */
import { HistoryError, type Bucket, type Stats, type StatsQuery } from './store.ts'
import type { SqlRow, Statements } from './statements.ts'
import { hourOf, quantileOf, spanStart, startOf } from './sums.ts'
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

function gather(statements: Statements, query: StatsQuery): Stats {
  const buckets = new Map<number, Gathered>()
  const all = new Map<number, number>()
  const bucketOf = (row: SqlRow): Gathered => {
    const start = spanStart(Number(row['hour']), query.bucketHours)
    const known = buckets.get(start) ?? { verdicts: new Map(), took: new Map() }
    buckets.set(start, known)
    return known
  }
  const words = new Map<number, string>()
  for (const row of sums(statements, query, ['sums', 'verdict'])) {
    const id = Number(row['verdict'])
    const verdict = words.get(id) ?? textOf(statements, id)
    words.set(id, verdict)
    add(bucketOf(row).verdicts, verdict, Number(row['decisions']))
  }
  for (const row of sums(statements, query, ['took', 'most'])) {
    const [most, decisions] = [Number(row['most']), Number(row['decisions'])]
    add(bucketOf(row).took, most, decisions)
    add(all, most, decisions)
  }
  const sorted = [...buckets].sort(([a], [b]) => a - b)
  return { buckets: sorted.map(([start, gathered]) => bucket(start, gathered)), ...quantiles(all) }
}

/** The sums of a table by hour and another column, in the order of its key, so that nothing is sorted. */
function sums(
  statements: Statements,
  { filter, sight, from, to, bucketHours }: StatsQuery,
  [table, column]: readonly ['sums', 'verdict'] | readonly ['took', 'most'],
): readonly SqlRow[] {
  const span = bucketHours % 24 === 0 ? 24 : 1
  const { reason: _reason, ...ofTook } = filter
  const { where, values } = sumConditions(statements, table === 'sums' ? filter : ofTook, sight)
  const sql = `SELECT hour, ${column}, sum(decisions) AS decisions FROM ${table}
    WHERE span = ? AND hour >= ? AND hour <= ?${where} GROUP BY span, hour, ${column}`
  return statements.all(sql, span, spanStart(hourOf(from), span), hourOf(to), ...values)
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
