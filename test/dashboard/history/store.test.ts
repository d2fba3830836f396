import t from 'tap'
import type { Filter, PageQuery } from '../../../src/dashboard/history/store.ts'
import { aStore, everything, exported, hourMs, idsOf, newYear, record, records } from './support.ts'

t.test('a record is one row, however often it repeats; its newest moment is its place', async (t) => {
  const { store } = await aStore(t)
  t.same(await store.insert([record(1), record(2)]), { added: 2, changed: 0, same: 0, left: 0 })
  t.same(await idsOf(store, {}), ['uid-2', 'uid-1'])
  const grown = record(1, { count: 7, at: 60_000, first: 1000 })
  t.same(await store.insert([grown]), { added: 0, changed: 1, same: 0, left: 0 })
  const { rows, total } = await store.page(everything)
  t.match(rows, [
    { id: 'uid-1', attempts: 7, first: newYear + 1000, last: newYear + 60_000 },
    { id: 'uid-2', attempts: 1 },
  ])
  t.same(total, { count: 2, is: 'exactly' })
  t.match(await store.extent(), { records: 2, oldest: newYear + 2000, newest: newYear + 60_000 })
})

t.test('the same state again, or an older one, changes nothing', async (t) => {
  const { store } = await aStore(t)
  const grown = record(1, { count: 3, at: 5000, first: 1000 })
  await store.insert([grown])
  const older = record(1, { count: 2, at: 4000, first: 1000 })
  t.same(await store.insert([grown, older]), { added: 0, changed: 0, same: 2, left: 0 })
  t.same(await store.get('every', 'uid-1'), await reread(grown))
})

t.test(
  'a record that the ring removed while its replica counts on in it is one row, also by its former uid',
  async (t) => {
    const { store } = await aStore(t)
    await store.insert([record(1, { count: 3, at: 3000, first: 1000 })])
    const anew = record(1, { count: 5, at: 5000, first: 1000, version: '77', uid: 'uid-anew' })
    const late = record(1, { count: 3, at: 3000, first: 1000, version: '12' })
    t.same(await store.insert([anew, late]), { added: 0, changed: 1, same: 1, left: 0 })
    const { rows, total } = await store.page(everything)
    t.match(rows, [{ id: 'uid-anew', attempts: 5 }])
    t.same([rows.length, total], [1, { count: 1, is: 'exactly' }])
    const { buckets } = await store.stats({
      sight: 'every',
      filter: {},
      from: newYear,
      to: newYear + hourMs,
      bucketHours: 1,
    })
    t.match(buckets, [{ verdicts: { Refused: 5 } }], 'each decision is counted once')
    for (const uid of ['uid-1', 'uid-anew'])
      t.match(await store.get('every', uid), { status: { count: 5 } }, `${uid} leads to it`)
    t.equal(await store.get(['other'], 'uid-1'), undefined, 'and not out of sight')
  },
)

t.test('two records of one name in two namespaces are two', async (t) => {
  const { store } = await aStore(t)
  const other = record(1, { namespace: 'other', uid: 'uid-other' })
  t.match(await store.insert([record(1), other]), { added: 2 })
})

/** What is kept of a record: everything that was signed. */
const reread = async ({ metadata, spec, status }: ReturnType<typeof record>) => ({
  metadata: {
    name: metadata.name,
    namespace: metadata.namespace,
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
    creationTimestamp: metadata.creationTimestamp,
  },
  spec,
  status,
})

t.test('what has no uid or no time is left out', async (t) => {
  const { store } = await aStore(t)
  const nameless = record(1)
  const timeless = record(2, { last: { time: 'soon' } })
  const bad = [{ ...nameless, metadata: { ...nameless.metadata, uid: '' } }, timeless]
  t.same(await store.insert(bad), { added: 0, changed: 0, same: 0, left: 2 })
  t.same((await store.page(everything)).rows, [])
})

const wanted = record(5, {
  namespace: 'other',
  spec: {
    kind: 'Restore',
    verdict: 'Error',
    reason: 'InternalError',
    schedule: 'weekly',
    action: '20-notify',
    user: 'alice',
  },
  last: { message: 'connection reset' },
})
const filters: Readonly<Record<string, Filter>> = {
  verdict: { verdict: 'Error' },
  kind: { kind: 'Restore' },
  namespace: { namespace: 'other' },
  schedule: { schedule: 'weekly' },
  reason: { reason: 'InternalError' },
  action: { action: '20-notify' },
  user: { user: 'alice' },
  text: { text: 'Connection RESET' },
  'from and to': { from: newYear + 5000, to: newYear + 5001 },
  'all at once': {
    verdict: 'Error',
    kind: 'Restore',
    namespace: 'other',
    schedule: 'weekly',
    reason: 'InternalError',
    action: '20-notify',
    user: 'alice',
    text: 'reset',
    from: newYear,
  },
}

