import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { ExportForm, ExportQuery } from '../../../src/dashboard/history/store.ts'
import { aStore, exported, idsOf, newYear, record, records } from './support.ts'
import { whenThorough } from '../../support/runs.ts'

const query = (form: ExportForm): ExportQuery => ({ sight: 'every', filter: {}, form })
const textOf = (chunk: Uint8Array | undefined) => new TextDecoder().decode(chunk)
const forever = new AbortController().signal

t.test('an export has all matching records, each once, in the order in which they came', async (t) => {
  const { store } = await aStore(t)
  await store.insert(records(1300))
  const lines = (await exported(store)).trimEnd().split('\n')
  t.same(
    lines.map((line) => JSON.parse(line).metadata.uid),
    records(1300).map(({ metadata }) => metadata.uid),
  )
  const all = JSON.parse(await exported(store, { form: 'json', filter: { from: newYear + 1_200_000 } }))
  t.equal(all.length, 100)
  t.equal((await exported(store, { form: 'csv' })).split('\r\n').length, 1302, 'a head, the lines, an end')
  t.equal(await exported(store, { form: 'json', filter: { user: 'nobody' } }), '[\n]\n')
  t.equal(await exported(store, { form: 'ndjson', filter: { text: 'nowhere' } }), '')
  t.same(JSON.parse(await exported(store, { form: 'json', filter: { text: 'nightly-1299' } })).length, 1)
})

t.test('what repeats while it is exported is there once; what is new is not', whenThorough, async (t) => {
  const { store } = await aStore(t)
  await store.insert(records(1200))
  let text = ''
  for await (const chunk of store.export(query('ndjson'), forever)) {
    text += textOf(chunk)
    const grown = [0, 700, 1100].map((n) =>
      record(n, { count: 2, at: 9_000_000, first: n * 1000, version: 'v2' }),
    )
    await store.insert([...grown, record(5000)])
  }
  const ids = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).metadata.uid as string)
  t.equal(ids.length, 1200)
  t.equal(new Set(ids).size, 1200)
  t.notOk(ids.includes('uid-5000'))
})

t.test('nothing is read before it is asked for: a slow reader fills no memory', whenThorough, async (t) => {
  const { store } = await aStore(t)
  await store.insert(records(1200))
  const reader = store.export(query('ndjson'), forever)[Symbol.asyncIterator]()
  const first = await reader.next()
  await sleep(50)
  await store.purge({ now: newYear + 365 * 86_400_000, maxDays: 1, maxBytes: 2 ** 30 })
  t.equal(
    textOf(first.value as Uint8Array)
      .trimEnd()
      .split('\n').length,
    500,
  )
  let rest = ''
  for (let next = await reader.next(); next.done !== true; next = await reader.next())
    rest += textOf(next.value)
  t.equal(rest, '', 'what was removed meanwhile had not been read')
})

t.test('a reader that stops in the middle leaves nothing behind', async (t) => {
  const { store } = await aStore(t)
  await store.insert(records(1200))
  for (let i = 0; i < 5; i++) for await (const _ of store.export(query('csv'), forever)) break
  const stop = new AbortController()
  const reader = store.export(query('csv'), stop.signal)[Symbol.asyncIterator]()
  await reader.next()
  stop.abort(new Error('the client went away'))
  await t.rejects(reader.next(), { message: 'the client went away' })
  t.equal((await idsOf(store, {})).length, 50)
})

const broken: Readonly<Record<ExportForm, (text: string) => string>> = {
  csv: (text) => text.trimEnd().split('\r\n').at(-1) ?? '',
  ndjson: (text) => JSON.parse(text.trimEnd().split('\n').at(-1) ?? '').error,
  json: (text) => JSON.parse(text).at(-1).error,
}
for (const form of ['csv', 'ndjson', 'json'] as const) {
  const often = form === 'csv' ? {} : whenThorough
  t.test(`an export as ${form} that breaks off says so in its last line`, often, async (t) => {
    const { store, log } = await aStore(t)
    await store.insert(records(1200))
    let text = ''
    for await (const chunk of store.export(query(form), forever)) {
      text += textOf(chunk)
      await store.close()
    }
    t.match(broken[form](text), /EXPORT INCOMPLETE: the history must be open/)
    t.same(log.lines, ['warn an export broke off'])
  })
}

t.test('what is wrong with an export is said before its first byte', async (t) => {
  const { store } = await aStore(t)
  const reader = store.export({ ...query('csv'), filter: { text: 'a' } }, forever)[Symbol.asyncIterator]()
  await t.rejects(reader.next(), { code: 'BAD_QUERY' })
})

t.test('no cell of a CSV is a formula, and each row stays one', async (t) => {
  const { store } = await aStore(t)
  const formulas = [
    '=1+1',
    '+1',
    '-1',
    '@SUM(A1)',
    '\t=1',
    '  =1',
    '=HYPERLINK("http://x","y")',
    'a,"b"\r\nc',
    'a\u0000b',
  ]
  await store.insert(
    formulas.map((text, n) => record(n, { last: { name: text, message: text }, spec: { user: text } })),
  )
  const rows = parseCsv(await exported(store, { form: 'csv' }))
  const [head = [], ...body] = rows
  t.equal(body.length, formulas.length)
  for (const row of body) {
    t.equal(row.length, head.length)
    for (const cell of row) t.notMatch(cell, /^\s*[=+\-@\t\r]/)
  }
  t.equal(body[0]?.[head.indexOf('message')], "'=1+1")
  t.equal(body[7]?.[head.indexOf('message')], 'a,"b"\r\nc')
})

/** RFC 4180, for the test. */
function parseCsv(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [[]]
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? '')
    if (end === '\r\n') rows.push([])
    if (end === '') break
  }
  return rows.slice(0, -1)
}
