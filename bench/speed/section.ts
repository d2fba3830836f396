/** A part of bench/RESULTS.md: a table, and how it compares with its goals. */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { table } from '../report.ts'

/** One figure beside its goal. */
export type Compared = {
  readonly metric: string
  /** As it is written in facts and docs: `>= 0.80`. */
  readonly goal: string
  readonly got: string
  readonly met: boolean
}

/** What one measurement says. */
export type Section = {
  readonly title: string
  /** Markdown: tables and sentences. */
  readonly text: string
  readonly goals: readonly Compared[]
}

/** Figures beside their goals. */
export const besideGoals = (goals: readonly Compared[]): string =>
  table(
    ['metric', 'goal', 'got', ''],
    goals.map(({ metric, goal, got, met }) => [metric, goal, got, met ? 'met' : '**not met**']),
  )

/** A ratio that must be at least so large. */
export const atLeast = (metric: string, goal: number, got: number): Compared => ({
  metric,
  goal: `>= ${goal.toFixed(2)}`,
  got: got.toFixed(2),
  met: got >= goal,
})

/** A figure that must be at most so large; `unit` with a space before it. */
export const atMost = (metric: string, goal: number, got: number, unit = ''): Compared => {
  const digits = unit === '' || goal < 10 ? 2 : 0
  return { metric, goal: `<= ${goal}${unit}`, got: `${got.toFixed(digits)}${unit}`, met: got <= goal }
}

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, out: { type: 'string' } },
  allowPositionals: true,
  strict: false,
})

/** Whether everything is to be over soon, for a look and for CI: the figures mean little then. */
export const quick: boolean = values['quick'] === true

/** Says what was measured, and leaves it where `npm run bench` collects it. */
export function tell(section: Section): void {
  console.log(`\n## ${section.title}\n\n${section.text}`)
  if (section.goals.length > 0) console.log(`\n${besideGoals(section.goals)}`)
  if (typeof values['out'] === 'string') writeFileSync(values['out'], JSON.stringify(section))
}
