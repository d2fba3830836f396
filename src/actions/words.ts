/** Text from outside, made fit to be shown: masked first, cut afterwards, nothing that moves a cursor. */
import type { Mask } from '../core/masks.ts'

/** Longest excerpt of an answer in a message, in characters. */
export const longestExcerpt = 200

// C1 controls, zero-width and direction marks, line separators: invisible, or able to reorder what stands around them.
const unseen = /[\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g

/** The first line of an answer in quotes, control characters escaped; empty if there is none. */
export function excerpt(text: string, mask: Mask): string {
  const line = mask(text)
    .split(/[\r\n]/)
    .map((part) => part.trim())
    .find((part) => part !== '')
  return line === undefined ? '' : quoted(cut(line, longestExcerpt))
}

/** A text in quotes as JSON has it, invisible characters escaped. */
export const quoted = (text: string): string => JSON.stringify(text).replace(unseen, escaped)

/** The text without anything that a terminal or a page would act on; line breaks and tabs stay. */
export const harmless = (text: string): string =>
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  text.replace(/[\u0000-\u0008\u000b-\u001f]/g, escaped).replace(unseen, escaped)

/** The first `longest` characters, with `...` in place of the rest. */
export function cut(text: string, longest: number): string {
  if (text.length <= longest) return text
  // Not through the middle of a surrogate pair.
  return `${text.slice(0, longest - 3).replace(/[\ud800-\udbff]$/, '')}...`
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
}
