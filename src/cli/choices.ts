/** The values of flags that choose among what there is, and what is wrong with them. */
import { nearest } from '../api/nearest.ts'

/** What was most likely meant, as the end of a sentence; empty where nothing is near. */
function meantFor(text: string, known: readonly string[]): string {
  const near = nearest(text, known)
  return near === undefined ? '' : `: did you mean ${near}?`
}

/** A value of a closed set, asked for in any case. */
export function oneOf<T extends string>(
  flag: string,
  text: string | undefined,
  all: readonly T[],
): { readonly ok?: T; readonly problems: readonly string[] } {
  if (text === undefined) return { problems: [] }
  const found = all.find((one) => one.toLowerCase() === text.toLowerCase())
  if (found !== undefined) return { ok: found, problems: [] }
  return { problems: [`${flag} must be one of ${all.join(', ')}, got "${text}"${meantFor(text, all)}`] }
}

/** What is misspelt of an open set: another version may have more of them, so only what is nearly one of ours is refused. */
export function misspeltProblems(
  flag: string,
  text: string | undefined,
  known: readonly string[],
): readonly string[] {
  if (text === undefined || known.some((one) => one.toLowerCase() === text.toLowerCase())) return []
  const meant = meantFor(text, known)
  return meant === '' ? [] : [`${flag} must be one that there is, got "${text}"${meant}`]
}

/** How many are shown at most: all unless told. */
export const limitOf = (
  limit: string | undefined,
): { readonly limit: number; readonly problems: readonly string[] } =>
  limit === undefined || /^[1-9]\d{0,6}$/.test(limit)
    ? { limit: limit === undefined ? Number.POSITIVE_INFINITY : Number(limit), problems: [] }
    : { limit: 0, problems: [`--limit must be a whole number from 1, got "${limit}"`] }
