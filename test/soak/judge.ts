/** Judges a soak: whether its counts balance, whether memory is flat, and whether nothing is left over. Pure. */
import { kindOfName, type Kind } from './kinds.ts'
import { sumOf, type Metrics, type Sample } from './sampler.ts'
import { sum, type Tally } from './tally.ts'

/** By how much the level of the last fifth may exceed that of the second. */
export const mostGrowth = 0.1
/** Fewer looks than these say nothing about memory. */
export const fewestSamples = 60
/** Sockets and timers come and go with what is in hand. */
const mostMore = 8

/** The middle one. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

/** A part of the looks: `fifth(samples, 1)` is the second fifth. */
const fifth = (samples: readonly Sample[], at: number): readonly Sample[] =>
  samples.slice(Math.floor((samples.length * at) / 5), Math.floor((samples.length * (at + 1)) / 5))

/** What of a process is judged to be flat; the second word says what is allowed beside `mostGrowth`. */
export const flat = { rss: 0, heap: 0, buffers: 1, sockets: mostMore, timers: mostMore } as const
/** One of them. */
export type Flat = keyof typeof flat

/**
 * The level of some looks: the middle. Of buffers it is the least tenth, for those that nobody needs are given back a while after
 * the collection: between two looks they come and go by half.
 */
function levelOf(samples: readonly Sample[], what: Flat): number {
  const sorted = samples.map((one) => one[what]).sort((one, other) => one - other)
  return sorted[Math.floor(sorted.length / (what === 'buffers' ? 10 : 2))] ?? 0
}

/** The levels of the second and of the last fifth. */
export const levelsOf = (samples: readonly Sample[], what: Flat): readonly [number, number] => [
  levelOf(fifth(samples, 1), what),
  levelOf(fifth(samples, 4), what),
]

/** What grows: the first fifth is left out, in which caches fill. */
export function growing(samples: readonly Sample[]): readonly string[] {
  if (samples.length < fewestSamples) return []
  return (Object.keys(flat) as Flat[]).flatMap((what) => {
    const [before, after] = levelsOf(samples, what)
    return after <= before * (1 + mostGrowth) + flat[what]
      ? []
      : [
          `${what} grows: ${before.toFixed(1)} in the second fifth, ${after.toFixed(1)} in the last (at most ${mostGrowth * 100} % more)`,
        ]
  })
}

/** Everything that was counted, by whom. */
export type Books = {
  readonly tally: Tally
  readonly metrics: Metrics
  /** How many decisions the chain of this replica has, by its own last word. */
  readonly decisions: number
}

/** Where two counts of the same differ. */
export function unbalanced({ tally, metrics, decisions }: Books): readonly string[] {
  const compared: (readonly [what: string, wanted: number, got: number])[] = [
    ['objects that came to their end', sum(tally.asked), sum(tally.ended)],
    ...ofAnswers(tally),
    ...ofRuns(tally, metrics),
    ['effects that were heard', effectsOf(tally), tally.effects],
    ...ofDecisions(tally, metrics, decisions),
  ]
  return compared.flatMap(([what, wanted, got]) =>
    wanted === got ? [] : [`${what}: ${wanted} wanted, ${got} counted`],
  )
}

type Compared = readonly [what: string, wanted: number, got: number]

const ended = (tally: Tally): readonly (readonly [Kind, number])[] =>
  [...tally.ended].map(([name, count]) => [kindOfName(name), count])

const effectsOf = (tally: Tally): number =>
  ended(tally).reduce((all, [{ effects }, count]) => all + effects.length * count, 0)

function ofAnswers(tally: Tally): readonly Compared[] {
  const refused = ended(tally).reduce((all, [kind, count]) => all + (kind.ends === undefined ? count : 0), 0)
  return [
    ['objects that were admitted', sum(tally.ended) - refused, tally.answers.get('admitted') ?? 0],
    ['objects that were refused', refused, tally.answers.get('refused') ?? 0],
    ['objects that were neither', 0, tally.answers.get('failed') ?? 0],
  ]
}

function ofRuns(tally: Tally, metrics: Metrics): readonly Compared[] {
  const runs = [...tally.runs].map(([key, count]): Compared => {
    const [stage = '', phase = ''] = key.split(' ')
    const labels = [`stage="${stage}"`, `phase="${phase}"`]
    return [`the metric of runs, ${key}`, count, sumOf(metrics, 'tidewaiter_runs_total', ...labels)]
  })
  const performed = (...labels: readonly string[]) =>
    sumOf(metrics, 'tidewaiter_action_runs_total', ...labels)
  return [
    ...runs,
    [
      'the metric of runs, all',
      [...tally.runs.values()].reduce((all, one) => all + one, 0),
      sumOf(metrics, 'tidewaiter_runs_total'),
    ],
    ['the metric of actions that were done', tally.actions.done, performed('result="done"')],
    ['the metric of actions that failed', tally.actions.failed, performed('result="answer"')],
  ]
}

// What these say of a request, another webhook says too, or more of: they are in no record (src/observe/decisions.ts).
const unrecorded = ['NothingToHold', 'HoldSet']

function ofDecisions(tally: Tally, metrics: Metrics, decisions: number): readonly Compared[] {
  const requests = (...labels: readonly string[]) =>
    sumOf(metrics, 'tidewaiter_admission_requests_total', 'dry_run="false"', ...labels)
  const passing = unrecorded.reduce((all, reason) => all + requests(`reason="${reason}"`), 0)
  return [
    ['the metric of refusals', tally.answers.get('refused') ?? 0, requests('verdict="refused"')],
    ['the metric of errors', 0, requests('verdict="error"')],
    ['decisions in the chain', requests() - passing, decisions],
  ]
}

const mostNamed = 5

/** What is left over, and some of it by name. */
export function leftOver(what: string, left: readonly { readonly name: string }[]): readonly string[] {
  const some = left.slice(0, mostNamed).map(({ name }) => name)
  return left.length === 0 ? [] : [`${left.length} ${what} are left over: ${some.join(', ')}`]
}
