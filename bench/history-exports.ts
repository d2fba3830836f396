/** Exports over HTTP: when their first byte comes, how long all of them takes, and what a reader that is slow costs. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Dashboard, Looker } from './history-dashboard.ts'
import { goals, quick } from './history-file.ts'
import { median, quantile } from './report.ts'

type World = { readonly looker: Looker; readonly dashboard: Dashboard }

const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1)

/** Reads exports as fast as they come: rows of a table. */
export async function exported({
  looker,
  dashboard,
  filters,
}: World & { readonly filters: { readonly text: string } }): Promise<readonly string[][]> {
  const rows: string[][] = []
  const asked = {
    'all, CSV': 'csv?',
    'all, JSON lines': 'ndjson?',
    'a verdict (rare), CSV': 'csv?verdict=Error',
    'a day, JSON': 'json?from=-1d',
    'a text (rare), CSV': `csv?${filters.text.split('?')[1]}`,
    'what nobody has, JSON lines': 'ndjson?schedule=none',
    'a text that nobody has, JSON lines': 'ndjson?q=zzzz-nowhere',
  }
  for (const [name, query] of Object.entries(asked)) {
    const began = performance.now()
    const answer = await looker.open(`/api/v1/decisions.${query}`)
    if (answer.statusCode !== 200) throw new Error(`${name} must be exported, got ${answer.statusCode}`)
    const headMs = performance.now() - began
    let [bytes, most, firstMs] = [0, 0, Number.NaN]
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      if (bytes === 0) firstMs = performance.now() - began
      bytes += chunk.length
      most = Math.max(most, dashboard.memory())
    }
    const seconds = (performance.now() - began) / 1000
    rows.push([
      name,
      (Number.isNaN(firstMs) ? headMs : firstMs).toFixed(0),
      seconds.toFixed(1),
      mib(bytes),
      most.toFixed(0),
    ])
  }
  return rows
}

// As a phone far away reads.
const perSecond = 2 * 2 ** 20
const slowSeconds = quick ? 4 : 40
const mostGrown = 64

/** Reads an export of all slowly, and looks at pages meanwhile. */
export async function exportedSlowly({
  looker,
  dashboard,
  other,
}: World & { readonly other: Looker }): Promise<{ readonly text: string; readonly over: number }> {
  const gone = new AbortController()
  await dashboard.loop()
  const before = dashboard.memory()
  const answer = await looker.open('/api/v1/decisions.ndjson', gone.signal)
  const memory: number[] = []
  const took: number[] = []
  const end = performance.now() + slowSeconds * 1000
  const reading = (async () => {
    let bytes = 0
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (performance.now() > end) break
      await sleep((chunk.length / perSecond) * 1000)
    }
    return bytes
  })()
  while (performance.now() < end) {
    const due = sleep(50)
    took.push((await other.get('/decisions')).ms)
    memory.push(dashboard.memory())
    await due
  }
  const bytes = await reading
  gone.abort()
  const loop = await dashboard.loop()
  // What it takes at first is its buffers; what counts is whether it goes on growing.
  const settled = memory.slice(Math.floor(memory.length / 4))
  const grown = median(settled.slice(-20)) - median(settled.slice(0, 20))
  const p99 = quantile(took, 0.99)
  return {
    text:
      `an export of all, read at ${mib(bytes / slowSeconds)} MiB/s for ${slowSeconds} s: memory of the dashboard ${before.toFixed(0)} MiB before, ` +
      `${Math.max(...memory).toFixed(0)} MiB at most, grew by ${grown.toFixed(0)} MiB after the first quarter (goal < ${mostGrown}); ` +
      `its event loop p99 ${loop.p99.toFixed(0)} ms, max ${loop.max.toFixed(0)} ms; the newest page meanwhile p50 ${median(took).toFixed(0)} ms, p99 ${p99.toFixed(0)} ms (goal < ${goals.page})`,
    over: Number(p99 >= goals.page) + Number(grown >= mostGrown),
  }
}
