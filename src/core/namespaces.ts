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

/** Names, which are looked up, apart from patterns, which must be compared one by one. */
type Listed = { readonly names: ReadonlySet<string>; readonly patterns: readonly string[] }

/** The namespaces of one object, ready to be compared for one decision: all of its Actions share one number of steps. */
export type Namespaces = {
  readonly scope: NamespaceScope
  readonly included: Listed
  readonly excluded: Listed
  readonly targets: Listed
  readonly sourcesOf: ReadonlyMap<string, readonly string[]>
  readonly work: Work
}

/** Makes namespaces ready to be compared, with all steps left. */
export function comparable(scope: NamespaceScope): Namespaces {
  const sourcesOf = Map.groupBy(Object.entries(scope.mapping), ([, target]) => target)
  return {
    scope,
    included: listed(scope.included.length === 0 ? ['*'] : scope.included),
    excluded: listed(scope.excluded),
    targets: listed([...sourcesOf.keys()]),
    sourcesOf: new Map([...sourcesOf].map(([target, pairs]) => [target, pairs.map(([source]) => source)])),
    work: { left: mostSteps },
  }
}

function listed(texts: readonly string[]): Listed {
  return { names: new Set(texts.filter(isName)), patterns: texts.filter((text) => !isName(text)) }
}

/** True unless no namespace can be both in the scope and named by one of the patterns; also where the steps that are left do not find it out. */
export function mayTouch(namespaces: Namespaces, patterns: readonly string[]): boolean {
  const { included, excluded, targets, sourcesOf, work } = namespaces
  const inScope = (pattern: string): boolean => {
    work.left -= stepsOfALook
    if (excluded.names.has(pattern)) return false
    return someMeeting({ list: included, pattern, work }, (one) => !isExcluded([one, pattern], namespaces))
  }
  const isMapped = (target: string) =>
    sourcesOf.get(target)?.some((source) => work.left < 0 || inScope(source)) === true
  return (
    patterns.some(inScope) ||
    patterns.some((pattern) => someMeeting({ list: targets, pattern, work }, isMapped))
  )
}

type Search = { readonly list: Listed; readonly pattern: string; readonly work: Work }

/** Whether it holds of one in the list that some text matches together with the pattern; true where no steps are left. */
function someMeeting({ list, pattern, work }: Search, holds: (one: string) => boolean): boolean {
  const isIt = (one: string) => intersect(one, pattern, work) && (work.left < 0 || holds(one))
  // A name is looked up, and never taken for another one: that is certain also with no steps left.
  if (isName(pattern)) return (list.names.has(pattern) && holds(pattern)) || list.patterns.some(isIt)
  const [head, tail] = isStrange(pattern) ? ['', ''] : [headOf(pattern), tailOf(pattern)]
  for (const name of list.names) {
    work.left -= 1
    // By how they begin and end, most names are told from a pattern, and fast.
    if (work.left < 0 || (name.startsWith(head) && name.endsWith(tail) && isIt(name))) return true
  }
  return list.patterns.some(isIt)
}

/** Whether all that both match is surely excluded. */
function isExcluded(both: readonly [string, string], { excluded, work }: Namespaces): boolean {
  if (both.some((one) => excluded.names.has(one))) return true
  if (work.left < 0) return false
  return excluded.patterns.some((out) => both.some((one) => covers(out, one, work)))
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

// As it stands: neither a pattern nor beyond what is analysed.
const isName = (text: string): boolean => !/[*?]/.test(text) && !isStrange(text)

const headOf = (pattern: string): string => /^[^*?]*/.exec(pattern)?.[0] ?? ''

const tailOf = (pattern: string): string =>
  pattern.slice(1 + Math.max(pattern.lastIndexOf('*'), pattern.lastIndexOf('?')))

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
