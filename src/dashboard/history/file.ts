/** Opening the history file: ours as it is, a new one if there is none, and anything else moved aside, never overwritten. */
import { closeSync, existsSync, mkdirSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isDamage, isMissing } from './failures.ts'
import { applicationId, chainTables, filePragmas, schemaVersion, tables } from './schema.ts'

// As long as another process may write: a batch takes milliseconds, a checkpoint of a full log a second.
const patienceMs = 5000
const cacheKiB = 32 * 1024
// The log is cut back to this after a checkpoint, so that one large batch does not hold the space for ever.
const largestLogBytes = 32 * 1024 * 1024

/** An open file, and why a former one was moved aside, if one was. */
export type Opened = { readonly db: DatabaseSync; readonly aside?: string }

/** Opens the file for writing; SQLite itself refuses to let it grow over `maxBytes`. */
export function openToWrite(path: string, maxBytes: number): Opened {
  const opened = openOrReplace(path)
  const { db } = opened
  const pages = Math.floor(maxBytes / numberOf(db, 'PRAGMA page_size'))
  db.exec(`PRAGMA max_page_count = ${Math.max(pages, 1)}`)
  return opened
}

function openOrReplace(path: string): Opened {
  mkdirSync(dirname(path), { recursive: true })
  const first = attempt(path)
  if ('db' in first) return first
  const aside = first.isOurs ? moveDamaged(path) : moveForeign(path)
  const second = attempt(path)
  if ('db' in second) return { ...second, aside: `${first.why}; it is now ${aside}` }
  throw new Error(`${path} cannot be made anew: ${second.why}`)
}

/** Opens the file for reading. The writer must have opened it before. */
export function openToRead(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, timeout: patienceMs })
  db.exec(`PRAGMA cache_size = -${cacheKiB}; PRAGMA query_only = ON; PRAGMA temp_store = MEMORY;`)
  return db
}

/** Moves a damaged file aside and says where it is. The largest one is kept: all of them would fill the disk. */
export function moveDamaged(path: string): string {
  const aside = `${path}.damaged`
  if (sizeOf(path) >= sizeOf(aside)) move(path, aside)
  else for (const suffix of suffixes) rmSync(`${path}${suffix}`, { force: true })
  return aside
}

/** Moves a file aside that is somebody else's; what is there already is never touched. */
function moveForeign(path: string): string {
  let number = 1
  while (existsSync(`${path}.foreign-${number}`)) number++
  move(path, `${path}.foreign-${number}`)
  return `${path}.foreign-${number}`
}

// With its log: without it the last transactions would be lost for who looks into it.
const suffixes = ['', '-wal', '-shm']

function move(path: string, aside: string): void {
  for (const suffix of suffixes) {
    rmSync(`${aside}${suffix}`, { force: true })
    if (existsSync(`${path}${suffix}`)) renameSync(`${path}${suffix}`, `${aside}${suffix}`)
  }
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

type Refused = { readonly why: string; readonly isOurs: boolean }

function attempt(path: string): Opened | Refused {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(path, { timeout: patienceMs, defensive: true })
    prepare(db)
    return { db }
  } catch (error) {
    db?.close()
    if (error instanceof Foreign) return { why: error.message, isOurs: false }
    // A table that is missing is as bad as one that cannot be read.
    if (!isDamage(error) && !isMissing(error)) throw error
    return { why: `the history file is damaged (${String(error)})`, isOurs: hasOurId(path) }
  }
}

/** A file that is in order, but not ours. */
class Foreign extends Error {}

function prepare(db: DatabaseSync): void {
  db.exec(filePragmas)
  // FULL would wait for the disk at every batch; NORMAL may lose the last ones when the machine dies, never the file.
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -${cacheKiB};`)
  db.exec(
    `PRAGMA journal_size_limit = ${largestLogBytes}; PRAGMA secure_delete = OFF; PRAGMA temp_store = MEMORY;`,
  )
  db.exec('BEGIN IMMEDIATE')
  try {
    if (isEmpty(db)) db.exec(tables)
    else check(db)
    db.exec(chainTables)
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

/** Whether the header says that the file is ours (https://www.sqlite.org/fileformat.html: bytes 68 to 71). */
function hasOurId(path: string): boolean {
  const header = Buffer.alloc(72)
  const file = openSync(path, 'r')
  try {
    return readSync(file, header) === header.length && header.readUInt32BE(68) === applicationId
  } finally {
    closeSync(file)
  }
}

const numberOf = (db: DatabaseSync, sql: string): number =>
  Number(Object.values(db.prepare(sql).get() ?? {})[0])

const isEmpty = (db: DatabaseSync): boolean =>
  numberOf(db, 'PRAGMA application_id') === 0 && numberOf(db, 'SELECT count(*) FROM sqlite_schema') === 0

function check(db: DatabaseSync): void {
  const id = numberOf(db, 'PRAGMA application_id')
  if (id !== applicationId) throw new Foreign(`the history file was written by another program (id ${id})`)
  const version = numberOf(db, 'PRAGMA user_version')
  if (version !== schemaVersion)
    throw new Foreign(
      `the history file was written by another version of tidewaiter (its tables are of version ${version}, wanted ${schemaVersion})`,
    )
  // Reads the root of each table and the newest pages: damage further down is met, and told, by whoever reads there.
  db.exec(`SELECT max(position) FROM decision; SELECT max(id) FROM record; SELECT max(id) FROM word;
    SELECT count(*) FROM horizon; SELECT max(hour) FROM sums; SELECT rowid FROM search ORDER BY rowid DESC LIMIT 1;`)
}
