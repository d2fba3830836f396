/** A connection to the history file, and what can be asked of it. */
import type { DatabaseSync } from 'node:sqlite'
import { begin, readGaps } from './chains.ts'
import { exportSome } from './export.ts'
import { failureOf } from './failures.ts'
import { moveDamaged, openToRead, openToWrite } from './file.ts'
import { insertBatch } from './insert.ts'
import type { Answer, Operation, Operations, Request, Task } from './messages.ts'
import { readPage } from './page.ts'
import { recordInSight } from './records.ts'
import { purgeSome, readExtent } from './purge.ts'
import { Statements } from './statements.ts'
import { readStats } from './stats.ts'
import { HistoryError } from './store.ts'

type Answers = {
  readonly [O in Operation]: (asks: Operations[O]['asks']) => Operations[O]['gives']
}

/** Answers one request after another. */
export class Connection {
  readonly #task: Task
  #statements: Statements | undefined
  #current = 0

  constructor(task: Task) {
    this.#task = task
  }

  /** What the file has to say to a request, or why it has nothing to say. */
  answer({ id, operation, asks }: Request): Answer {
    this.#current = id
    try {
      const perform = this.#operations[operation] as (asks: unknown) => unknown
      return { id, gives: perform(asks) }
    } catch (error) {
      const failure = failureOf(error)
      const message = failure instanceof Error ? failure.message : String(failure)
      return { id, failed: { message, ...(failure instanceof HistoryError ? { code: failure.code } : {}) } }
    }
  }

  readonly #goesOn = (): void => {
    if (Atomics.load(this.#task.giveUp, 0) === this.#current)
      throw new HistoryError('CANCELLED', 'the query was given up before it had ended')
  }

  readonly #operations: Answers = {
    open: (now) => this.#open(now),
    close: () => this.#close(),
    rebuild: ({ why, now }) => {
      this.#close()
      const aside = moveDamaged(this.#task.path)
      this.#open(now)
      return `${why}; the damaged one is now ${aside}`
    },
    insert: ({ batch, now }) => insertBatch(this.#opened, batch, now),
    purge: (limits) => purgeSome(this.#opened, limits),
    get: ({ sight, id }) => recordInSight(this.#opened, sight, id),
    page: (query) => readPage(this.#opened, query, this.#goesOn),
    stats: (query) => readStats(this.#opened, query),
    export: (step) => exportSome(this.#opened, step, this.#goesOn),
    extent: () => readExtent(this.#opened),
    gaps: ({ query, now }) => readGaps(this.#opened, query, now),
  }

  #open(now: number): string | undefined {
    const { role, path, maxBytes } = this.#task
    if (role === 'reader') {
      this.#statements = new Statements(this.#withGoesOn(openToRead(path)))
      return undefined
    }
    const { db, aside } = openToWrite(path, maxBytes)
    this.#statements = new Statements(db)
    begin(this.#statements, now)
    return aside
  }

  #close(): undefined {
    const closing = this.#statements
    this.#statements = undefined
    closing?.db.close()
  }

  get #opened(): Statements {
    if (this.#statements === undefined)
      throw new HistoryError('CLOSED', 'the history file must be open, got it closed')
    return this.#statements
  }

  #withGoesOn(db: DatabaseSync): DatabaseSync {
    db.function('goes_on', { varargs: true }, () => {
      this.#goesOn()
      return 1
    })
    return db
  }
}
