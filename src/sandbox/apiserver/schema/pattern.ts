/** Patterns of schemas are RE2: they run in linear time, whatever a client sends. */
import { RE2JS } from 're2js'

const compiled = new Map<string, RE2JS | undefined>()
// A CRD has tens of patterns; beyond this many the cache starts anew.
const cached = 2000

/** The pattern compiled; undefined if it is not RE2. */
export function patternOf(source: string): RE2JS | undefined {
  if (compiled.has(source)) return compiled.get(source)
  if (compiled.size >= cached) compiled.clear()
  const pattern = compile(source)
  compiled.set(source, pattern)
  return pattern
}

function compile(source: string): RE2JS | undefined {
  try {
    return RE2JS.compile(source)
  } catch {
    // What RE2 cannot compile is not a pattern here; who asks says so to the client.
    return undefined
  }
}

/** Whether a pattern is found anywhere in a text. */
export function matches(source: string, text: string): boolean {
  return patternOf(source)?.matcher(text).find() === true
}
