/** Words about values, for problems and reference pages: short, of one line, safe to show. */

/** How many Unicode code points a text has, which is how the API server counts; a lone surrogate is one. */
export function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count += 1
  return count
}

/** Whether a text has more code points than `limit`; does not read on once that is certain. */
export const isLongerThan = (text: string, limit: number): boolean =>
  text.length > limit && (text.length > 2 * limit || codePoints(text) > limit)

const longestShown = 60

/** A text cut to 60 code points, control characters escaped, so that it cannot break a line or a terminal. */
export function shortened(text: string): string {
  const head = text.slice(0, 2 * longestShown)
  const points = Array.from(head)
  const cut = points.length > longestShown || text.length > head.length
  const shown = cut ? `${points.slice(0, longestShown).join('')}...` : text
  // oxlint-disable-next-line no-control-regex - control characters are what is looked for
  return shown.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, escaped)
}

const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** A value as a problem shows it: scalars as they are, anything larger as what it is and how large. */
export function shown(value: unknown): unknown {
  if (value === undefined || value === null || typeof value === 'boolean') return value
  if (typeof value === 'string') return shortened(value)
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (Array.isArray(value)) return `a list of ${value.length}`
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** `a`, `a and b`, `a, b and c`. */
export function enumerated(words: readonly string[], conjunction: 'and' | 'or' = 'and'): string {
  const last = words.at(-1) ?? ''
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} ${conjunction} ${last}`
}
