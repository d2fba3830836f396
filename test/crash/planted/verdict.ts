/** What the harness said, and whether that is what a bug is to cause. Pure. */
import type { Bug } from './bug.ts'

/** What a run of the harness came to. */
export type Told = {
  /** Its exit code; null where a signal ended it. */
  readonly code: number | null
  /** All that it called wrong. */
  readonly wrong: readonly string[]
  /** Its last words. */
  readonly last: string
}

/** What became of a bug. */
export type Verdict =
  | { readonly is: 'found'; readonly by: string }
  /** Something is wrong, and it is not what the bug is to cause: that shows nothing of it. */
  | { readonly is: 'mistaken'; readonly got: readonly string[] }
  | { readonly is: 'survived' }

/** All that the harness called wrong, in what it printed: each line between a `WRONG` and its story, and each `LATE`. */
export const wrongIn = (printed: string): readonly string[] =>
  [...printed.matchAll(/^WRONG: .*\n((?: {2}\S.*\n)+)|^LATE: (.*)$/gm)].flatMap(([, lines = '', late]) =>
    late === undefined ? lines.trim().split(/\n */) : [late],
  )

/** Nothing is wrong, and enough was tried to say so. */
export const isClean = ({ code, wrong }: Told): boolean => code === 0 && wrong.length === 0

/** What a run with the bug planted shows. */
export function verdictOn(bug: Pick<Bug, 'wrong'>, { wrong }: Pick<Told, 'wrong'>): Verdict {
  const by = wrong.find((one) => bug.wrong.test(one))
  if (by !== undefined) return { is: 'found', by }
  return wrong.length > 0 ? { is: 'mistaken', got: [...new Set(wrong)] } : { is: 'survived' }
}
