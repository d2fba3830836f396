/** What a planted bug is, and how it is put into a source. */

/** Where a bug is looked for: scenarios, call sites and faults, as regular expressions. */
export type Where = { readonly scenarios: string; readonly sites: string; readonly faults: string }

/** One bug. */
export type Bug = Where & {
  /** What is wrong with it planted, in the present tense; unique. */
  readonly name: string
  /** Below src. */
  readonly file: string
  /** What the source says there, exactly once in the file. */
  readonly text: string
  /** What the bug makes of it. */
  readonly planted: string
  /** What it is to cause: one of the things that the harness then calls wrong. */
  readonly wrong: RegExp
}

/** The source with the bug in it; throws if the source has moved on. */
export function plantedIn(source: string, { name, file, text, planted }: Bug): string {
  const found = source.split(text).length - 1
  if (found !== 1)
    throw new Error(
      `the bug "${name}" wants its text once in src/${file}, got it ${found} times: write the bug anew for the source as it is now\n${text}`,
    )
  // As a function: the text may hold `$&`.
  return source.replace(text, () => planted)
}
