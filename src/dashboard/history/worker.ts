/** A thread with a connection to the history file: SQLite never runs on the thread that serves requests. */
import type { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
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

const task = workerData as Task
let statements: Statements | undefined
let current = 0

type Answers = {
  readonly [O in Operation]: (asks: Operations[O]['asks']) => Operations[O]['gives']
}

const operations: Answers = {
  open,
  close,
  rebuild: ({ why, now }) => {
    close()
    const aside = moveDamaged(task.path)
    open(now)
    return `${why}; the damaged one is now ${aside}`
  },
  insert: ({ batch, now }) => insertBatch(opened(), batch, now),
  purge: (limits) => purgeSome(opened(), limits),
  get: ({ sight, id }) => recordInSight(opened(), sight, id),
  page: (query) => readPage(opened(), query, goesOn),
  stats: (query) => readStats(opened(), query),
  export: (step) => exportSome(opened(), step, goesOn),
  extent: () => readExtent(opened()),
  gaps: ({ query, now }) => readGaps(opened(), query, now),
}

function open(now: number): string | undefined {
  if (task.role === 'reader') {
    statements = new Statements(withGoesOn(openToRead(task.path)))
    return undefined
  }
  const { db, aside } = openToWrite(task.path, task.maxBytes)
  statements = new Statements(db)
  begin(statements, now)
  return aside
}

function close(): undefined {
  const closing = statements
  statements = undefined
  closing?.db.close()
}

function opened(): Statements {
  if (statements === undefined)
    throw new HistoryError('CLOSED', 'the history file must be open, got it closed')
  return statements
}

function withGoesOn(db: DatabaseSync): DatabaseSync {
  db.function('goes_on', { varargs: true }, () => {
    goesOn()
    return 1
  })
  return db
}

/** Throws once the request of this moment is given up. */
function goesOn(): void {
  if (Atomics.load(task.giveUp, 0) === current)
    throw new HistoryError('CANCELLED', 'the query was given up before it had ended')
}

function answer({ id, operation, asks }: Request): Answer {
  try {
    const perform = operations[operation] as (asks: unknown) => unknown
    return { id, gives: perform(asks) }
  } catch (error) {
    const failure = failureOf(error)
    const message = failure instanceof Error ? failure.message : String(failure)
    return { id, failed: { message, ...(failure instanceof HistoryError ? { code: failure.code } : {}) } }
  }
}

parentPort?.on('message', (request: Request) => {
  current = request.id
  parentPort?.postMessage(answer(request))
})
