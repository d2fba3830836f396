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

/** True unless no namespace can be both in the scope and named by one of the patterns. */
export function mayTouch(scope: NamespaceScope, patterns: readonly string[]): boolean {
  const included = scope.included.length === 0 ? ['*'] : scope.included
  if (patterns.some((pattern) => included.some((one) => overlaps(one, pattern, scope.excluded)))) return true
  return Object.entries(scope.mapping).some(
    ([source, target]) =>
      included.some((one) => overlaps(one, source, scope.excluded)) &&
      patterns.some((pattern) => intersect(target, pattern)),
  )
}

function overlaps(included: string, pattern: string, excluded: readonly string[]): boolean {
  if (!intersect(included, pattern)) return false
  return !excluded.some((out) => covers(out, included) || covers(out, pattern))
}

/** Whether some text matches both patterns. */
export function intersect(a: string, b: string): boolean {
  if (beyond.test(a) || beyond.test(b)) return true
  // can[j] says whether the first i characters of a and the first j of b can match the same text.
  let can = Array.from({ length: b.length + 1 }, (_, j) => j === 0 || starsOnly(b.slice(0, j)))
  for (let i = 1; i <= a.length; i++) {
    const next: boolean[] = [starsOnly(a.slice(0, i))]
    for (let j = 1; j <= b.length; j++) next.push(meets(a[i - 1] ?? '', b[j - 1] ?? '', { can, next, j }))
    can = next
  }
  return can[b.length] === true
}

type Reached = { readonly can: readonly boolean[]; readonly next: readonly boolean[]; readonly j: number }

function meets(x: string, y: string, { can, next, j }: Reached): boolean {
  const both = can[j - 1] === true
  const onlyX = can[j] === true
  const onlyY = next[j - 1] === true
  if (x === '*') return both || onlyX || onlyY
  if (y === '*') return both || onlyX || onlyY
  return both && (x === y || x === '?' || y === '?')
}

const starsOnly = (text: string): boolean => /^\*+$/.test(text)

/** Whether everything that `inner` matches is surely matched by `outer`; false where that is not certain. */
function covers(outer: string, inner: string): boolean {
  if (beyond.test(outer) || beyond.test(inner)) return false
  if (outer === inner || outer === '*') return true
  if (!/[*?]/.test(inner)) return intersect(outer, inner)
  const prefix = /^([^*?]*)\*$/.exec(outer)?.[1]
  return prefix !== undefined && inner.startsWith(prefix)
}
