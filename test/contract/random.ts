/** Plays random sequences on two servers and finds the first in which they differ. */
import { isDeepStrictEqual } from 'node:util'
import { connect } from './api.ts'
import type { Endpoint, Json } from './http.ts'
import { normal, type Normal } from './random-normal.ts'
import { sequence, type Operation } from './random-operations.ts'
import { play } from './random-play.ts'
import { startHookServer } from './webhook-server.ts'
import { widgets, type Kind } from './widgets.ts'

/** Where two servers differ. */
export type Difference = {
  readonly seed: number
  /** What was done up to the difference. */
  readonly operations: readonly Operation[]
  readonly at: string
  readonly wanted: Json
  readonly got: Json
}

/** The sequences of `count` seeds from `seed` on. */
export type Run = {
  readonly count: number
  readonly seed: number
  readonly atOnce?: number
  /** Whether managed fields are compared too; they are unless told. */
  readonly managedFields?: boolean
}

const string = { type: 'string' }
const schema = {
  properties: {
    spec: {
      type: 'object',
      properties: {
        n: { type: 'integer', minimum: 1, maximum: 5, default: 2 },
        tag: { ...string, enum: ['red', 'blue', ''] },
      },
      'x-kubernetes-validations': [
        {
          rule: "!has(oldSelf.tag) || oldSelf.tag != 'red' || (has(self.tag) && self.tag == 'red')",
          message: 'red stays red',
        },
      ],
    },
    status: { type: 'object', properties: { phase: { ...string, pattern: '^P[0-9]*$' } } },
  },
  subresources: { status: {} },
}

/** Plays sequences on a real server (`wanted`) and on another (`got`); gives all differences, one a sequence. */
export async function differencesOf(
  { wanted, got }: { readonly wanted: Endpoint; readonly got: Endpoint },
  { count, seed, atOnce = 6, managedFields = true }: Run,
): Promise<readonly Difference[]> {
  const hooks = await startHookServer()
  const connections = [connect(wanted, hooks), connect(got, hooks)]
  const wholes = connections.map((connection) => connection.forCase())
  const stages = await Promise.all(
    wholes.map(async ({ api }) => ({ kind: await widgets(api.suite, schema) })),
  )
  const seeds = Array.from({ length: count }, (_, index) => seed + index)
  const differences: Difference[] = []
  const worker = async (): Promise<void> => {
    for (let next = seeds.shift(); next !== undefined; next = seeds.shift()) {
      const operations = sequence(next)
      const played = await Promise.all(
        connections.map((connection, index) =>
          playOnce(connection, { operations, kind: stages[index]!.kind, managedFields }),
        ),
      )
      const difference = firstDifference(played[0]!, played[1]!)
      if (difference !== undefined) {
        const { index, ...rest } = difference
        differences.push({ seed: next, operations: operations.slice(0, index + 1), ...rest })
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  await Promise.all(connections.map((connection) => connection.close()))
  await hooks.close()
  return differences.sort((a, b) => a.seed - b.seed)
}

type Once = {
  readonly operations: readonly Operation[]
  readonly kind: Kind
  readonly managedFields: boolean
}

async function playOnce(
  connection: ReturnType<typeof connect>,
  { operations, kind, managedFields }: Once,
): Promise<Normal> {
  const { api, done } = connection.forCase()
  const played = normal(await play(api, kind, operations), { managedFields })
  await done()
  return played
}

type Found = Pick<Difference, 'at' | 'wanted' | 'got'> & { readonly index: number }

/** The first answer that differs; else the first watch that does. */
export function firstDifference(wanted: Normal, got: Normal): Found | undefined {
  for (const [index, answer] of wanted.answers.entries()) {
    if (!isDeepStrictEqual(answer, got.answers[index])) {
      return { index, at: `answer ${index}`, wanted: answer, got: got.answers[index] }
    }
  }
  for (const [watch, events] of wanted.watches.entries()) {
    if (!isDeepStrictEqual(events, got.watches[watch])) {
      return {
        index: wanted.answers.length - 1,
        at: `watch ${watch}`,
        wanted: events,
        got: got.watches[watch],
      }
    }
  }
  return undefined
}

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

/** Differences of one sort, by what was done and the first place, the most frequent first: what to mend first. */
export function sorts(differences: readonly Difference[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const { operations, at, wanted, got } of differences) {
    const last = operations.at(-1)
    const what = at.startsWith('watch') ? 'watch' : `${last?.do} ${last?.kind}`
    const sort = `${what} ${(places(wanted, got)[0] ?? '').slice(0, longestPlace)}`
    counts.set(sort, (counts.get(sort) ?? 0) + 1)
  }
  return [...counts].sort((a, b) => b[1] - a[1]).map(([sort, count]) => `${count} x ${sort}`)
}

const mostPlaces = 8
const longestPlace = 240

/** A difference to read: what was done, and what came of it there and here. */
export const described = ({ seed, operations, at, wanted, got }: Difference): string =>
  [
    `seed ${seed}, ${at}`,
    ...operations.map((operation, index) => `  ${index}: ${JSON.stringify(operation)}`),
    ...places(wanted, got).slice(0, mostPlaces),
  ].join('\n')
