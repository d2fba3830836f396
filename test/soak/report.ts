/** How a soak is told. Pure. */
import { flat, fewestSamples, levelsOf, median, mostGrowth, type Flat } from './judge.ts'
import { sumOf, type Metrics, type Sample } from './sampler.ts'
import { sum, type Tally } from './tally.ts'

/** A line while it goes on. */
export function progress(one: Sample, backups: number, wrongs: number): string {
  const seconds = Math.round(one.atMs / 1000)
  const sizes = `resident ${one.rss.toFixed(0)} MiB, heap ${one.heap.toFixed(1)}, buffers ${one.buffers.toFixed(1)}`
  const counts = `sockets ${one.sockets}, timers ${one.timers}, queue ${one.queue}`
  const wrong = wrongs === 0 ? '' : `, ${wrongs} WRONG`
  return `${seconds} s: ${one.done} of ${backups} and Restores, ${sizes}, ${counts}${wrong}`
}

/** What a soak came to. */
export type Told = {
  readonly tally: Tally
  readonly samples: readonly Sample[]
  readonly metrics: Metrics
  readonly decisions: number
}

/** The last word. */
export function report({ tally, samples, metrics, decisions }: Told): string {
  const seconds = (samples.at(-1)?.atMs ?? 0) / 1000
  const of = (counts: ReadonlyMap<string, number>) =>
    [...counts].map(([name, count]) => `${name} ${count}`).join(', ')
  const rate = seconds === 0 ? '' : `, ${(sum(tally.ended) / seconds).toFixed(1)} a second`
  return [
    '',
    `${sum(tally.ended)} Backups and Restores came to their end${rate}: ${of(tally.ended)}`,
    `they took, the last of each, median: ${[...tally.took].map(([name, took]) => `${name} ${(median(took) / 1000).toFixed(1)} s`).join(', ')}`,
    `answers: ${of(tally.answers)}; effects: ${tally.effects}`,
    `runs: ${of(tally.runs)}`,
    `decisions: ${decisions}, ${sumOf(metrics, 'tidewaiter_decisions_dropped_total')} of them in no record`,
    `the service took ${sumOf(metrics, 'tidewaiter_process_cpu_seconds_total').toFixed(0)} s of processor time`,
    ...memoryLines(samples),
  ].join('\n')
}

function memoryLines(samples: readonly Sample[]): readonly string[] {
  if (samples.length < fewestSamples)
    return [`memory is not judged: ${samples.length} looks at it, ${fewestSamples} are needed (10 s apart)`]
  return (Object.keys(flat) as Flat[]).map((what) => {
    const [before, after] = levelsOf(samples, what)
    const change = before === 0 ? '' : ` (${(((after - before) / before) * 100).toFixed(1)} %)`
    return `${what}: ${before.toFixed(1)} in the second fifth, ${after.toFixed(1)} in the last${change}, at most ${mostGrowth * 100} % more`
  })
}
