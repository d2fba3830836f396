/** Several processes, and processes that die: the file stays whole. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import type { Test } from 'tap'
import { plainNode } from '../../support/plain-node.ts'
import { aStore, everything, hourMs, newYear, record } from './support.ts'
import { whenThorough } from '../../support/runs.ts'

/** Starts a process that inserts; `said` are the batches that are in. */
function inserting(t: Test, path: string, batches: number) {
  const script = join(import.meta.dirname, 'insert-forever.ts')
  const child: ChildProcess = spawn('env', [...plainNode, script, path, String(batches)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const said: number[] = []
  const reached = Promise.withResolvers<void>()
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said.push(...text.trim().split('\n').map(Number))
    if (said.length >= 15) reached.resolve()
  })
  return { child, said, reached: reached.promise, ended: once(child, 'exit') }
}

/** What is wrong inside of the file, as SQLite itself and its search index see it. */
function problemsOf(path: string): readonly unknown[] {
  const db = new DatabaseSync(path)
  const found = db.prepare('PRAGMA integrity_check').all()
  db.exec("INSERT INTO search (search) VALUES ('integrity-check')")
  db.close()
  return found.map((row) => Object.values(row)[0])
}

const all = { sight: 'every', filter: {}, from: newYear, to: newYear + 20 * hourMs, bucketHours: 24 } as const

t.test(
  'two processes write the same records into one file: each is there once, and counted once',
  async (t) => {
    const { store, path } = await aStore(t)
    const both = [inserting(t, path, 40), inserting(t, path, 40)]
    for (const { ended } of both) t.same(await ended, [0, null])
    t.equal((await store.extent()).records, 800)
    t.same((await store.page(everything)).total, { count: 800, is: 'exactly' })
    // 780 of them were decided three times, the last 20 once.
    t.match((await store.stats(all)).buckets, [{ verdicts: { Refused: 780 * 3 + 20 } }])
    await store.close()
    t.same(problemsOf(path), ['ok'])
  },
)

t.test(
  'a process that is killed while it writes loses at most the batch it was at',
  whenThorough,
  async (t) => {
    const { store, path } = await aStore(t)
    await store.insert([record(100_000, { at: 100 })])
    await store.close()
    for (let round = 0; round < 3; round++) {
      const { child, said, reached, ended } = inserting(t, path, 1_000_000)
      await reached
      child.kill('SIGKILL')
      await ended
      t.same(problemsOf(path), ['ok'])
      const again = await aStore(t, { path })
      t.equal(again.rebuilt(), 0)
      const { records } = await again.store.extent()
      const batches = (records - 1) / 20
      t.ok(Number.isInteger(batches), `${records} records: all of a batch or nothing`)
      t.ok(batches >= said.length, `${batches} batches of ${said.length} that were said`)
      t.equal((await again.store.page(everything)).total.count, records)
      await again.store.close()
    }
  },
)
