import { execFileSync } from 'node:child_process'
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import { aStore, everything, exported, idsOf, isThere, newYear, record, records } from './support.ts'
import { whenThorough } from '../../support/runs.ts'

t.test('what was written is there after a restart', async (t) => {
  const { store, path, log } = await aStore(t)
  await store.insert(records(10))
  await store.close()
  await t.rejects(store.page(everything), { code: 'CLOSED' })
  const again = await aStore(t, { path })
  t.equal((await idsOf(again.store, {})).length, 10)
  t.same([...log.lines, ...again.log.lines], [])
  t.equal(again.rebuilt(), 0)
})

t.test('a file of another program is moved aside, whole, and never overwritten', async (t) => {
  const path = join(t.testdir(), 'history.db')
  for (const n of [1, 2]) {
    const other = new DatabaseSync(path)
    other.exec(`CREATE TABLE precious (n); INSERT INTO precious VALUES (${n})`)
    other.close()
    const { store, log, rebuilt } = await aStore(t, { path })
    t.match(log.entries, [{ level: 'error', fields: { why: /another program.*foreign-/ } }])
    t.equal(rebuilt(), 1)
    await store.insert(records(1))
    await store.close()
    const aside = new DatabaseSync(`${path}.foreign-${n}`)
    t.match(aside.prepare('SELECT n FROM precious').get(), { n })
    aside.close()
    execFileSync('rm', [path])
  }
})

t.test('a file that is no database, or of another version, is moved aside and said', async (t) => {
  const path = join(t.testdir(), 'history.db')
  writeFileSync(path, 'these are the notes of somebody\n'.repeat(1000))
  const first = await aStore(t, { path })
  t.match(first.log.entries, [{ fields: { why: /damaged.*file is not a database.*foreign-1/ } }])
  t.match(readFileSync(`${path}.foreign-1`, 'utf8'), /^these are the notes/)
  await first.store.insert(records(3))
  await first.store.close()
  const later = new DatabaseSync(path)
  later.exec('PRAGMA user_version = 99')
  later.close()
  const second = await aStore(t, { path })
  t.match(second.log.entries, [{ fields: { why: /another version of tidewaiter.*99, wanted 2/ } }])
  t.same((await second.store.page(everything)).rows, [])
})

t.test(
  'an empty file is a new one; a folder that is missing is made; a file in the way is told',
  async (t) => {
    const folder = t.testdir({ 'empty.db': '', way: 'a file' })
    const empty = await aStore(t, { path: join(folder, 'empty.db') })
    await empty.store.insert(records(1))
    t.same(empty.log.lines, [])
    const deep = await aStore(t, { path: join(folder, 'a', 'b', 'history.db') })
    await deep.store.insert(records(1))
    await t.rejects(aStore(t, { path: join(folder, 'way', 'history.db') }), {
      message: /EEXIST|ENOTDIR|not a directory/,
    })
  },
)

/** Overwrites a part of a file with noise. */
function damage(path: string, from: number, to: number): void {
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.alloc(to - from, 0x5a), 0, to - from, from)
  closeSync(file)
}

t.test('a damaged file is moved aside when it is opened', async (t) => {
  const { store, path } = await aStore(t)
  await store.insert(records(2000))
  await store.close()
  damage(path, 8192, statSync(path).size)
  const again = await aStore(t, { path })
  t.match(again.log.entries, [{ level: 'error', fields: { why: /damaged.*history.db.damaged/ } }])
  t.equal(again.rebuilt(), 1)
  t.ok(isThere(`${path}.damaged`))
  t.same((await again.store.page(everything)).rows, [])
})

t.test('damage that is met while it runs: said, the file is replaced once, and it goes on', async (t) => {
  const { store, path } = await aStore(t)
  await store.insert(records(3000))
  await store.close()
  const { store: again, log, rebuilt } = await aStore(t, { path })
  t.equal((await idsOf(again, {})).length, 50)
  // All but the first pages, on which opening depends.
  damage(path, 40 * 8192, statSync(path).size)
  const asked = [
    exported(again),
    exported(again),
    again.get('every', 'uid-1500'),
    again.get('every', 'uid-17'),
  ]
  const failed = (await Promise.allSettled(asked)).filter(({ status }) => status === 'rejected')
  t.ok(failed.length > 0)
  for (const one of failed) t.match(one, { reason: { code: 'DAMAGED', message: /rebuilt from the cluster/ } })
  t.equal(rebuilt(), 1)
  t.match(log.entries.at(-1), { message: 'the history begins anew', fields: { why: /history.db.damaged/ } })
  t.same(await again.insert(records(5)), { added: 5, changed: 0, same: 0, left: 0 })
  t.equal((await idsOf(again, {})).length, 5)
})

t.test('of several damaged files the largest is kept: it holds most', whenThorough, async (t) => {
  const { store, path } = await aStore(t)
  await store.insert(records(2000))
  await store.close()
  const size = statSync(path).size
  for (const count of [0, 10]) {
    damage(path, 8192, statSync(path).size)
    const again = await aStore(t, { path })
    await again.store.insert(records(count))
    await again.store.close()
  }
  t.equal(statSync(`${path}.damaged`).size, size)
})

t.test('a file at its limit: said, what is there can be read, and a purge makes room', async (t) => {
  const { store } = await aStore(t, { maxBytes: 2 ** 20 })
  let full: unknown
  let n = 0
  for (; full === undefined && n < 100; n++)
    full = await store.insert(records(100, n * 100)).then(() => undefined, String)
  t.match(full, /full, or the file has reached its limit.*database or disk is full/)
  await t.rejects(store.insert(records(100, n * 100)), { code: 'FULL' })
  const { records: before, bytes } = await store.extent()
  t.equal(before, (n - 1) * 100, 'a batch that failed left nothing')
  t.ok(bytes <= 2 ** 20)
  t.equal((await idsOf(store, {})).length, 50)
  const removed = await store.purge({ now: newYear, maxDays: 90, maxBytes: 2 ** 20 })
  t.ok(removed > 0 && removed < before, `${removed} of ${before} removed`)
  await store.insert(records(100, n * 100))
  t.equal((await store.extent()).records, before - removed + 100)
})

t.test('a disk that is really full: said and survived', whenThorough, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tidewaiter-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    t.comment('a disk of a size can be mounted by root only: left out')
    return
  }
  const { store } = await aStore(t, { path: join(folder, 'history.db') })
  let full: unknown
  let n = 0
  for (; full === undefined && n < 100; n++)
    full = await store.insert(records(50, n * 50)).then(
      () => undefined,
      (error: unknown) => error,
    )
  t.match(full, { code: 'FULL', message: /nothing is added until there is room/ })
  t.equal((await idsOf(store, {})).length, 50)
  execFileSync('mount', ['-o', 'remount,size=8m', folder])
  t.match(await store.insert([record(99_999)]), { added: 1 })
  t.same((await idsOf(store, {})).slice(0, 1), ['uid-99999'])
  await store.close()
  execFileSync('umount', ['-l', folder])
})
