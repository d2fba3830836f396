/** The texts of facets, each kept once, with the number of records that carry it. */
import { facets, summedFacets, type Facet } from './schema.ts'
import { textIn, type Statements } from './statements.ts'

/** The ids of the texts of one record. */
export type Coded = Readonly<Record<Facet, number>>

/** A text of a facet, and how many records have it. */
export type Word = { readonly id: number; readonly records: number }

/** The word of a text; undefined if no record ever had it. */
export function wordOf(statements: Statements, facet: Facet, text: string): Word | undefined {
  const sql = 'SELECT id, records FROM word WHERE facet = ? AND text = ?'
  const row = statements.get(sql, facets.indexOf(facet), text.toWellFormed())
  return row === undefined ? undefined : { id: Number(row['id']), records: Number(row['records']) }
}

/** The text of an id. */
export const textOf = (statements: Statements, id: number): string =>
  textIn(statements.get('SELECT text FROM word WHERE id = ?', id), 'text')

/** The words of one transaction: their numbers are written once, at its end. */
export class Words {
  readonly #statements: Statements
  readonly #ids = new Map<string, number>()
  readonly #deltas = new Map<number, number>()

  constructor(statements: Statements) {
    this.#statements = statements
  }

  /** The ids of the texts, made if they are new. */
  coded(texts: Readonly<Record<Facet, string>>): Coded {
    const ids = facets.map((facet) => [facet, this.#idOf(facet, texts[facet])] as const)
    return Object.fromEntries(ids) as Coded
  }

  /** Notes that a record with these came (1) or went (-1). */
  count(coded: Coded, delta: 1 | -1): void {
    for (const facet of facets) {
      const id = coded[facet]
      this.#deltas.set(id, (this.#deltas.get(id) ?? 0) + delta)
    }
  }

  /** Writes the numbers down, and forgets texts that nobody has any more and that no sum refers to. */
  flush(): void {
    for (const [id, delta] of this.#deltas)
      if (delta !== 0) this.#statements.run('UPDATE word SET records = records + ? WHERE id = ?', delta, id)
    const forget = `DELETE FROM word WHERE records <= 0 AND facet >= ${summedFacets.length} AND id IN (SELECT value FROM json_each(?))`
    this.#statements.run(forget, JSON.stringify([...this.#deltas.keys()]))
  }

  #idOf(facet: Facet, text: string): number {
    const key = `${facet} ${text}`
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    const sql = 'INSERT INTO word (facet, text, records) VALUES (?, ?, 0)'
    const found = wordOf(this.#statements, facet, text)
    const id = found?.id ?? this.#statements.add(sql, facets.indexOf(facet), text.toWellFormed())
    this.#ids.set(key, id)
    return id
  }
}
