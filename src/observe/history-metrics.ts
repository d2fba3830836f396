/** The metrics of the dashboard's history, measured when they are asked for; only a process that keeps one has them. */
import { Counter, Gauge, type Registry } from '../lean/prom-client.ts'

/** What is measured. */
export type MeasuredHistory = {
  readonly progress: () => {
    readonly reading: readonly string[]
    readonly waiting: number
    readonly lost: number
    readonly trouble?: unknown
  }
  /** What is in the file; rejects while it cannot be asked. */
  readonly extent: () => Promise<{ readonly records: number; readonly bytes: number }>
}

/** Adds them to a registry. */
export function addHistoryMetrics(registry: Registry, { progress, extent }: MeasuredHistory): void {
  const registers = [registry]
  const gauge = (name: string, help: string, measure: () => number | Promise<number>) =>
    new Gauge({
      name: `tidewaiter_history_${name}`,
      help,
      registers,
      async collect() {
        // What cannot be asked now keeps its last value: whether it goes on is in `tidewaiter_history_current`.
        const value = await Promise.resolve(measure()).catch(() => undefined)
        if (value !== undefined) this.set(value)
      },
    })
  gauge('current', '1 while the history has all that the cluster has, and nothing is in its way.', () => {
    const { reading, trouble } = progress()
    return reading.length > 0 || trouble !== undefined ? 0 : 1
  })
  gauge('waiting', 'Records that wait to be written into the history.', () => progress().waiting)
  gauge('records', 'Records in the history.', async () => (await extent()).records)
  gauge('bytes', 'The size of the file of the history.', async () => (await extent()).bytes)
  const lost = new Counter({
    name: 'tidewaiter_history_lost_total',
    help: 'Records that are missing in the history: more waited than there is room for, or they could not be written.',
    registers: [],
    collect() {
      this.reset()
      this.inc(progress().lost)
    },
  })
  registry.registerMetric(lost)
}
