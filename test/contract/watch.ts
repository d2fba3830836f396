/** A watch as an async iterator that can be closed. */
import assert from 'node:assert/strict'
import { createInterface } from 'node:readline'
import { begin, brokeOff, type Json, type Options, type Wire } from './http.ts'

/** One event of a watch. */
export type WatchEvent = { readonly type: string; readonly object: Json }

/** The events of one watch request, in order. */
export type Watch = AsyncIterable<WatchEvent> & {
  /** The next event; undefined when the server ended the watch; fails if none comes in time, times the patience. */
  readonly next: (ms?: number) => Promise<WatchEvent | undefined>
  /** The next `count` events, each as `TYPE name`. */
  readonly take: (count: number) => Promise<readonly string[]>
  /** Reads on to the event that `wanted` is true for, and gives it. */
  readonly until: (wanted: (event: WatchEvent) => boolean, ms?: number) => Promise<WatchEvent>
  /** All events until the server ends the watch. */
  readonly rest: () => Promise<readonly WatchEvent[]>
  readonly close: () => void
}

/** How an event is written in assertions. */
export const brief = (event: WatchEvent): string =>
  event.type === 'ERROR'
    ? `ERROR ${event.object.code}`
    : `${event.type} ${event.object.metadata?.name ?? ''}`.trim()

const patience = 10_000

/** Begins a watch; fails at once, with the answer, if the server does not take it up with 200. */
export async function beginWatch(wire: Wire, path: string, options: Options): Promise<Watch> {
  const ending = new AbortController()
  const query = { ...options.query, watch: 'true' }
  const incoming = await begin(wire, ['GET', path], { ...options, query, signal: ending.signal })
  if (incoming.statusCode !== 200) {
    assert.fail(
      `watch ${path}: ${incoming.statusCode} ${(await incoming.setEncoding('utf8').toArray()).join('')}`,
    )
  }
  // Closing aborts the request, which is no failure of the reader.
  incoming.on('error', () => {})
  const lines = createInterface({ input: incoming, crlfDelay: Infinity })[Symbol.asyncIterator]()
  const next = () => lines.next().catch((cause: unknown) => brokeOff(wire, ['GET', path], cause))
  return reading({ next }, () => ending.abort(), wire.endpoint.patience)
}

function reading(lines: Pick<AsyncIterator<string>, 'next'>, close: () => void, times = 1): Watch {
  const next = async (ms = patience): Promise<WatchEvent | undefined> => {
    const line = await within(lines.next(), ms * times)
    return line.done === true ? undefined : JSON.parse(line.value)
  }
  const one = async (ms = patience): Promise<WatchEvent> =>
    (await next(ms)) ?? assert.fail('the watch ended too early')
  const rest = async (): Promise<readonly WatchEvent[]> => {
    const event = await next(patience * 2)
    return event === undefined ? [] : [event, ...(await rest())]
  }
  const until: Watch['until'] = async (wanted, ms = patience) => {
    const event = await one(ms)
    return wanted(event) ? event : until(wanted, ms)
  }
  const take = async (count: number): Promise<readonly string[]> => {
    const taken: string[] = []
    while (taken.length < count) taken.push(brief(await one()))
    return taken
  }
  async function* events(): AsyncGenerator<WatchEvent> {
    for (let event = await next(); event !== undefined; event = await next()) yield event
  }
  return { next, take, until, rest, close, [Symbol.asyncIterator]: events }
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no event within ${ms} ms`)), ms)
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
