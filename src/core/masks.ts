/** Takes secrets out of everything that is recorded or shown, in the encodings in which a server may echo them. */
import { encodingsOf } from './mask-encodings.ts'

/** Masks the secrets in a text. */
export type Mask = (text: string) => string

/**
 * The shortest secret that is looked for inside a text. A shorter one (`1`, `on`, `abc`) is in every text by chance, and
 * masking it there would both garble the text and betray the secret; it is masked where it is the whole text.
 */
export const shortestInside = 4
const stars = '***'
// Where there is no secret nothing is walked: objects of an API server may be large, and nested as deep as it takes them.
const none: Mask = (text) => text

/**
 * Makes a mask for these secrets. Occurrences that overlap or touch become one `***`, so that none uncovers a part of
 * another. The mask may be applied to text of any size: its time is linear in it. Mask first, cut afterwards: a secret
 * that was cut in two is no longer found.
 */
export function createMask(secrets: readonly string[]): Mask {
  const known = secrets.flatMap((secret) => [secret, secret.trim()]).filter((secret) => secret !== '')
  if (known.length === 0) return none
  const whole = new Set(known)
  const long = known.filter((secret) => secret.length >= shortestInside)
  const patterns = [...new Set(long.flatMap(encodingsOf))].filter((text) => text.length >= shortestInside)
  return (text) => {
    if (whole.has(text) || whole.has(text.trim())) return stars
    return patterns.length === 0 ? text : covered(text, patterns)
  }
}

/** Masks every text of a JSON value, keys too; a number or boolean that shows a secret becomes `***`. */
export function maskJson(value: unknown, mask: Mask): unknown {
  if (mask === none) return value
  if (typeof value === 'string') return mask(value)
  if (Array.isArray(value)) return value.map((item) => maskJson(item, mask))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [mask(key), maskJson(item, mask)]))
  }
  const text = String(value)
  return value === null || value === undefined || mask(text) === text ? value : stars
}

type Span = { readonly from: number; readonly to: number }

function covered(text: string, patterns: readonly string[]): string {
  const spans = patterns.flatMap((pattern) => spansOf(text, pattern)).sort((a, b) => a.from - b.from)
  let masked = ''
  let done = 0
  for (const { from, to } of spans) {
    if (from > done || (from === 0 && done === 0)) masked += text.slice(done, from) + stars
    done = Math.max(done, to)
  }
  return masked + text.slice(done)
}

/** Where the pattern is, with its overlaps with itself (`abab` in `ababab`) joined. */
function spansOf(text: string, pattern: string): readonly Span[] {
  const spans: { from: number; to: number }[] = []
  for (let at = text.indexOf(pattern); at >= 0; at = text.indexOf(pattern, at + 1)) {
    const last = spans.at(-1)
    if (last !== undefined && at <= last.to) last.to = at + pattern.length
    else spans.push({ from: at, to: at + pattern.length })
  }
  return spans
}
