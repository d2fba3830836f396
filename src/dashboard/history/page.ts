/** One page of decisions: read from where the last one ended, never by counting rows. */
import { conditionsOf, searchedWith, type Conditions } from './conditions.ts'
import type { SQLInputValue } from 'node:sqlite'
import { cursorOf, placeOf, type Place } from './cursor.ts'
import { answering, type GoesOn } from './records.ts'
import { rowOf } from './rows.ts'
import { questionOf, Tally, type Question } from './search.ts'
import type { Statements } from './statements.ts'
import { HistoryError, pageSizes, type DecisionRow, type Page, type PageQuery } from './store.ts'
import { totalOf } from './total.ts'

type Found = { readonly position: number; readonly row: DecisionRow }

/** The page; throws a HistoryError for a cursor or a text that cannot be. */
export function readPage(statements: Statements, query: PageQuery, goesOn: GoesOn): Page {
  const { filter, sight, size } = query
  if (!pageSizes.includes(size))
    throw new HistoryError('BAD_QUERY', `a page must have ${pageSizes.join(' or ')} rows, got ${size}`)
  const place: Place =
    query.cursor === undefined
      ? { towards: 'older', position: Number.MAX_SAFE_INTEGER }
      : placeOf(query.cursor)
  const question = filter.text === undefined ? undefined : questionOf(filter.text)
  return statements.atOneMoment(() => {
    const conditions = conditionsOf(statements, filter, sight)
    if (conditions === undefined) return { rows: [], total: { count: 0, is: 'exactly' } }
    const tally = question === undefined ? undefined : new Tally(question)
    const reading = { statements, conditions, question, tally, goesOn }
    const { found, ...how } = read(reading, place, size + 1)
    const rows = found.slice(0, size)
    const more = found.length > size
    const ordered = place.towards === 'older' ? rows : rows.toReversed()
    const isWhole = query.cursor === undefined && !more
    const share = question === undefined ? 1 : found.length / Math.max(1, how.looked)
    return {
      rows: ordered.map(({ row }) => row),
      ...cursorsOf(ordered, { more, place, first: query.cursor === undefined }),
      total: isWhole
        ? { count: rows.length, is: 'exactly' }
        : totalOf(statements, { query, conditions, match: how.match, share }),
    }
  })
}

type Edge = { readonly more: boolean; readonly place: Place; readonly first: boolean }

/** Where it goes on. A page that was reached by a cursor has something on the side that it was reached from. */
function cursorsOf(rows: readonly Found[], { more, place, first }: Edge): Pick<Page, 'older' | 'newer'> {
  const newest = rows[0]?.position ?? place.position
  const oldest = rows.at(-1)?.position ?? place.position
  const hasOlder = place.towards === 'newer' || more
  const hasNewer = place.towards === 'older' ? !first : more
  return {
    ...(hasOlder ? { older: cursorOf({ towards: 'older', position: oldest }) } : {}),
    ...(hasNewer ? { newer: cursorOf({ towards: 'newer', position: newest }) } : {}),
  }
}

// A record is looked into in 30 us: so many cost 6 ms, and of a text that a quarter has they fill a page of 50.
const mostLooked = 200
// Where the rest of a filter leaves so few, looking into all of them is quicker than a frequent text in the search index.
const fewEnough = 2000

type Reading = {
  readonly statements: Statements
  readonly conditions: Conditions
  readonly question: Question | undefined
  /** What the records that are looked into teach about the text. */
  readonly tally: Tally | undefined
  readonly goesOn: GoesOn
}

/** What was found, of how many that were looked into; `match` is what the search index was asked, if it was. */
type Read = { readonly found: readonly Found[]; readonly looked: number; readonly match?: string }

/**
 * At most `most` records beyond a place, the nearest first. A text that is frequent is met soon, reading record after
 * record; for one that is not, the search index goes on, which then has few to look up.
 */
function read(reading: Reading, place: Place, most: number): Read {
  const { question, tally, conditions } = reading
  const all = question === undefined || conditions.most <= fewEnough
  const limits = { most, looked: all ? Number.POSITIVE_INFINITY : mostLooked }
  const near = look(reading, queryOf(reading, place), limits)
  if (near.end === undefined || tally === undefined) return near
  const match = tally.match()
  const rest = { most: most - near.found.length, looked: Number.POSITIVE_INFINITY }
  const far = look(
    { ...reading, tally: undefined },
    searchOf(reading, match, { ...place, position: near.end }),
    rest,
  )
  return { found: [...near.found, ...far.found], looked: near.looked + far.looked, match }
}

type Query = { readonly sql: string; readonly values: readonly SQLInputValue[] }
type Limits = { readonly most: number; readonly looked: number }

/** Looks into what a query gives; `end` is where it stopped because it had looked into enough. */
function look({ statements, question, tally, goesOn }: Reading, { sql, values }: Query, limits: Limits) {
  const found: Found[] = []
  let looked = 0
  for (const row of statements.of(sql).iterate(...values)) {
    goesOn()
    looked++
    const position = Number(row['position'])
    const record = answering(statements, Number(row['id']), { question, tally })
    if (record !== undefined) found.push({ position, row: rowOf(record) })
    if (found.length === limits.most) break
    if (looked === limits.looked) return { found, looked, end: position }
  }
  return { found, looked }
}

const columns = 'SELECT decision.position, decision.id'
const orders = { older: 'DESC', newer: 'ASC' } as const

function queryOf({ conditions }: Reading, { towards, position }: Place): Query {
  const { from, where } = conditions
  const sql = `${columns} FROM ${from} WHERE ${where} ORDER BY decision.position ${orders[towards]}`
  return { sql, values: conditions.valuesFrom({ towards, position }) }
}

function searchOf({ conditions }: Reading, match: string, { towards, position }: Place): Query {
  const { where, valuesFrom } = conditions
  const { sql, values } = searchedWith({ where, values: valuesFrom({ towards, position }) }, match)
  return { sql: `${columns} ${sql} ORDER BY search.rowid ${orders[towards]}`, values }
}