t.test('a filter finds what has it and nothing else', async (t) => {
  const { store } = await aStore(t)
  await store.insert([...records(5), wanted, ...records(5, 6)])
  for (const [name, filter] of Object.entries(filters)) {
    t.same(await idsOf(store, { filter }), ['uid-5'], name)
    t.equal((await exported(store, { filter })).trim().split('\n').length, 1, name)
    t.same(await idsOf(store, { filter: { ...filter, user: 'nobody' } }), [], name)
  }
})

t.test('nobody learns of a namespace that is not in sight', async (t) => {
  const { store } = await aStore(t)
  const mine = record(1, { namespace: 'mine' })
  const also = record(2, { namespace: 'also-mine' })
  const other = record(3, { namespace: 'other', spec: { user: 'carol' } })
  await store.insert([mine, also, other])
  for (const { sight, sees } of [
    { sight: 'every' as const, sees: ['uid-3', 'uid-2', 'uid-1'] },
    { sight: ['mine'], sees: ['uid-1'] },
    { sight: ['mine', 'also-mine', 'nowhere'], sees: ['uid-2', 'uid-1'] },
    { sight: [], sees: [] },
  ]) {
    const { rows, total } = await store.page({ ...everything, sight })
    t.same(
      rows.map(({ id }) => id),
      sees,
    )
    t.equal(total.count, sees.length)
    const counted = await store.stats({ sight, filter: {}, from: newYear, to: newYear, bucketHours: 1 })
    const sum = counted.buckets.flatMap(({ verdicts }) => Object.values(verdicts)).reduce((a, b) => a + b, 0)
    t.equal(sum, sees.length)
    t.equal((await exported(store, { sight })).split('\n').length - 1, sees.length)
    for (const id of ['uid-1', 'uid-2', 'uid-3'])
      t.equal((await store.get(sight, id)) !== undefined, sees.includes(id))
  }
  t.same(await idsOf(store, { sight: ['mine'], filter: { namespace: 'other' } }), [])
  t.same(await idsOf(store, { sight: ['mine', 'also-mine'], filter: { namespace: 'other' } }), [])
  t.same(await idsOf(store, { sight: ['mine'], filter: { user: 'carol' } }), [])
})

t.test('pages follow each other both ways without a gap, while new decisions come', async (t) => {
  const { store } = await aStore(t)
  await store.insert(records(325))
  for (const size of [50, 100, 200] as const) {
    const seen: string[] = []
    let page = await store.page({ ...everything, size })
    t.equal(page.newer, undefined)
    for (let late = 0; ; late++) {
      seen.push(...page.rows.map(({ id }) => id))
      if (page.older === undefined) break
      await store.insert([record(1000 + size * 10 + late)])
      page = await store.page({ ...everything, size, cursor: page.older })
    }
    const old = seen.filter((id) => Number(id.slice(4)) < 1000)
    t.same(
      old,
      records(325)
        .map(({ metadata }) => metadata.uid)
        .toReversed(),
    )
    const back = await store.page({ ...everything, size, cursor: page.newer ?? '' })
    t.same(
      back.rows.map(({ id }) => id),
      seen.slice(-page.rows.length - size, -page.rows.length),
    )
  }
})

t.test('a record that moves to another hour and day is counted once', async (t) => {
  const { store } = await aStore(t)
  await store.insert(records(60))
  await store.insert([record(7, { count: 2, at: 30 * hourMs, first: 7000 })])
  const total = async (filter: Filter) => (await store.page({ ...everything, filter })).total.count
  t.equal(await total({}), 60)
  t.equal(await total({ to: newYear + hourMs }), 59)
})

t.test('decisions of the same millisecond each have a place', async (t) => {
  const { store } = await aStore(t)
  const same = Array.from({ length: 120 }, (_, n) => record(n, { at: 5 }))
  await store.insert(same)
  const first = await store.page(everything)
  const second = await store.page({ ...everything, cursor: first.older ?? '' })
  const third = await store.page({ ...everything, cursor: second.older ?? '' })
  const seen = [first, second, third].flatMap(({ rows }) => rows.map(({ id }) => id))
  t.equal(new Set(seen).size, 120)
  t.equal(third.older, undefined)
  t.ok(
    first.rows.every(({ last }) => last === newYear + 5),
    'the time that is shown stays exact',
  )
})

t.test(
  'a replica whose clock goes back: its record goes back too, and nothing is counted twice',
  async (t) => {
    const { store } = await aStore(t)
    await store.insert([
      record(1, { count: 2, at: 5 * hourMs, first: 4 * hourMs }),
      record(2, { at: 3 * hourMs }),
    ])
    t.same(await idsOf(store, {}), ['uid-1', 'uid-2'])
    await store.insert([record(1, { count: 3, at: hourMs, first: 4 * hourMs })])
    t.same(await idsOf(store, {}), ['uid-2', 'uid-1'])
    const { buckets } = await store.stats({
      sight: 'every',
      filter: {},
      from: newYear,
      to: newYear + 6 * hourMs,
      bucketHours: 1,
    })
    t.match(
      buckets.map(({ start, verdicts }) => [(start - newYear) / hourMs, verdicts]),
      [
        [1, { Refused: 1 }],
        [3, { Refused: 1 }],
        [4, { Refused: 1 }],
        [5, { Refused: 1 }],
      ],
    )
    t.same(
      (await store.page({ ...everything, filter: { from: newYear, to: newYear + 2 * hourMs } })).total.count,
      1,
    )
  },
)

