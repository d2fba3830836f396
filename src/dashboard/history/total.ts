/** How many records a filter finds in all: from the sums where they know it, else counted as far as is quick. */
import { searchedWith, type Conditions } from './conditions.ts'
import { hourOf, spanStart } from './sums.ts'
import { facets, summedFacets } from './schema.ts'
import { endsOf, type Statements } from './statements.ts'
import type { Filter, PageQuery, Sight, Total } from './store.ts'
import { wordOf } from './words.ts'

const mostCounted = 10_000
// A longer span is summed up by days.
const longestInHours = 14 * 86_400_000

type Asked = {
  readonly query: PageQuery
  readonly conditions: Conditions
  /** What the search index was asked, if it was. */
  readonly match: string | undefined
  /** How many of the records that were looked into answered the question. */
  readonly share: number
}

/** The total of a page that is not the whole. */
export function totalOf(statements: Statements, { query, conditions, match, share }: Asked): Total {
  if (match !== undefined) return matching(statements, conditions, match)
  const total = withoutText(statements, query, conditions)
  if (query.filter.text === undefined) return total
  const is = total.is === 'at least' ? 'at least' : 'about'
  return { count: Math.round(total.count * share), is }
}

function withoutText(statements: Statements, { filter, sight }: PageQuery, conditions: Conditions): Total {
  const others = facets.filter((facet) => summed(facet) === undefined && filter[facet] !== undefined)
  if (others.length > 0) return counted(statements, conditions)
  const { from, to } = spanOf(statements, filter)
  const span = to - from > longestInHours ? 24 : 1
  const { where, values } = sumConditions(statements, filter, sight)
  const sql = `SELECT sum(records) AS records FROM sums WHERE span = ? AND hour >= ? AND hour <= ?${where}`
  const row = statements.get(sql, span, spanStart(hourOf(from), span), hourOf(to), ...values)
  const whole = filter.from === undefined && filter.to === undefined
  return { count: Number(row?.['records'] ?? 0), is: whole ? 'exactly' : 'about' }
}

/** The part of a span in which there are records. */
function spanOf(statements: Statements, { from = 0, to = Number.MAX_SAFE_INTEGER }: Filter) {
  const { oldest, newest } = endsOf(statements) ?? { oldest: 0, newest: 0 }
  return { from: Math.max(from, oldest), to: Math.min(to - 1, newest) }
}

const summed = (facet: string) => summedFacets.find((one) => one === facet)

/** Conditions on the tables of sums, by those facets that a table has. */
export function sumConditions(statements: Statements, filter: Filter, sight: Sight) {
  const wanted = summedFacets.flatMap((facet) => {
    const text = filter[facet]
    return text === undefined ? [] : [{ facet, id: wordOf(statements, facet, text)?.id ?? -1 }]
  })
  const seen = sight === 'every' ? [] : sight.map((name) => wordOf(statements, 'namespace', name)?.id ?? -1)
  return {
    where: [
      ...wanted.map(({ facet }) => ` AND ${facet} = ?`),
      ...(sight === 'every' ? [] : [' AND namespace IN (SELECT value FROM json_each(?))']),
    ].join(''),
    values: [...wanted.map(({ id }) => id), ...(sight === 'every' ? [] : [JSON.stringify(seen)])],
  }
}

function counted(statements: Statements, { from, where, values }: Conditions): Total {
  const sql = `SELECT count(*) AS records FROM (SELECT 1 FROM ${from} WHERE ${where} LIMIT ${mostCounted})`
  return upTo(Number(statements.get(sql, ...values)?.['records'] ?? 0), 'exactly')
}

/** What the index finds; it may find a few too many. */
function matching(statements: Statements, conditions: Conditions, match: string): Total {
  const { sql, values } = searchedWith(conditions, match)
  const counting = `SELECT count(*) AS records FROM (SELECT 1 ${sql} LIMIT ${mostCounted})`
  return upTo(Number(statements.get(counting, ...values)?.['records'] ?? 0), 'about')
}

const upTo = (count: number, is: Total['is']): Total => ({
  count,
  is: count < mostCounted ? is : 'at least',
})
