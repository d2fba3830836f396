/** Colours for a terminal that wants them. */

/** Paints a text, or leaves it. */
export type Paint = {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
}

const code =
  (from: number, to: number) =>
  (text: string): string =>
    `\u001b[${from}m${text}\u001b[${to}m`
const same = (text: string): string => text

/** With colours or without. */
export const paintWith = (colours: boolean): Paint =>
  colours
    ? { bold: code(1, 22), dim: code(2, 22), good: code(32, 39), bad: code(31, 39) }
    : { bold: same, dim: same, good: same, bad: same }

// Terminals obey control characters: what came from elsewhere is shown without them.
// eslint-disable-next-line no-control-regex
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/** A text from elsewhere, safe to show. */
export const plain = (text: string): string => text.replaceAll(control, '\uFFFD')

/** A paragraph of at most 100 columns, each line indented. */
export function wrapped(text: string, indent: string): string {
  const lines: string[] = []
  for (const word of plain(text).split(/\s+/)) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + word.length + 1 <= 100 - indent.length)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines.map((line) => `${indent}${line}\n`).join('')
}
