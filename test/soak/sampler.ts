/** Looks at a process of the service, now and then: what it needs, and what it keeps. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** One look. Sizes are MiB. */
export type Sample = {
  /** Since the beginning, milliseconds. */
  readonly atMs: number
  /** Objects that have come to their end. */
  readonly done: number
  readonly rss: number
  /** Of JavaScript, after all garbage is collected. */
  readonly heap: number
  readonly buffers: number
  readonly sockets: number
  readonly timers: number
  /** Keys that wait for the controller. */
  readonly queue: number
}

/** A metric with its labels: `tidewaiter_runs_total{phase="Succeeded",stage="PreBackup"}`. */
export type Metrics = ReadonlyMap<string, number>

const mib = (bytes: number): number => bytes / 2 ** 20

/** The metrics of a process; the sums of what has a name are had by `sumOf`. */
export async function metricsOf(port: number): Promise<Metrics> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]))
}

/** The sum of the series of a metric that have all these labels. */
export function sumOf(metrics: Metrics, name: string, ...labels: readonly string[]): number {
  const series = [...metrics].filter(
    ([key]) => key.replace(/\{.*/, '') === name && labels.every((label) => key.includes(label)),
  )
  return series.reduce((sum, [, value]) => sum + value, 0)
}

const answerMs = 30_000

/** What its heap holds when everything that nobody needs has gone. */
async function heapOf(service: ChildProcess): Promise<NodeJS.MemoryUsage> {
  const timeout = AbortSignal.timeout(answerMs)
  const answered = once(service, 'message', { signal: timeout })
  service.send('heap')
  const [memory] = (await answered) as [NodeJS.MemoryUsage]
  return memory
}

/** One look at it. */
export async function sample(
  { service, port }: { readonly service: ChildProcess; readonly port: number },
  at: { readonly atMs: number; readonly done: number },
): Promise<Sample> {
  const metrics = await metricsOf(port)
  const { rss, heapUsed, external, arrayBuffers } = await heapOf(service)
  const resources = (type: string) => sumOf(metrics, 'tidewaiter_nodejs_active_resources', `type="${type}"`)
  return {
    ...at,
    rss: mib(rss),
    heap: mib(heapUsed),
    buffers: mib(external + arrayBuffers),
    sockets: resources('TCPSocketWrap') + resources('TLSWrap'),
    timers: resources('Timeout'),
    queue: sumOf(metrics, 'tidewaiter_queue_length'),
  }
}
