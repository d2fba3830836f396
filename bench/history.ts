/**
 * How fast the history of decisions answers while 50 decisions a second go on being written: every page and every filter, as the thread
 * that serves requests sees it. usage: npm run bench -- history [--quick] [--file FILE]
 */
import { statSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Filter, PageQuery } from '../src/dashboard/history/store.ts'
import { decisionOf, namespaces, randomOf } from './history-decisions.ts'
import { all, goals, loaded, path, quick } from './history-file.ts'
import { filtersOf } from './history-filters.ts'
import { machine, median, quantile, table } from './report.ts'

const times = quick ? 20 : 200
const dayMs = 86_400_000

let peak = 0
const noteMemory = () => (peak = Math.max(peak, process.memoryUsage.rss()))

const { store, before, end, seconds } = await loaded()
noteMemory()
const some = (await store.page({ sight: 'every', filter: { to: end - 864e5 }, size: 200 })).rows

// --- 50 decisions a second, one in ten of them a repeat ---

const stop = new AbortController()
const writes: number[] = []
let written = 0
const writing = (async () => {
  while (!stop.signal.aborted) {
    const due = sleep(100)
    const fresh = Array.from({ length: 5 }, () => {
      const n = before + all + written
      const decision = decisionOf(n, { all: n, end: Date.now() })
      const count = written++ % 10 === 0 ? decision.status.count + 1 : decision.status.count
      return { ...decision, status: { ...decision.status, count } }
    })
    const start = performance.now()
    await store.insert(fresh)
    writes.push(performance.now() - start)
    await due
  }
})()

// --- what is asked ---

const random = randomOf(7)
const below = (n: number) => Math.floor(random() * n)
const sizes = [50, 100, 200] as const
const query = (filter: Filter, more: Partial<PageQuery> = {}): PageQuery => ({
  sight: 'every',
  filter,
  size: 50,
  ...more,
})
const places = await cursors()

/** Cursors all over the history. */
async function cursors(): Promise<readonly string[]> {
  const found: string[] = []
  for (let i = 0; i < 20; i++) {
    const { older } = await store.page(query({ to: end - random() * 89 * dayMs }, { size: 200 }))
    if (older !== undefined) found.push(older)
  }
  return found
}
const place = () => places[below(places.length)] ?? ''

const questions: readonly {
  readonly name: string
  readonly goal: number
  readonly ask: () => Promise<unknown>
}[] = [
  ...sizes.map((size) => ({
    name: `the newest page, ${size} rows`,
    goal: goals.page,
    ask: () => store.page(query({}, { size })),
  })),
  {
    name: 'a page anywhere, 200 rows',
    goal: goals.page,
    ask: () => store.page(query({}, { size: 200, cursor: place() })),
  },
  {
    name: 'a page of a filter, anywhere',
    goal: goals.page,
    ask: () => store.page(query({ verdict: 'Refused' }, { cursor: place() })),
  },
  {
    name: 'one decision',
    goal: goals.page,
    ask: async () => store.get('every', decisionOf(below(all), { all, end }).metadata.uid),
  },
  { name: 'overview: 24 h in hours', goal: goals.page, ask: () => stats(1, 1) },
  { name: 'chart: 30 d in 6 h', goal: goals.page, ask: () => stats(30, 6) },
  { name: 'chart: 90 d in days', goal: goals.page, ask: () => stats(90, 24) },
  { name: 'state of the store', goal: goals.page, ask: () => store.extent() },
  ...Object.entries(
    filtersOf({ random, end, some: () => some[below(some.length)] ?? { name: '', uid: '' } }),
  ).map(([name, filter]) => ({
    name: `filter: ${name}`,
    goal: goals.filter,
    ask: () => store.page(query(filter())),
  })),
  ...Object.entries({
    'one namespace in sight': query({ verdict: 'Refused' }, { sight: ['velero-lab'] }),
    'three namespaces in sight': query({ reason: 'Exclusive' }, { sight: namespaces.slice(1) }),
  }).map(([name, ask]) => ({ name: `filter: ${name}`, goal: goals.filter, ask: () => store.page(ask) })),
]

async function stats(days: number, bucketHours: number) {
  return store.stats({ sight: 'every', filter: {}, from: end - days * dayMs, to: end, bucketHours })
}

// --- measured ---

const ms = (value: number) => (value < 10 ? value.toFixed(1) : value.toFixed(0))
const rows: string[][] = []
let over = 0
for (const { name, goal, ask } of questions) {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const took: number[] = []
  delay.enable()
  for (let i = 0; i < times; i++) {
    const start = performance.now()
    await ask()
    took.push(performance.now() - start)
  }
  delay.disable()
  noteMemory()
  const p99 = quantile(took, 0.99)
  if (p99 >= goal) over++
  rows.push([
    name,
    ms(median(took)),
    ms(p99),
    ms(Math.max(...took)),
    `< ${goal}`,
    p99 < goal ? 'yes' : 'NO',
    ms(delay.percentile(99) / 1e6),
  ])
}
stop.abort()
await writing

const peakAsking = peak
const start = performance.now()
let bytes = 0
for await (const chunk of store.export(
  { sight: 'every', filter: {}, form: 'ndjson' },
  new AbortController().signal,
)) {
  bytes += chunk.length
  noteMemory()
}
const exportSeconds = (performance.now() - start) / 1000
const { records } = await store.extent()
await store.close()

const { sqlite } = process.versions
console.log(
  `${machine()}, SQLite ${sqlite ?? '?'}; ${records} records, ${writes.length * 5} of them written meanwhile\n`,
)
const head = ['asked', 'p50 ms', 'p99 ms', 'max ms', 'goal', 'met', 'event loop p99 ms']
console.log(table(head, rows))
console.log(
  `\nloaded ${all - Math.min(all, before)} in ${seconds.toFixed(0)} s; a write of 5 while reading: p50 ${ms(median(writes))} ms, p99 ${ms(quantile(writes, 0.99))} ms; ` +
    `file ${Math.round(statSync(path).size / 2 ** 20)} MiB; most memory of the process ${Math.round(peakAsking / 2 ** 20)} MiB before the export and ${Math.round(peak / 2 ** 20)} MiB with it; ` +
    `export of all as JSON lines: ${Math.round(bytes / 2 ** 20)} MiB in ${exportSeconds.toFixed(0)} s`,
)
process.exit(over === 0 ? 0 : 1)
