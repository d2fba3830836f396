/**
 * What is counted at every admission: numbers under a text of the label values, which prom-client is given when somebody asks. What it does
 * itself with an object of labels at each call cost as much as choosing the Actions.
 */
import { Counter, type Registry } from '../lean/prom-client.ts'

type Told<Names extends readonly string[]> = {
  readonly name: string
  readonly help: string
  readonly labelNames: Names
  readonly registry: Registry
}

/** A value for each label, in the order of their names. */
type Values<Names extends readonly string[]> = { readonly [Place in keyof Names]: string }

type Labels = Readonly<Record<string, string>>

/** Things by the values of labels, in the order of their names. */
class ByLabels<T> {
  readonly #names: readonly string[]
  readonly #make: () => T
  readonly #found = new Map<string, { readonly labels: Labels; readonly value: T }>()

  constructor(names: readonly string[], make: () => T) {
    this.#names = names
    this.#make = make
  }

  at(values: readonly string[]): T {
    // No value has a line end: they are words of ours.
    const key = values.join('\n')
    const found = this.#found.get(key)
    if (found !== undefined) return found.value
    const labels = Object.fromEntries(this.#names.map((name, i) => [name, values[i] ?? '']))
    const value = this.#make()
    this.#found.set(key, { labels, value })
    return value
  }

  all(): Iterable<{ readonly labels: Labels; readonly value: T }> {
    return this.#found.values()
  }
}

/** A counter of prom-client that is told of what came when it is asked. */
export class Tally<const Names extends readonly string[]> {
  readonly #pending: ByLabels<{ count: number }>

  constructor({ registry, ...told }: Told<Names>) {
    const pending = new ByLabels(told.labelNames, () => ({ count: 0 }))
    this.#pending = pending
    const counter: Counter = new Counter({
      ...told,
      registers: [registry],
      collect: () => {
        for (const { labels, value } of pending.all()) {
          counter.inc(labels, value.count)
          value.count = 0
        }
      },
    })
  }

  /** One more, with these values of the labels, in the order of their names. */
  inc(...values: Values<Names>): void {
    this.#pending.at(values).count += 1
  }
}

type Series = { readonly counts: number[]; sum: number }

/** A histogram as prom-client reads it (lib/registry.js asks each metric for `get()`). */
export class Timing<const Names extends readonly string[]> {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  readonly type = 'histogram'
  readonly aggregator = 'sum'
  readonly #buckets: readonly number[]
  readonly #series: ByLabels<Series>

  constructor({ registry, name, help, labelNames, buckets }: Told<Names> & { readonly buckets: number[] }) {
    this.name = name
    this.help = help
    this.labelNames = labelNames
    this.#buckets = buckets
    // One more than there are bounds: what is beyond the last.
    this.#series = new ByLabels(labelNames, () => ({
      counts: Array.from({ length: buckets.length + 1 }, () => 0),
      sum: 0,
    }))
    registry.registerMetric(this as unknown as Parameters<Registry['registerMetric']>[0])
  }

  /** It took so many seconds, with these values of the labels, in the order of their names. */
  observe(seconds: number, ...values: Values<Names>): void {
    if (!Number.isFinite(seconds)) throw new TypeError(`${this.name} wants seconds, got ${seconds}`)
    const series = this.#series.at(values)
    let at = 0
    while (at < this.#buckets.length && seconds > (this.#buckets[at] ?? 0)) at += 1
    series.counts[at] = (series.counts[at] ?? 0) + 1
    series.sum += seconds
  }

  /** All of it, each bucket with those below it. */
  get = async () => {
    const { name, help, type, aggregator } = this
    const values = [...this.#series.all()].flatMap(({ labels, value: { counts, sum } }) => {
      let below = 0
      const buckets = [...this.#buckets, '+Inf'].map((le, i) => {
        below += counts[i] ?? 0
        return { labels: { le, ...labels }, value: below, metricName: `${name}_bucket` }
      })
      return [
        ...buckets,
        { labels, value: sum, metricName: `${name}_sum` },
        { labels, value: below, metricName: `${name}_count` },
      ]
    })
    return { name, help, type, values, aggregator }
  }
}
