/**
 * Whether a Backup or Restore may touch one of the namespaces that an Action names. Matching must not be dodged, so
 * the answer is no only where the two are provably disjoint; whatever is not understood, matches.
 */

/** What a Backup's or Restore's spec says of namespaces; empty or absent includes mean all. */
export type NamespaceScope = {
  readonly included: readonly string[]
  readonly excluded: readonly string[]
  /** A Restore's namespaceMapping: source to target. */
  readonly mapping: Readonly<Record<string, string>>
}

// Velero's wildcards beyond * and ? (pkg/util/wildcard): brackets, braces, alternatives. Not analysed here.
const beyond = /[[\]{}|!\\]/
// A namespace has at most 63 characters. What is much longer is nobody's pattern, and is not analysed.
const longest = 253

/** Steps of comparing that are left; one is a few nanoseconds. */
type Work = { left: number }
// About 20 ms. A list may hold thousands of namespaces, and whoever creates a Backup may write anything into it.
const mostSteps = 1_000_000
const stepsOfALook = 10

/** True unless no namespace can be both in the scope and named by one of the patterns; also where that would take too long to find out. */
export function mayTouch(scope: NamespaceScope, patterns: readonly string[]): boolean {
  const included = scope.included.length === 0 ? ['*'] : scope.included
  const work = { left: mostSteps }
  const inScope = (pattern: string) => included.some((one) => overlaps([one, pattern], scope.excluded, work))
  if (patterns.some(inScope)) return true
  return Object.entries(scope.mapping).some(
    ([source, target]) => patterns.some((pattern) => intersect(target, pattern, work)) && inScope(source),
  )
}

function overlaps(
  [included, pattern]: readonly [string, string],
  excluded: readonly string[],
  work: Work,
): boolean {
  if (!intersect(included, pattern, work)) return false
  return !excluded.some((out) => covers(out, included, work) || covers(out, pattern, work))
}

/** Whether some text matches both patterns; true where that is not certain. */
export function intersect(a: string, b: string, work: Work = { left: mostSteps }): boolean {
  work.left -= stepsOfALook
  if (work.left < 0 || isStrange(a) || isStrange(b) || a === b) return true
  if (!/[*?]/.test(a) && !/[*?]/.test(b)) return false
  const [headA, headB] = [headOf(a), headOf(b)]
  const shared = Math.min(headA.length, headB.length)
  if (headA.slice(0, shared) !== headB.slice(0, shared)) return false
  work.left -= a.length * b.length
  return work.left < 0 || bothCanMatch(a, b)
}

const isStrange = (pattern: string): boolean => pattern.length > longest || beyond.test(pattern)

const headOf = (pattern: string): string => /^[^*?]*/.exec(pattern)?.[0] ?? ''

function bothCanMatch(a: string, b: string): boolean {
  // can[j] says whether the first i characters of a and the first j of b can match the same text.
  let can = Array.from({ length: b.length + 1 }, (_, j) => starsOnly(b.slice(0, j)))
  for (let i = 1; i <= a.length; i++) {
    const next = [starsOnly(a.slice(0, i))]
    for (let j = 1; j <= b.length; j++) {
      const both = can[j - 1] === true
      const [x, y] = [a.charAt(i - 1), b.charAt(j - 1)]
      if (x === '*' || y === '*') next.push(both || can[j] === true || next[j - 1] === true)
      else next.push(both && (x === y || x === '?' || y === '?'))
    }
    can = next
  }
  return can[b.length] === true
}

const starsOnly = (text: string): boolean => /^\**$/.test(text)

/** Whether everything that `inner` matches is surely matched by `outer`; false where that is not certain. */
function covers(outer: string, inner: string, work: Work): boolean {
  work.left -= stepsOfALook
  if (work.left < 0 || isStrange(outer) || isStrange(inner)) return false
  if (outer === inner || outer === '*') return true
  // An intersection that is true only because the steps ran out is no cover.
  if (!/[*?]/.test(inner)) return intersect(outer, inner, work) && work.left >= 0
  const prefix = /^([^*?]*)\*$/.exec(outer)?.[1]
  return prefix !== undefined && inner.startsWith(prefix)
}
