/** Plays random sequences on two servers and finds the first place in which they differ. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { connect, type Connection } from './api.ts'
import type { Endpoint, Json } from './http.ts'
import { openFeeds } from './random-feeds.ts'
import { customs } from './random-kinds.ts'
import { normal, type Normal } from './random-normal.ts'
import { sequence, type Sequence } from './random-operations.ts'
import { last, play, type Theatre } from './random-play.ts'
import { hasControllers } from './suite.ts'
import { startHookServer } from './webhook-server.ts'

/** Where two servers differ. */
export type Difference = Found & {
  readonly seed: number
  readonly sequence: Sequence
}

/** The first answer or watch that differs, and how. */
export type Found = {
  /** Of the answer, or of the last one if a watch differs. */
  readonly index: number
  readonly at: string
  readonly wanted: Json
  readonly got: Json
}

/** The real server (`wanted`) and another (`got`). */
export type Servers = { readonly wanted: Endpoint; readonly got: Endpoint }

/** The sequences of `count` seeds from `seed` on. */
export type Run = {
  readonly count: number
  readonly seed: number
  readonly atOnce?: number
  /** Whether managed fields are compared too; they are unless told. */
  readonly managedFields?: boolean
  /** No sequence is begun after so long. */
  readonly forMs?: number
  /** Called after each sequence. */
  readonly onPlayed?: (played: number) => void
}

/** Two servers that are ready to be played on. */
export type Pair = {
  /** Plays a sequence on both; undefined if they agree. */
  readonly compare: (sequence: Sequence) => Promise<Found | undefined>
  readonly close: () => Promise<void>
}

/** Makes the kinds on both servers and begins to watch them. */
export async function openPair({ wanted, got }: Servers, { managedFields = true } = {}): Promise<Pair> {
  // Its garbage collector would take away, at any moment, what has an owner that is gone.
  assert(!(await hasControllers(wanted)), 'the server must be without controllers: see test/cluster/light.sh')
  const hooks = await startHookServer()
  const connections = [connect(wanted, hooks), connect(got, hooks)]
  const theatres = await Promise.all(connections.map(openTheatre))
  return {
    compare: async (played) => {
      const [there, here] = await Promise.all(
        theatres.map(async (one) => normal(await play(one, played), { managedFields })),
      )
      return firstDifference(there ?? nothing, here ?? nothing)
    },
    close: async () => {
      await Promise.all(connections.map((connection) => connection.close()))
      await hooks.close()
    },
  }
}

const nothing: Normal = { answers: [], watches: [] }

/** What each sequence comes to on one server, as a digest of its normalised answers and watches. */
export async function digestsOf(
  server: Endpoint,
  seeds: readonly number[],
): Promise<ReadonlyMap<number, string>> {
  const hooks = await startHookServer()
  const connection = connect(server, hooks)
  const theatre = await openTheatre(connection)
  const entries = await Promise.all(
    seeds.map(async (seed) => {
      const came = normal(await play(theatre, sequence(seed)))
      return [seed, createHash('sha256').update(canonical(came)).digest('hex').slice(0, 16)] as const
    }),
  )
  await connection.close()
  await hooks.close()
  return new Map(entries)
}

/** JSON with the keys in order: some of them were uids. */
function canonical(value: Json): string {
  return JSON.stringify(value, (_, one: Json) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  )
}

async function openTheatre(connection: Connection): Promise<Theatre> {
  const { api } = connection.forCase()
  const kinds = await customs(api.suite)
  return { api, kinds, feeds: await openFeeds(api, kinds, last) }
}

/** Plays sequences on both servers; gives all differences, one a sequence. */
export async function differencesOf(servers: Servers, run: Run): Promise<readonly Difference[]> {
  const { count, seed, atOnce = 16, forMs = Infinity, onPlayed } = run
  const until = performance.now() + forMs
  let played = 0
  const pair = await openPair(servers, run)
  const seeds = Array.from({ length: count }, (_, index) => seed + index)
  const differences: Difference[] = []
  const worker = async (): Promise<void> => {
    for (let next = seeds.shift(); next !== undefined; next = seeds.shift()) {
      if (performance.now() > until) return
      const whole = sequence(next)
      const found = await pair.compare(whole)
      if (found !== undefined) differences.push({ seed: next, sequence: whole, ...found })
      onPlayed?.((played += 1))
    }
  }
  try {
    await Promise.all(Array.from({ length: atOnce }, worker))
  } finally {
    await pair.close()
  }
  return differences.sort((a, b) => a.seed - b.seed)
}

/** The sequence without the operations that the difference does not need: each is left out, for good if they still differ. */
export async function smallest(
  pair: Pair,
  whole: Sequence,
): Promise<{ sequence: Sequence; found: Found } | undefined> {
  const found = await pair.compare(whole)
  if (found === undefined) return undefined
  let best = { sequence: cut(whole, found), found }
  for (let index = best.sequence.operations.length - 1; index >= 0; index -= 1) {
    const operations = best.sequence.operations.toSpliced(index, 1)
    const without = operations.length === 0 ? undefined : await pair.compare({ ...best.sequence, operations })
    if (without !== undefined)
      best = { sequence: cut({ ...best.sequence, operations }, without), found: without }
    index = Math.min(index, best.sequence.operations.length)
  }
  return best
}

// What comes after the first different answer has no part in it.
const cut = ({ operations, watches }: Sequence, { index, at }: Found): Sequence => ({
  operations: operations.slice(0, index + 1),
  watches: at.startsWith('watch') ? watches : [],
})

/** The first answer that differs; else the first watch that does. */
export function firstDifference(wanted: Normal, got: Normal): Found | undefined {
  for (const [index, answer] of wanted.answers.entries()) {
    if (!isDeepStrictEqual(answer, got.answers[index]))
      return { index, at: `answer ${index}`, wanted: answer, got: got.answers[index] }
  }
  for (const [watch, events] of wanted.watches.entries()) {
    if (!isDeepStrictEqual(events, got.watches[watch]))
      return {
        index: wanted.answers.length - 1,
        at: `watch ${watch}`,
        wanted: events,
        got: got.watches[watch],
      }
  }
  return undefined
}
