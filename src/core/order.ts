/** The order of actions: byte order of their names, so `10-a` comes before `9-b`. */

/** Compares two names by the bytes of their UTF-8 form (which is the order of code points). */
export function compareNames(a: string, b: string): number {
  const left = Array.from(a)
  const right = Array.from(b)
  for (let i = 0; i < left.length && i < right.length; i++) {
    const difference = (left[i]?.codePointAt(0) ?? 0) - (right[i]?.codePointAt(0) ?? 0)
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

/** The actions in the order in which they run. */
export function inRunOrder<T extends { readonly metadata: { readonly name: string } }>(
  actions: readonly T[],
): readonly T[] {
  return [...actions].sort((a, b) => compareNames(a.metadata.name, b.metadata.name))
}
