/** What a filter means in SQL, and from which index it is read best. */
import { facets, type Facet } from './schema.ts'
import type { SQLInputValue } from 'node:sqlite'
import type { Statements } from './statements.ts'
import type { Place } from './cursor.ts'
import type { Filter, Sight } from './store.ts'
import { wordOf, type Word } from './words.ts'

/** A filter and a sight as conditions on `decision`. */
export type Conditions = {
  /** `decision`, with the index to read it from. */
  readonly from: string
  readonly where: string
  /** No more records than this can match. */
  readonly most: number
  /** The first two are the span. */
  readonly values: readonly SQLInputValue[]
  /** The values for what is beyond a place: SQLite would read from the end of the span if the place were a condition of its own. */
  readonly valuesFrom: (place: Place) => readonly SQLInputValue[]
}

type Wanted = { readonly facet: Facet; readonly word: Word }

// Asked at some rows only: a call takes longer than the rest of the row.
const goesOn = 'CASE WHEN decision.position & 15 THEN 1 ELSE goes_on(decision.position) END'

/** The conditions; undefined if nothing can match. */
export function conditionsOf(statements: Statements, filter: Filter, sight: Sight): Conditions | undefined {
  const inSight = sight === 'every' ? undefined : idsOf(statements, sight)
  const filtered = wantedOf(statements, filter)
  if (filtered === undefined || inSight?.length === 0) return undefined
  const { wanted, parts: among } = narrowed(filtered, inSight)
  const rarest = wanted.toSorted((a, b) => a.word.records - b.word.records)[0]
  const { from = 0, to = Number.MAX_SAFE_INTEGER } = filter
  const values = [...wanted.map(({ word }) => word.id), ...among.flatMap((part) => part.values)]
  return {
    most: rarest?.word.records ?? Number.POSITIVE_INFINITY,
    from: `decision ${indexFor(statements, rarest)}`,
    where: [goesOn, span, ...wanted.map(isWanted), ...among.map(({ sql }) => sql)].join(' AND '),
    values: [from, to, ...values],
    valuesFrom: ({ towards, position }) =>
      towards === 'older'
        ? [from, Math.min(to, position), ...values]
        : [Math.max(from, position + 1), to, ...values],
  }
}

/** What is behind SELECT when the search index is asked first; what it finds is looked up in `decision`. */
export const searchedWith = (
  { where, values }: Pick<Conditions, 'where' | 'values'>,
  match: string,
): { readonly sql: string; readonly values: readonly SQLInputValue[] } => ({
  sql: `FROM search CROSS JOIN decision ON decision.position = search.rowid
    WHERE search MATCH ? AND search.rowid >= ? AND search.rowid < ? AND ${where}`,
  values: [match, ...values.slice(0, 2), ...values],
})

const span = 'decision.position >= ? AND decision.position < ?'
const isWanted = ({ facet }: Wanted): string => `decision.${facet} = ?`

/** One namespace in sight is a text like others, with an index; several are looked for in each row. */
function narrowed(wanted: readonly Wanted[], inSight: readonly Word[] | undefined) {
  const [only, ...others] = inSight ?? []
  if (only === undefined) return { wanted, parts: [] }
  if (others.length === 0)
    return { wanted: [...wanted, { facet: 'namespace', word: only } as const], parts: [] }
  const ids = JSON.stringify([only, ...others].map(({ id }) => id))
  return { wanted, parts: [{ sql: 'decision.namespace IN (SELECT value FROM json_each(?))', values: [ids] }] }
}

/** The words of the namespaces in sight that any record has. */
const idsOf = (statements: Statements, namespaces: readonly string[]): readonly Word[] =>
  [...new Set(namespaces)].flatMap((name) => wordOf(statements, 'namespace', name) ?? [])

function wantedOf(statements: Statements, filter: Filter): readonly Wanted[] | undefined {
  const wanted: Wanted[] = []
  for (const facet of facets) {
    const text = filter[facet]
    if (text === undefined) continue
    const word = wordOf(statements, facet, text)
    if (word === undefined) return undefined
    wanted.push({ facet, word })
  }
  return wanted
}

/**
 * SQLite knows nothing of how often a text occurs; we do. An index is worth it for what is rare: from an index every row
 * is looked up, and reading the narrow table in order is five times as fast for a row.
 */
function indexFor(statements: Statements, rarest: Wanted | undefined): string {
  if (rarest === undefined) return 'NOT INDEXED'
  const sql = 'SELECT sum(records) AS records FROM word WHERE facet = 0'
  const all = Number(statements.get(sql)?.['records'] ?? 0)
  return rarest.word.records * 5 < all ? `INDEXED BY decision_${rarest.facet}` : 'NOT INDEXED'
}
