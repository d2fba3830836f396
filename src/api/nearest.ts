/** The known name that somebody most likely meant by one that is not known. */

// A word longer than any name of ours is no misspelling of one, and the distance costs the product of the lengths.
const longestMisspelt = 64
// More letters wrong than this, or than a third, make another word.
const mostWrong = 3

/** The nearest of the known names; undefined if none is near enough to be meant. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  if (name.length > longestMisspelt) return undefined
  const wanted = name.toLowerCase()
  const most = Math.min(mostWrong, Math.floor((wanted.length + 1) / 3))
  const [best] = known
    .filter((one) => Math.abs(one.length - name.length) <= most)
    .map((one) => ({ one, far: distance(wanted, one.toLowerCase()) }))
    .filter(({ far }) => far <= most)
    .sort((a, b) => a.far - b.far)
  return best?.one
}

/** How many letters must be added, left out, replaced or swapped with their neighbour (optimal string alignment). */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    rows.push(row)
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1]
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(
        Math.min(
          at(i - 1, j) + 1,
          at(i, j - 1) + 1,
          at(i - 1, j - 1) + (same ? 0 : 1),
          swapped ? at(i - 2, j - 2) + 1 : Infinity,
        ),
      )
    }
  }
  return at(a.length, b.length)
}
