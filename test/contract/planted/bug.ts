/** What a planted bug is: a small change of the sandbox's source that the contract must catch. */

/** One bug. */
export type Bug = {
  /** What is wrong with it planted, in the present tense; unique. */
  readonly name: string
  /** Below src/sandbox. */
  readonly file: string
  /** What the source says there, exactly once in the file. */
  readonly text: string
  /** What the bug makes of it. */
  readonly planted: string
  /** The cases that are tried first, by their names: all are if none of these fails. */
  readonly first: string
}

/** Which suite has to catch a bug. */
export type Suite = 'api' | 'velero'

/** The stand-in for Velero has a contract of its own. */
export const suiteOf = ({ file }: Bug): Suite => (file.startsWith('velero/') ? 'velero' : 'api')

/** A bug in one file, given as its name, the text and what becomes of it; `first`: where it is likely to be caught. */
export const inFile =
  (file: string, first = '') =>
  (name: string, [text, planted]: readonly [text: string, planted: string]): Bug => ({
    name,
    file,
    text,
    planted,
    first,
  })

/** The source with the bug in it; throws if the source has moved on. */
export function plantedIn(source: string, { name, file, text, planted }: Bug): string {
  const found = source.split(text).length - 1
  if (found !== 1)
    throw new Error(
      `the bug "${name}" wants its text once in src/sandbox/${file}, got it ${found} times: write the bug anew for the source as it is now\n${text}`,
    )
  // As a function: the text may hold `$&`.
  return source.replace(text, () => planted)
}
