/** Deadlines, and threads that die. */
import { setImmediate } from 'node:timers/promises'
import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import type { Clock } from '../../../src/clock.ts'
import { Lanes } from '../../../src/dashboard/history/lanes.ts'
import { openToRead } from '../../../src/dashboard/history/file.ts'
import { readPage } from '../../../src/dashboard/history/page.ts'
import { exportSome } from '../../../src/dashboard/history/export.ts'
import { Statements } from '../../../src/dashboard/history/statements.ts'
import { HistoryError } from '../../../src/dashboard/history/store.ts'
import { Thread } from '../../../src/dashboard/history/thread.ts'
import { systemClock } from '../../../src/system-clock.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { aStore, everything, idsOf, record, records } from './support.ts'

t.test('a query over its deadline is given up and says so; the next one is answered', async (t) => {
  let impatient = false
  const clock: Clock = {
    ...systemClock,
    abortAfter: (ms) => systemClock.abortAfter(impatient ? 0 : ms),
  }
  const { store } = await aStore(t, { clock })
  await store.insert(records(100))
  impatient = true
  await t.rejects(store.page(everything), { code: 'SLOW', message: /shorter span of time or a rarer word/ })
  impatient = false
  t.equal((await idsOf(store, {})).length, 50)
})

t.test('a statement ends inside of SQLite once nobody waits, whatever it finds', async (t) => {
  const { store, path } = await aStore(t)
  await store.insert(records(3000))
  const db = openToRead(path)
  t.teardown(() => db.close())
  const statements = new Statements(db)
  let asked = 0
  const givenUp = () => {
    if (++asked > 3) throw new HistoryError('CANCELLED', 'given up')
  }
  db.function('goes_on', { varargs: true }, () => {
    givenUp()
    return 1
  })
  const many = { kind: 'Backup', text: 'nightly' } as const
  for (const ask of [
    () => readPage(statements, { ...everything, filter: many }, givenUp),
    () => readPage(statements, { ...everything, sight: ['velero'], filter: { verdict: 'Refused' } }, givenUp),
    () => exportSome(statements, { ...everything, form: 'csv', after: 0, written: 0 }, givenUp),
  ]) {
    asked = 0
    t.throws(ask, { code: 'CANCELLED' })
    t.ok(asked < 10, `asked ${asked} times`)
    t.notOk(db.isTransaction)
  }
})

t.test('a statement that finds nothing ends inside of SQLite too', async (t) => {
  const { store, path } = await aStore(t)
  const user = (n: number) => ({ user: n % 2 === 0 ? 'alice' : 'bob', reason: n % 2 === 0 ? 'A' : 'B' })
  await store.insert(Array.from({ length: 500 }, (_, n) => record(n, { at: n, spec: user(n) })))
  const db = openToRead(path)
  t.teardown(() => db.close())
  let asked = 0
  db.function('goes_on', { varargs: true }, () => {
    if (++asked > 3) throw new HistoryError('CANCELLED', 'given up')
    return 1
  })
  const filter = { user: 'alice', reason: 'B' }
  t.throws(() => readPage(new Statements(db), { ...everything, filter }, () => {}), { code: 'CANCELLED' })
})

t.test('a thread that dies fails what it was asked, and another takes its place', async (t) => {
  const { store, path } = await aStore(t)
  await store.insert(records(10))
  const thread = new Thread({ role: 'reader', path, maxBytes: 2 ** 30 })
  t.teardown(() => thread.end())
  await thread.ask('open', 0)
  t.ok(thread.isOpen)
  // So many that it cannot have answered all of them before it goes.
  const asked = Array.from({ length: 2_000 }, () => thread.ask('extent', undefined))
  for (const one of asked) one.catch(() => {})
  await thread.end()
  await t.rejects(Promise.all(asked), { code: 'UNAVAILABLE', message: /started anew, try again/ })
  t.notOk(thread.isOpen)
  const lanes = new Lanes([thread], systemClock, (one) => one.ask('open', 0))
  t.match(await lanes.ask('extent', undefined, { ms: 60_000 }), { records: 10 })
})

/** A thread that answers when it is told to. */
class SlowThread {
  isOpen = true
  givenUp = 0
  readonly asked: PromiseWithResolvers<unknown>[] = []
  readonly ask = async () => {
    const answer = Promise.withResolvers<unknown>()
    this.asked.push(answer)
    return answer.promise
  }
  readonly giveUp = () => void this.givenUp++
}

t.test('who waits too long in the line is told; the thread is free only when it has answered', async (t) => {
  const clock = new FakeClock()
  const thread = new SlowThread()
  const lanes = new Lanes([thread as unknown as Thread], clock, async () => {})
  const ask = (ms: number, signal?: AbortSignal) =>
    lanes.ask('extent', undefined, signal === undefined ? { ms } : { ms, signal }).then(
      () => 'answered',
      (error: unknown) => (error instanceof HistoryError ? error.code : String(error)),
    )
  const left = new AbortController()
  const [first, second, third, fourth] = [ask(1000), ask(2000), ask(60_000, left.signal), ask(60_000)]
  await clock.pass(1000)
  t.equal(await first, 'SLOW')
  t.equal(thread.givenUp, 1)
  await clock.pass(1000)
  t.equal(await second, 'SLOW')
  left.abort(new Error('left'))
  t.equal(await third, 'Error: left')
  t.equal(thread.asked.length, 1, 'nobody else is asked while the thread works')
  thread.asked[0]?.reject(new HistoryError('CANCELLED', 'given up'))
  await setImmediate()
  t.equal(thread.asked.length, 2)
  thread.asked[1]?.resolve({})
  t.equal(await fourth, 'answered')
  t.equal(clock.waiting, 0)
})

t.test('a line that is too long takes no more', async (t) => {
  const thread = new SlowThread()
  const lanes = new Lanes([thread as unknown as Thread], new FakeClock(), async () => {})
  const stop = new AbortController()
  const waiting = Array.from({ length: 257 }, () =>
    lanes.ask('extent', undefined, { ms: 1000, signal: stop.signal }).catch(() => {}),
  )
  await t.rejects(lanes.ask('extent', undefined, { ms: 1000 }), { code: 'BUSY', message: /at most 256/ })
  stop.abort()
  await Promise.all(waiting)
})

t.test('the file is open for reading only where it is read', async (t) => {
  const { store, path } = await aStore(t)
  await store.insert(records(1))
  const db = openToRead(path)
  t.throws(() => db.exec('DELETE FROM decision'), /readonly/)
  db.close()
  const other = new DatabaseSync(path, { readOnly: true })
  t.match(other.prepare('SELECT count(*) AS n FROM decision').get(), { n: 1 })
  other.close()
})
