/** Sets of numbers, kept as ranges and written as text: `3, 7-12, 20`. They grow at their end. */

/** Ranges, ascending, that neither touch nor overlap. */
export type Seqs = readonly (readonly [from: number, to: number])[]

/** The numbers with one more, which must be greater than all of them. */
export function withSeq(seqs: Seqs, seq: number): Seqs {
  const last = seqs.at(-1)
  if (last === undefined || seq > last[1] + 1) return [...seqs, [seq, seq]]
  return [...seqs.slice(0, -1), [last[0], seq]]
}

/** How many numbers there are. */
export const sizeOf = (seqs: Seqs): number => seqs.reduce((sum, [from, to]) => sum + to - from + 1, 0)

/** Whether the number is one of them. */
export function contains(seqs: Seqs, seq: number): boolean {
  let [low, high] = [0, seqs.length - 1]
  while (low <= high) {
    const middle = (low + high) >> 1
    const [from, to] = seqs[middle] ?? [0, 0]
    if (seq < from) high = middle - 1
    else if (seq > to) low = middle + 1
    else return true
  }
  return false
}

/** The numbers of both. */
export function union(one: Seqs, other: Seqs): Seqs {
  const joined: [number, number][] = []
  for (const [from, to] of [...one, ...other].sort((a, b) => a[0] - b[0])) {
    const last = joined.at(-1)
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to)
    else joined.push([from, to])
  }
  return joined
}

/** The numbers of both at once. */
export function common(one: Seqs, other: Seqs): Seqs {
  const both: [number, number][] = []
  let [i, j] = [0, 0]
  for (let [a, b] = [one[i], other[j]]; a !== undefined && b !== undefined; [a, b] = [one[i], other[j]]) {
    const [low, high] = [Math.max(a[0], b[0]), Math.min(a[1], b[1])]
    if (low <= high) both.push([low, high])
    if (a[1] < b[1]) i += 1
    else j += 1
  }
  return both
}

/** The numbers from 1 to `most` that are not in the set. */
export function missingUpTo(most: number, seqs: Seqs): Seqs {
  const missing: [number, number][] = []
  let next = 1
  for (const [from, to] of seqs) {
    if (from > most) break
    if (from > next) missing.push([next, from - 1])
    next = to + 1
  }
  if (next <= most) missing.push([next, most])
  return missing
}

/** The text of the numbers. */
export const seqsText = (seqs: Seqs): string =>
  seqs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',')

const range = /^([1-9]\d{0,14})(?:-([1-9]\d{0,14}))?$/

/** The numbers that a text names, or undefined if it is no such text. */
export function seqsIn(text: string): Seqs | undefined {
  if (text === '') return []
  const seqs: [number, number][] = []
  for (const part of text.split(',')) {
    const found = range.exec(part.trim())
    if (found === null) return undefined
    const [from, to] = [Number(found[1]), Number(found[2] ?? found[1])]
    const last = seqs.at(-1)
    if (from > to || (last !== undefined && from <= last[1])) return undefined
    seqs.push([from, to])
  }
  return seqs
}

/** At most so many ranges: the closest ones are joined over the gap between them. */
export function joined(seqs: Seqs, most: number): Seqs {
  let kept = seqs
  while (kept.length > most) {
    const gaps = kept.slice(1).map(([from], i) => from - (kept[i]?.[1] ?? 0))
    const at = gaps.indexOf(Math.min(...gaps))
    kept = kept.flatMap(([from, to], i): Seqs => {
      if (i === at + 1) return []
      return [[from, i === at ? (kept[i + 1]?.[1] ?? to) : to]]
    })
  }
  return kept
}
