import t from 'tap'
import { openToRead } from '../../../src/dashboard/history/file.ts'
import { keepWithin } from '../../../src/dashboard/history/retention.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { FakeLog } from '../../support/fake-log.ts'
import { aStore, everything, hourMs, idsOf, newYear, record, records } from './support.ts'
import { whenThorough } from '../../support/runs.ts'

const dayMs = 24 * hourMs
const large = 2 ** 30

t.test(
  'what is older than the limit goes, with its sums and its words, and does not come back',
  async (t) => {
    const { store } = await aStore(t)
    const old = Array.from({ length: 450 }, (_, n) => record(n, { at: n * 1000, spec: { user: 'alice' } }))
    await store.insert([...old, record(1000, { at: 10 * dayMs }), record(1001, { at: 10 * dayMs + 1 })])
    const limits = { now: newYear + 12 * dayMs, maxDays: 5, maxBytes: large }
    t.equal(await store.purge(limits), 450)
    t.equal(await store.purge(limits), 0)
    t.same(await idsOf(store, {}), ['uid-1001', 'uid-1000'])
    t.same((await store.page(everything)).total, { count: 2, is: 'exactly' })
    t.same(await idsOf(store, { filter: { user: 'alice' } }), [])
    t.same(await idsOf(store, { filter: { text: 'nightly-44' } }), [])
    const { buckets } = await store.stats({
      sight: 'every',
      filter: {},
      from: newYear,
      to: limits.now,
      bucketHours: 1,
    })
    t.match(buckets, [{ start: newYear + 10 * dayMs, verdicts: { Refused: 2 } }])
    t.match(await store.insert(old), { left: 450 })
    t.match(await store.extent(), { records: 2, oldest: newYear + 10 * dayMs })
    t.match(
      await store.insert([record(5, { count: 9, at: 11 * dayMs })]),
      { added: 1 },
      'one that goes on is news',
    )
  },
)

t.test('a former uid goes with its record', async (t) => {
  const { store, path } = await aStore(t)
  await store.insert([record(1)])
  await store.insert([record(1, { count: 2, at: 2000, uid: 'uid-anew' })])
  t.equal(await store.purge({ now: newYear + 12 * dayMs, maxDays: 5, maxBytes: large }), 1)
  t.same(openToRead(path).prepare('SELECT * FROM former').all(), [])
})

t.test('a clock that was ahead does not shut out what comes after it', async (t) => {
  const { store } = await aStore(t)
  await store.insert([record(1, { at: 1000 * dayMs }), record(2)])
  await store.purge({ now: newYear + 2000 * dayMs, maxDays: 1, maxBytes: large })
  t.same((await store.page(everything)).rows, [])
  t.match(await store.insert([record(3, { at: 1001 * dayMs })]), { added: 1 })
  await store.insert([record(4, { at: 5000 * dayMs })])
  await store.purge({ now: newYear + 1200 * dayMs, maxDays: 1, maxBytes: 1 })
  t.match(
    await store.insert([record(5, { at: 1200 * dayMs + hourMs })]),
    { added: 1 },
    'not even one in the future',
  )
})

t.test('a file over its size loses the oldest, and not many more than it must', async (t) => {
  const { store } = await aStore(t)
  for (let n = 0; n < 6; n++) await store.insert(records(500, n * 500))
  const { bytes } = await store.extent()
  const maxBytes = Math.round(bytes * 0.75)
  const removed = await store.purge({ now: newYear, maxDays: 90, maxBytes })
  const left = await store.extent()
  t.equal(left.records, 3000 - removed)
  t.ok(left.bytes <= maxBytes, `${left.bytes} of ${maxBytes} bytes`)
  t.ok(left.records > 1200, `${left.records} of 3000 are left`)
  t.same(left.oldest, newYear + removed * 1000, 'the oldest went')
  t.equal((await idsOf(store, { filter: { text: `nightly-${removed}` } })).at(-1), `uid-${removed}`)
})

t.test('pages stay right while the oldest are removed', whenThorough, async (t) => {
  const { store } = await aStore(t)
  await store.insert(records(2000))
  const purging = store.purge({ now: newYear + 90 * dayMs + 1_000_000, maxDays: 90, maxBytes: large })
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page = await store.page({ ...everything, size: 200, ...(cursor === undefined ? {} : { cursor }) })
    seen.push(...page.rows.map(({ id }) => id))
    cursor = page.older
  } while (cursor !== undefined)
  t.equal(await purging, 1000)
  const wanted = records(1000, 1000)
    .map(({ metadata }) => metadata.uid)
    .toReversed()
  t.same(seen.slice(0, 1000), wanted)
  t.equal(new Set(seen).size, seen.length)
})

t.test('limits are kept once a minute, also after a failure', async (t) => {
  const clock = new FakeClock()
  const log = new FakeLog()
  const asked: number[] = []
  const answers = [3, new Error('no'), 0]
  const purge = async ({ now }: { readonly now: number }) => {
    asked.push(now - clock.now())
    const answer = answers.shift() ?? 0
    if (typeof answer === 'number') return answer
    throw answer
  }
  const stop = new AbortController()
  const limits = { maxDays: 1, maxBytes: 1 }
  const ended = keepWithin({ store: { purge }, limits, clock, log }, stop.signal)
  await clock.pass(120_000)
  stop.abort()
  await ended
  t.same(asked, [0, 0, 0])
  t.same(log.lines, [
    'info the oldest decisions left the history',
    'warn the history could not be kept within its limits',
  ])
  t.equal(clock.waiting, 0)
})
