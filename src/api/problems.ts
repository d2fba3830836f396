/** One thing wrong with a value from outside: where it is, what was wanted, what was got. */
export type FieldProblem = {
  /** As the API server writes it: `spec.retry.limit`, `spec.outputs[1].name`. */
  readonly path: string
  /** A phrase that follows "must": `be a whole number from 0 to 10`. */
  readonly want: string
  /** What was there, short and safe to show; undefined if the value was missing. */
  readonly got?: unknown
}

/** A value from outside after it was looked at: the typed value, or everything that is wrong with it. */
export type Parsed<T> = { readonly ok: T } | { readonly problems: readonly FieldProblem[] }

const longestShown = 60

/** Writes a problem as one line: `spec.retry.limit must be a whole number from 0 to 10, got "many"`. */
export function sentenceOf(problem: FieldProblem): string {
  if (problem.got === undefined) return `${problem.path} must ${problem.want}`
  const shown = JSON.stringify(problem.got) ?? typeof problem.got
  const short = shown.length > longestShown ? `${shown.slice(0, longestShown)}...` : shown
  return `${problem.path} must ${problem.want}, got ${short}`
}
