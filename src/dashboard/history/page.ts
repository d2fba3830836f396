/** One page of decisions: read from where the last one ended, never by counting rows. */
import { conditionsOf, type Conditions } from './conditions.ts'
import { cursorOf, placeOf, type Place } from './cursor.ts'
import { answering, type GoesOn } from './records.ts'
import { rowOf } from './rows.ts'
import { questionOf, type Question } from './search.ts'
import type { Statements } from './statements.ts'
import type { DecisionRow, Page, PageQuery } from './store.ts'
import { totalOf } from './total.ts'

type Found = { readonly position: number; readonly row: DecisionRow }

/** The page; throws a HistoryError for a cursor or a text that cannot be. */
export function readPage(statements: Statements, query: PageQuery, goesOn: GoesOn): Page {
  const { filter, sight, size } = query
  const place: Place =
    query.cursor === undefined
      ? { towards: 'older', position: Number.MAX_SAFE_INTEGER }
      : placeOf(query.cursor)
  const question = filter.text === undefined ? undefined : questionOf(filter.text)
  return statements.atOneMoment(() => {
    const conditions = conditionsOf(statements, filter, sight)
    if (conditions === undefined) return { rows: [], total: { count: 0, is: 'exactly' } }
    const found = read({ statements, conditions, question, goesOn }, place, size + 1)
    const rows = found.slice(0, size)
    const more = found.length > size
    const ordered = place.towards === 'older' ? rows : rows.toReversed()
    const whole = query.cursor === undefined && !more ? rows.length : undefined
    return {
      rows: ordered.map(({ row }) => row),
      ...cursorsOf(ordered, { more, place, first: query.cursor === undefined }),
      total:
        whole === undefined
          ? totalOf(statements, { query, conditions, question })
          : { count: whole, is: 'exactly' },
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

// Looking into so many records takes as long as the search index needs for a word that all of them have.
const fewEnough = 2000

type Reading = {
  readonly statements: Statements
  readonly conditions: Conditions
  readonly question: Question | undefined
  readonly goesOn: GoesOn
}

/** At most `most` records beyond a place, the nearest first. */
function read(reading: Reading, place: Place, most: number): readonly Found[] {
  const { statements, question, goesOn } = reading
  const { sql, values } = queryOf(reading, place)
  const found: Found[] = []
  for (const row of statements.of(sql).iterate(...values)) {
    goesOn()
    const record = answering(statements, Number(row['id']), question)
    if (record !== undefined) found.push({ position: Number(row['position']), row: rowOf(record) })
    if (found.length === most) break
  }
  return found
}

function queryOf({ conditions, question }: Reading, { towards, position }: Place) {
  const { from, where, values } = conditions
  const [beyond, order] = towards === 'older' ? ['<', 'DESC'] : ['>', 'ASC']
  const columns = 'SELECT decision.position, decision.id FROM'
  if (question === undefined || conditions.most <= fewEnough) {
    const sql = `${columns} ${from} WHERE ${where} AND decision.position ${beyond} ? ORDER BY decision.position ${order}`
    return { sql, values: [...values, position] }
  }
  const sql = `${columns} search CROSS JOIN decision ON decision.position = search.rowid
    WHERE search MATCH ? AND ${where} AND search.rowid ${beyond} ? ORDER BY search.rowid ${order}`
  return { sql, values: [question.match, ...values, position] }
}
