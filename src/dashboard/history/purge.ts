/** Removes the oldest records, a few at a time, so that what is being written and read meanwhile hardly waits. */
import { forgetChains } from './chains.ts'
import { Hours } from './hours.ts'
import { codedOf } from './insert.ts'
import { recordOf } from './records.ts'
import { endsOf, type Statements } from './statements.ts'
import type { Extent, Limits } from './store.ts'
import { hourOf, spans, spanStart } from './sums.ts'
import { Words } from './words.ts'

const dayMs = 86_400_000
const atOnce = 200
// The rest is for what comes until the next purge, and for the search index while it merges its parts.
const fill = 0.8
// Work on the search index after each step, in pages: the space of what was removed is free only after a merge.
const mergePages = 64
const roomPages = 512

/** What a step did, and whether another is needed. */
export type Purged = { readonly removed: number; readonly more: boolean }

/** One step towards the limits. Removing needs some room itself, which a file at its limit has not. */
export function purgeSome(statements: Statements, limits: Limits): Purged {
  const limit = pragma(statements, 'max_page_count')
  statements.db.exec(`PRAGMA max_page_count = ${limit + roomPages}`)
  try {
    return step(statements, limits)
  } finally {
    statements.db.exec(`PRAGMA max_page_count = ${limit}`)
  }
}

function step(statements: Statements, { now, maxDays, maxBytes }: Limits): Purged {
  const before = now - maxDays * dayMs
  const done = statements.atomically(() => {
    const tooLarge = usedBytes(statements) > maxBytes * fill
    const old = statements.all('SELECT * FROM decision ORDER BY position LIMIT ?', atOnce)
    const gone = tooLarge ? old : old.filter((row) => Number(row['position']) < before)
    remove(statements, gone, now)
    return { removed: gone.length, more: gone.length === atOnce }
  })
  if (done.removed > 0) giveBack(statements)
  return done
}

function remove(
  statements: Statements,
  gone: readonly Readonly<Record<string, unknown>>[],
  now: number,
): void {
  const [words, hours] = [new Words(statements), new Hours(statements)]
  for (const row of gone) {
    const [position, id] = [Number(row['position']), Number(row['id'])]
    const coded = codedOf(row)
    const record = recordOf(statements, id)
    words.count(coded, -1)
    if (record !== undefined) hours.record(coded, Date.parse(record.status.last.time), -1)
    statements.run('DELETE FROM decision WHERE position = ?', position)
    statements.run('DELETE FROM record WHERE id = ?', id)
    statements.run('DELETE FROM former WHERE id = ?', id)
    statements.run('DELETE FROM search WHERE rowid = ?', position)
  }
  const newest = gone.at(-1)?.['position']
  if (newest === undefined) return
  words.flush()
  hours.flush()
  // What is older does not come back when the cluster is read again. A time that is yet to come would shut out everything.
  const horizon = Math.min(Number(newest), now) + 1
  statements.run('UPDATE horizon SET position = max(position, ?)', horizon)
  forgetChains(statements, horizon)
  const hour = hourOf(endsOf(statements)?.oldest ?? horizon)
  for (const table of ['sums', 'took'])
    for (const span of spans)
      statements.run(`DELETE FROM ${table} WHERE span = ? AND hour < ?`, span, spanStart(hour, span))
}

function giveBack(statements: Statements): void {
  statements.run('INSERT INTO search (search, rank) VALUES (?, ?)', 'merge', mergePages)
  statements.db.exec('PRAGMA incremental_vacuum(256)')
}

const pragma = (statements: Statements, name: string): number =>
  Number(statements.get(`PRAGMA ${name}`)?.[name] ?? 0)

/** The bytes of the file that are in use. */
const usedBytes = (statements: Statements): number =>
  (pragma(statements, 'page_count') - pragma(statements, 'freelist_count')) * pragma(statements, 'page_size')

/** How much is kept, since when and in how many bytes. */
export function readExtent(statements: Statements): Extent {
  return statements.atOneMoment(() => {
    const sums = statements.get('SELECT sum(records) AS records FROM word WHERE facet = 0')
    const bytes = pragma(statements, 'page_count') * pragma(statements, 'page_size')
    const records = Number(sums?.['records'] ?? 0)
    return { records, bytes, ...endsOf(statements) }
  })
}
