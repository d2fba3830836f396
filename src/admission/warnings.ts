/** Text for clients: made safe for a header and a terminal, and short enough to arrive whole. */

import { lengthOf, longestLine } from '../core/would-run.ts'

/** The most that all warnings of one answer may add up to, in characters: apiserver pkg/endpoints/handlers/rest.go. */
const allWarnings = 4096
/** The longest message of a refusal, in characters: 20,000 were seen to arrive whole. */
const longestMessage = 16_384

// Control characters, line and paragraph separators, and marks that reorder text: what an action's answer could use to forge
// a line or to drive a terminal. A warning with one of the first two vanishes in the API server.
const unsafe = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu
const unsafeButLines = /(?!\n)[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** Cuts to at most `most` characters (code points), ending in … if something was cut. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text
  // A code point has at most two units, so what lies beyond 2 * most cannot matter.
  const points = Array.from(text.slice(0, 2 * most + 2))
  return points.length <= most ? text : `${points.slice(0, most - 1).join('')}…`
}

/** One line without control characters, at most 250 characters. */
export function warningLine(text: string): string {
  const head = text.slice(0, 8 * longestLine).toWellFormed()
  return cut(head.replace(unsafe, ' ').replaceAll(/\s+/g, ' ').trim(), longestLine)
}

/** A message that may have several lines, without other control characters. */
export const messageText = (text: string): string =>
  cut(
    text
      .slice(0, 4 * longestMessage)
      .toWellFormed()
      .replaceAll('\r\n', '\n')
      .replace(unsafeButLines, ' '),
    longestMessage,
  )

const leftOut = (count: number): string =>
  `tidewaiter: ${count} more ${count === 1 ? 'warning' : 'warnings'} left out, an answer carries at most ${allWarnings} characters of them`

/** All warnings of one answer: safe, short, at most 4,096 characters; the last says how many had to be left out. */
export function warningLines(texts: readonly string[]): readonly string[] {
  if (texts.length === 0) return texts
  const lines = texts.map(warningLine).filter((line) => line !== '')
  const room = (kept: number) =>
    allWarnings - (kept < lines.length ? lengthOf(leftOut(lines.length - kept)) : 0)
  const sums = [0]
  for (const line of lines) sums.push((sums.at(-1) ?? 0) + lengthOf(line))
  const kept = sums.findLastIndex((sum, count) => sum <= room(count))
  return kept === lines.length ? lines : [...lines.slice(0, kept), leftOut(lines.length - kept)]
}
