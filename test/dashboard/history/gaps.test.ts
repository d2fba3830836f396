/** What left the cluster while nobody read: told by the numbers of the chains. */
import t from 'tap'
import type { AdmissionDecision } from '../../../src/api/admission-decision.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { aStore, exported, newYear, record } from './support.ts'

const minute = 60_000
const day = 24 * 60 * minute

/** Decision n of a chain, made in minute n of the year, in a record of its own. */
const nth = (n: number, given: { readonly namespace?: string; readonly replica?: string } = {}) => {
  const time = new Date(newYear + n * minute).toISOString()
  const { namespace = 'velero', replica = 'one' } = given
  const chain = { since: new Date(newYear).toISOString(), seq: n, chain: 'd'.repeat(64) }
  const plain = record(n, { namespace, spec: { replica }, at: n * minute, last: { seq: n, time } })
  return {
    ...plain,
    metadata: { ...plain.metadata, uid: `${namespace}-${replica}-${n}` },
    status: { ...plain.status, seqs: String(n), chain },
  }
}

const many = (from: number, to: number, given = {}): readonly AdmissionDecision[] =>
  Array.from({ length: to - from + 1 }, (_, i) => nth(from + i, given))

const all = { sight: 'every', filter: {} } as const

/** A store as of the new year, and its clock a day later. */
async function aHistory(t: Parameters<typeof aStore>[0], path?: string) {
  const clock = new FakeClock(newYear)
  const opened = await aStore(t, { clock, ...(path === undefined ? {} : { path }) })
  await clock.pass(day)
  return { ...opened, clock }
}

t.test(
  'decisions that left the ring before they were read are told with their replica and time',
  async (t) => {
    const { store } = await aHistory(t)
    await store.insert([...many(1, 5), ...many(43, 50)])
    await store.insert(many(1, 9, { replica: 'two' }))
    t.same(await store.gaps(all), {
      gaps: [
        {
          namespace: 'velero',
          replica: 'one',
          decisions: 37,
          after: newYear + 5 * minute,
          before: newYear + 43 * minute,
          why: 'LeftRing',
        },
      ],
      decisions: 37,
      earlier: 0,
      began: newYear,
    })
    await store.insert(many(6, 42))
    t.same((await store.gaps(all)).gaps, [], 'what comes after all fills it')
  },
)

t.test('a gap outlives the process, and what it has read already', async (t) => {
  const path = `${t.testdir()}/history.db`
  const first = await aHistory(t, path)
  await first.store.insert([...many(1, 5), nth(9)])
  await first.store.close()
  const { store } = await aHistory(t, path)
  await store.insert([...many(1, 5), nth(9), nth(10)])
  t.match((await store.gaps(all)).gaps, [{ decisions: 3 }])
})

t.test('what was gone before the history began is no gap in it', async (t) => {
  const clock = new FakeClock(newYear + 60 * minute)
  const { store } = await aStore(t, { clock })
  await clock.pass(day)
  await store.insert([nth(20), nth(50), nth(70)])
  t.match(await store.gaps(all), { gaps: [{ decisions: 19 }], earlier: 19 + 29 })
})

t.test('only gaps in sight, in the namespace and in the span that are asked for are told', async (t) => {
  const { store } = await aHistory(t)
  await store.insert([nth(1), nth(9), nth(1, { namespace: 'other' }), nth(4, { namespace: 'other' })])
  const of = async (query: object) =>
    (await store.gaps({ ...all, ...query })).gaps.map(({ decisions }) => decisions)
  t.same(await of({}), [7, 2])
  t.same(await of({ sight: ['other'] }), [2])
  t.same(await of({ sight: [] }), [])
  t.same(await of({ filter: { namespace: 'velero' } }), [7])
  t.same(await of({ filter: { from: newYear + 5 * minute } }), [7])
  t.same(await of({ filter: { to: newYear + minute } }), [])
})

t.test('what was removed for its age is not missing', async (t) => {
  const { store, clock } = await aHistory(t)
  await store.insert([...many(1, 3), nth(7)])
  t.equal((await store.gaps(all)).decisions, 3)
  await store.purge({ now: clock.now() + 89 * day, maxDays: 89, maxBytes: 2 ** 30 })
  await store.insert(many(2000, 2001))
  t.equal((await store.gaps(all)).gaps.length, 0)
})

t.test('every form of an export ends with what is missing of what it was asked for', async (t) => {
  const { store } = await aHistory(t)
  await store.insert([nth(1), nth(9)])
  const csv = await exported(store, { form: 'csv' })
  t.match(
    csv.trimEnd().split('\r\n').at(-1),
    /^NOT RECORDED: 7 decisions of replica one between 2026-01-01T00:01:00.000Z and 2026-01-01T00:09:00.000Z were not recorded here/,
  )
  const last = (await exported(store)).trimEnd().split('\n').at(-1) ?? ''
  const gap = { replica: 'one', decisions: 7, after: '2026-01-01T00:01:00.000Z', why: 'LeftRing' }
  t.match(JSON.parse(last), { notRecorded: gap })
  t.match(JSON.parse(await exported(store, { form: 'json' })), [{}, {}, { notRecorded: gap }])
  const nothing = { form: 'json', filter: { user: 'nobody' } } as const
  t.match(JSON.parse(await exported(store, nothing)), [{ notRecorded: gap }], 'who they were of is not known')
  t.same(JSON.parse(await exported(store, { ...nothing, gapsIn: [] })), [])
})
