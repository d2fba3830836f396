import t from 'tap'
import { quantileOf, sharesOf } from '../../../src/dashboard/history/sums.ts'
import { aStore, hourMs, newYear, record } from './support.ts'

const { status: one } = record(1, { at: 0 })
const hour = newYear / hourMs
const brief = (seq: number, ms: number) => ({
  seq,
  time: new Date(newYear + ms).toISOString(),
  name: 'n',
  milliseconds: 40,
  digest: '',
})

t.test('each decision counts in its own hour, as far as its time is known', async (t) => {
  t.same(sharesOf(undefined, one), [{ hour, decisions: 1, most: 2500 }])
  const grown = record(1, {
    count: 5,
    at: 3 * hourMs,
    first: 0,
    status: { recent: [brief(3, hourMs), brief(4, 2 * hourMs)] },
  }).status
  t.same(sharesOf(one, grown), [
    { hour: hour + 1, decisions: 1, most: 50 },
    { hour: hour + 2, decisions: 1, most: 50 },
    { hour: hour + 3, decisions: 1, most: 2500 },
    { hour: hour + 1, decisions: 1 },
  ])
  t.same(sharesOf(grown, grown), [])
  t.same(sharesOf(grown, one), [])
})

t.test('what was seen at once and what was seen step by step have the same sums', async (t) => {
  const steps = [1, 2, 5, 9].map((count) => record(1, { count, at: count * hourMs, first: hourMs }))
  const query = {
    sight: 'every',
    filter: {},
    from: newYear,
    to: newYear + 20 * hourMs,
    bucketHours: 24,
  } as const
  const { store } = await aStore(t)
  for (const step of steps) await store.insert([step])
  const { store: other } = await aStore(t, { path: `${t.testdirName}/other.db` })
  await other.insert(steps.slice(-1))
  t.match((await store.stats(query)).buckets, [{ start: newYear, verdicts: { Refused: 9 } }])
  t.match((await other.stats(query)).buckets, [{ start: newYear, verdicts: { Refused: 9 } }])
})

t.test('sums are by verdict, and only of what is asked for', async (t) => {
  const { store } = await aStore(t)
  await store.insert([
    record(1, { at: 0 }),
    record(2, {
      at: hourMs,
      spec: { verdict: 'Allowed', reason: 'ActionsSucceeded' },
      last: { milliseconds: 3 },
    }),
    record(3, { at: 2 * hourMs, spec: { kind: 'Restore' }, count: 4 }),
  ])
  const query = {
    sight: 'every',
    filter: {},
    from: newYear,
    to: newYear + 2 * hourMs,
    bucketHours: 2,
  } as const
  t.same(await store.stats(query), {
    buckets: [
      { start: newYear, verdicts: { Refused: 1, Allowed: 1 }, p50: 5, p95: 2500 },
      { start: newYear + 2 * hourMs, verdicts: { Refused: 4 }, p50: 2500, p95: 2500 },
    ],
    p50: 2500,
    p95: 2500,
  })
  const restores = await store.stats({ ...query, filter: { kind: 'Restore' } })
  t.match(restores.buckets, [{ start: newYear + 2 * hourMs, verdicts: { Refused: 4 } }])
  t.same(
    (await store.stats({ ...query, filter: { reason: 'None' } })).buckets.flatMap((b) =>
      Object.keys(b.verdicts),
    ),
    [],
  )
  for (const bad of [
    { bucketHours: 0 },
    { bucketHours: 1.5 },
    { to: newYear + 2000 * hourMs, bucketHours: 1 },
    { to: Number.NaN },
  ])
    await t.rejects(store.stats({ ...query, ...bad }), { code: 'BAD_QUERY', message: /larger buckets/ })
})

t.test('a quantile is the bound below which a share stayed', async (t) => {
  const counts = new Map([
    [100, 1],
    [5, 94],
    [50, 5],
  ])
  t.equal(quantileOf(counts, 0.5), 5)
  t.equal(quantileOf(counts, 0.95), 50)
  t.equal(quantileOf(counts, 1), 100)
  t.equal(quantileOf(new Map(), 0.5), undefined)
})
