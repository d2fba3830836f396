import t from 'tap'
import { questionOf, Tally } from '../../../src/dashboard/history/search.ts'
import { aStore, everything, idsOf, record, records } from './support.ts'

t.test('parts of words are found, whatever their case and width; every word must occur', async (t) => {
  const { store } = await aStore(t)
  await store.insert([
    ...records(3),
    record(10, { last: { message: 'Replica lag 40 s on Node-7' } }),
    record(11, { last: { message: 'ＦＵＬＬ width\ttab\nline' } }),
  ])
  for (const [text, found] of Object.entries({
    eplic: ['uid-10'],
    'REPLICA node-7': ['uid-10'],
    'replica node-8': [],
    'lag 40': ['uid-10'],
    full: ['uid-11'],
    'tab line': ['uid-11'],
    'nightly-11': ['uid-11'],
    'velero:velero': ['uid-11', 'uid-10', 'uid-2', 'uid-1', 'uid-0'],
  }))
    t.same(await idsOf(store, { filter: { text } }), found, text)
})

t.test('what only has the same trigrams is not found', async (t) => {
  const { store } = await aStore(t)
  // More than 2,000, so that the search index is asked and not each record.
  const many = Array.from({ length: 2100 }, (_, n) =>
    record(n, { last: { message: 'abcd bcde', name: 'n' } }),
  )
  await store.insert(many)
  await store.insert([record(5000, { last: { message: 'xabcdey' } })])
  t.same(await idsOf(store, { filter: { text: 'abcde' } }), ['uid-5000'])
  t.same((await store.page({ ...everything, filter: { text: 'abcd' } })).rows.length, 50)
  t.same(await idsOf(store, { filter: { text: 'abcde', user: 'nobody' } }), [])
})

t.test('a text that grew is found by its new words and no more by the old ones', async (t) => {
  const { store } = await aStore(t)
  await store.insert([record(1, { last: { message: 'before' } })])
  await store.insert([record(1, { count: 2, at: 9000, first: 1000, last: { message: 'after' } })])
  t.same(await idsOf(store, { filter: { text: 'before' } }), [])
  t.same(await idsOf(store, { filter: { text: 'after' } }), ['uid-1'])
})

t.test('a text without a word of three characters, or of more than 200, is refused', async (t) => {
  for (const text of ['', '  ', 'ab', 'ab cd', '👩🚀', 'x'.repeat(201)])
    t.throws(() => questionOf(text), { code: 'BAD_QUERY', message: /3 characters/ }, text)
  t.same(questionOf('a "b" Abcd').terms, ['a', '"b"', 'abcd'])
  t.same(questionOf('a "b" Abcd').trigrams, ['"b"', 'abc', 'bcd'])
})

t.test(
  'the index is asked for the rarest trigram of each word, then for the next, as what was looked into tells',
  async (t) => {
    const tally = new Tally(questionOf('abcdefghijk "q"'))
    for (const text of ['abcdef', 'abcdef', 'cdefgh', 'x "q" x']) tally.note(text)
    t.equal(tally.match(), '"ghi" AND """q""" AND "hij" AND "ijk" AND "efg" AND "fgh"')
  },
)
