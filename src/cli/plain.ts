/** Text from elsewhere on a terminal: what would drive it is shown, not obeyed; and how wide a text is there. */

// Control characters, separators of lines and paragraphs, marks that reorder text, and halves of surrogate pairs.
const unsafe = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

const escaped = (character: string): string =>
  short[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** The text in one line, with an escape in place of every character that a terminal would obey. */
export const plain = (text: string): string => text.replace(unsafe, escaped)

/** The same for text of JSON or YAML, where line breaks stand and the escapes are part of the language. */
export const plainLines = (text: string): string =>
  text.replace(unsafe, (character) => (character === '\n' ? '\n' : escaped(character)))

// What a terminal shows twice as wide (Unicode TR 11: W and F), in ranges that are wide almost everywhere.
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u
const none = /[\p{Mn}\p{Me}\u200b-\u200d]/u

const widthOfOne = (character: string): number => (none.test(character) ? 0 : wide.test(character) ? 2 : 1)

/** How many columns a text takes. */
export const widthOf = (text: string): number =>
  // Most text is ASCII, and a table is measured often.
  /^[\x20-\x7e]*$/.test(text)
    ? text.length
    : Array.from(text).reduce((sum, character) => sum + widthOfOne(character), 0)

/** The text in pieces of at most so many columns. */
export function piecesOf(text: string, width: number): readonly string[] {
  const pieces: string[] = []
  let piece = ''
  let used = 0
  for (const character of text) {
    const more = widthOfOne(character)
    if (used + more > width && piece !== '') {
      pieces.push(piece)
      piece = ''
      used = 0
    }
    piece += character
    used += more
  }
  return [...pieces, piece]
}

/** The text in at most so many columns, with an ellipsis where something was cut off. */
export function cutTo(text: string, width: number, ellipsis: string): string {
  if (widthOf(text) <= width) return text
  const room = Math.max(0, width - widthOf(ellipsis))
  return `${room === 0 ? '' : (piecesOf(text, room)[0] ?? '')}${ellipsis}`
}

/** The text filled up with spaces. */
export const padTo = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - widthOf(text)))

/** A text of words in lines of at most so many columns. */
export function linesOf(text: string, width: number): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(' ').flatMap((one) => piecesOf(one, width))) {
    const last = lines.at(-1)
    if (last !== undefined && widthOf(last) + widthOf(word) + 1 <= width)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