t.test('times that cannot be are kept as they are, in a place of their own', async (t) => {
  const { store } = await aStore(t)
  await store.insert([
    record(1, { last: { time: '9999-12-31T23:59:59Z' } }),
    record(2, { last: { time: '1970-01-01T00:00:00Z' } }),
    record(3),
  ])
  const { rows } = await store.page(everything)
  t.match(rows, [
    { id: 'uid-1', last: Date.UTC(9999, 11, 31, 23, 59, 59) },
    { id: 'uid-3' },
    { id: 'uid-2', last: 0 },
  ])
})

t.test('a total is exact, about or at least: and says which', async (t) => {
  const { store } = await aStore(t)
  await store.insert([
    ...records(60),
    ...Array.from({ length: 60 }, (_, n) => record(100 + n, { at: 3 * hourMs + n, spec: { user: 'alice' } })),
  ])
  const total = async (filter: Filter, more: Partial<PageQuery> = {}) =>
    (await store.page({ ...everything, filter, ...more })).total
  t.same(await total({}), { count: 120, is: 'exactly' })
  t.same(await total({ verdict: 'Refused' }), { count: 120, is: 'exactly' })
  t.same(await total({ from: newYear + 3 * hourMs }), { count: 60, is: 'about' })
  t.same(await total({ user: 'alice' }), { count: 60, is: 'exactly' })
  t.same(await total({ user: 'nobody' }), { count: 0, is: 'exactly' })
  t.same(await total({ text: 'nightly' }), { count: 120, is: 'about' })
  t.same(await total({ text: 'nightly-7' }), { count: 1, is: 'exactly' })
})

const hostile: Readonly<Record<string, string>> = {
  'an end of the statement': `'; DROP TABLE decision; --`,
  'words of the search index': `"a" OR NEAR(b c) AND NOT body: *`,
  'a zero byte': 'zero\u0000byte',
  'half a character': 'a\ud800b',
  'an emoji and accents': 'café 👩‍🚀 ünïcode',
  'from right to left': '\u202egnp.exe',
  markup: '<script>alert(1)</script>',
  JSON: '{"a": [1, "\\"]}',
  'a long text': 'x'.repeat(1000),
  nothing: '',
}

t.test('whatever stands in a field is kept, found and exported as it is', async (t) => {
  const { store } = await aStore(t)
  const texts = Object.entries(hostile)
  const all = texts.map(([, text], n) => {
    const spec = {
      replica: text,
      webhook: text,
      operation: text,
      kind: text,
      schedule: text,
      reason: text,
      action: text,
      user: text,
    }
    return record(n, { spec, last: { message: text, name: text, uid: text, run: text, request: text } })
  })
  await store.insert(all)
  const whole = JSON.parse(await exported(store, { form: 'json' }))
  const lines = (await exported(store)).trimEnd().split('\n')
  for (const [n, [name, text]] of texts.entries()) {
    for (const facet of ['kind', 'schedule', 'reason', 'action', 'user'] as const)
      t.same(await idsOf(store, { filter: { [facet]: text } }), [`uid-${n}`], `${name} in ${facet}`)
    t.match(
      (await store.page({ ...everything, filter: { user: text } })).rows,
      [{ message: text, name: text, user: text, schedule: text, replica: text }],
      name,
    )
    if (text.length > 2 && text.length < 200)
      t.same(await idsOf(store, { filter: { text } }), [`uid-${n}`], `${name} as a text`)
    t.equal(whole[n].status.last.message, text, name)
    t.equal(JSON.parse(lines[n] ?? '').status.last.message, text, name)
  }
  await exported(store, { form: 'csv' })
  t.equal((await store.page(everything)).rows.length, texts.length, 'nothing was dropped')
})

const cursors: Readonly<Record<string, string>> = {
  'no cursor': '',
  'another letter': 'x12',
  'no number': 'o',
  'a number that is too large': 'ozzzzzzzzzzz',
  'more digits': 'o1234567890123',
  SQL: "o1' OR 1=1",
  'a line': 'o1\n',
  'a long one': 'o'.repeat(100_000),
}

t.test('a page of another size, and an export of another form, are refused', async (t) => {
  const { store } = await aStore(t)
  for (const size of [0, -1, 51, 1e9, Number.NaN])
    await t.rejects(store.page({ ...everything, size: size as 50 }), {
      code: 'BAD_QUERY',
      message: /50 or 100 or 200/,
    })
  await t.rejects(exported(store, { form: 'xml' as 'csv' }), {
    code: 'BAD_QUERY',
    message: /csv, ndjson, json/,
  })
})

t.test('a cursor that no page gave is refused with what to do', async (t) => {
  const { store } = await aStore(t)
  for (const [name, cursor] of Object.entries(cursors))
    await t.rejects(
      store.page({ ...everything, cursor }),
      { code: 'BAD_QUERY', message: /an earlier page gave/ },
      name,
    )
})
