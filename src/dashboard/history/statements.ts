/** Prepared statements of one connection, each made once. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'

// Filters are combined in a few hundred ways; a statement takes some KiB.
const mostKept = 300

/** A row as SQLite gives it. */
export type SqlRow = Readonly<Record<string, SQLInputValue>>

// Asked for both at once, SQLite would read the whole table: the shortcut to an end is for one of them.
const ends =
  'SELECT (SELECT min(position) FROM decision) AS oldest, (SELECT max(position) FROM decision) AS newest'

/** The places of the oldest and the newest record, if there is any. */
export function endsOf(
  statements: Statements,
): { readonly oldest: number; readonly newest: number } | undefined {
  const row = statements.get(ends)
  return typeof row?.['oldest'] === 'number'
    ? { oldest: row['oldest'], newest: Number(row['newest']) }
    : undefined
}

/** A text in a row; empty if there is none. */
export function textIn(row: SqlRow | undefined, column: string): string {
  const value = row?.[column]
  return typeof value === 'string' ? value : ''
}

/** The statements of a connection. */
export class Statements {
  readonly db: DatabaseSync
  readonly #kept = new Map<string, StatementSync>()

  constructor(db: DatabaseSync) {
    this.db = db
  }

  /** The statement of this text. */
  of(sql: string): StatementSync {
    const known = this.#kept.get(sql)
    if (known !== undefined) {
      this.#kept.delete(sql)
      this.#kept.set(sql, known)
      return known
    }
    const made = this.db.prepare(sql)
    this.#kept.set(sql, made)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > mostKept && oldest !== undefined) this.#kept.delete(oldest)
    return made
  }

  run(sql: string, ...values: readonly SQLInputValue[]): number {
    return Number(this.of(sql).run(...values).changes)
  }

  /** Adds a row and gives its id. RETURNING would make a temporary table each time: ten times as slow. */
  add(sql: string, ...values: readonly SQLInputValue[]): number {
    return Number(this.of(sql).run(...values).lastInsertRowid)
  }

  get(sql: string, ...values: readonly SQLInputValue[]): SqlRow | undefined {
    return this.of(sql).get(...values)
  }

  all(sql: string, ...values: readonly SQLInputValue[]): readonly SqlRow[] {
    return this.of(sql).all(...values)
  }

  /** Does all of it or none; nobody else writes meanwhile. */
  atomically<T>(work: () => T): T {
    return this.#within('BEGIN IMMEDIATE', work)
  }

  /** Reads one state of the file, whatever is written meanwhile. */
  atOneMoment<T>(work: () => T): T {
    return this.#within('BEGIN', work)
  }

  #within<T>(begin: string, work: () => T): T {
    this.db.exec(begin)
    try {
      const result = work()
      this.db.exec('COMMIT')
      return result
    } catch (error) {
      // A full disk or a damaged file may have ended the transaction already.
      if (this.db.isTransaction) this.db.exec('ROLLBACK')
      throw error
    }
  }
}
