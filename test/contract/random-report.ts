/** Differences of random sequences, told so that somebody can mend them. */
import { isDeepStrictEqual } from 'node:util'
import type { Json } from './http.ts'
import type { Sequence } from './random-operations.ts'
import type { Difference, Found } from './random.ts'

/** The places where two values differ, each with what was wanted and what came. */
export function places(wanted: Json, got: Json, path = ''): readonly string[] {
  if (isDeepStrictEqual(wanted, got)) return []
  const bothObjects = [wanted, got].every((one) => typeof one === 'object' && one !== null)
  if (!bothObjects || Array.isArray(wanted) !== Array.isArray(got)) {
    return [`${path}: wanted ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`]
  }
  const keys = new Set([...Object.keys(wanted), ...Object.keys(got)])
  return [...keys].flatMap((key) => places(wanted[key], got[key], `${path}/${key}`))
}

const mostPlaces = 8
const mostSeeds = 5
const longestPlace = 100

/** What was done up to a difference, and what came of it there and here. */
export const described = ({ operations, watches }: Sequence, { at, index, wanted, got }: Found): string =>
  [
    `${at} differs`,
    ...operations.slice(0, index + 1).map((operation, place) => `  ${place}: ${JSON.stringify(operation)}`),
    ...(at.startsWith('watch') ? watches.map((watch) => `  afterwards: ${JSON.stringify(watch)}`) : []),
    ...places(wanted, got).slice(0, mostPlaces),
  ].join('\n')

/** Differences by what was done and the first place, the most frequent first, each with its shortest sequence and how to replay it. */
export function report(differences: readonly Difference[]): string {
  const sorts = [...Map.groupBy(differences, sortOf)].sort((a, b) => b[1].length - a[1].length)
  return sorts.map(([sort, all]) => oneSort(sort, all)).join('\n\n')
}

function sortOf({ sequence: { operations }, at, index, wanted, got }: Difference): string {
  const done = operations[index]
  const what = at.startsWith('watch') ? 'a watch' : `${done?.do} ${done?.kind}`
  return `${what}: ${(places(wanted, got)[0] ?? '').slice(0, longestPlace)}`
}

function oneSort(sort: string, all: readonly Difference[]): string {
  const seeds = all.map(({ seed }) => seed)
  const more = seeds.length > mostSeeds ? ', ...' : ''
  const [shortest] = all.toSorted((a, b) => a.index - b.index)
  return [
    `${all.length} x ${sort}`,
    `seeds ${seeds.slice(0, mostSeeds).join(', ')}${more}; the shortest again, as small as it gets:`,
    `  node test/contract/random-main.ts KUBECONFIG --replay ${shortest?.seed}`,
    ...(shortest === undefined ? [] : [described(shortest.sequence, shortest)]),
  ].join('\n')
}
