/** One watch from its request to its end: lines made into events, torn down by our own clock when it falls silent. */
import { agoMs, momentOf, type Clock, type Moment } from '../clock.ts'
import type { KubeClient, Query } from './client.ts'
import { KubeError } from './errors.ts'
import { createLines } from './lines.ts'
import { createSlices } from './slices.ts'
import { watchEventIn } from './watch-event.ts'
import type { WatchEvent } from './watch-event.ts'

/** One watch. */
export type WatchOnce = {
  readonly client: KubeClient
  readonly clock: Clock
  readonly path: string
  readonly query: Query
  readonly signal: AbortSignal
  /** How long it may be silent, asked anew each time; a half-open connection says nothing for ever. */
  readonly silenceMs: () => number
  /** The server has answered: events may come. */
  readonly onOpen: () => void
  /** Told of every event, in order. What it throws ends the watch. */
  readonly onEvent: (event: WatchEvent) => void
}

// etcd takes 1.5 MiB; escaped at its worst (six characters for a control character) this is 9 MiB of JSON.
const largestLine = 16 * 1024 * 1024
const openMs = 30_000
const lookMs = 15_000

/** Resolves when the server ends the watch cleanly; everything else is thrown, the caller's abort too. */
export async function watchOnce(watch: WatchOnce): Promise<void> {
  const { clock, client, path, query } = watch
  const end = new AbortController()
  const signal = AbortSignal.any([watch.signal, end.signal])
  let heardAt = momentOf(clock)
  const watchdog = guard(watch, () => heardAt, end)
  try {
    const chunks = await client.stream({ path, query, signal, timeoutMs: openMs, retry: false })
    watch.onOpen()
    await readEvents(chunks, watch, () => (heardAt = momentOf(clock)))
  } finally {
    end.abort()
    await watchdog
  }
}

async function readEvents(
  chunks: AsyncIterable<Uint8Array>,
  watch: WatchOnce,
  heard: () => void,
): Promise<void> {
  const lines = createLines(largestLine)
  const slice = createSlices()
  for await (const chunk of chunks) {
    for (const line of lines.push(chunk)) {
      watch.onEvent(watchEventIn(line))
      heard() // Whole lines only: bytes that trickle and never make an event are silence too.
    }
    await slice(chunk.length)
    watch.signal.throwIfAborted()
  }
}

/** Ends the watch when nothing was heard for too long. */
async function guard(watch: WatchOnce, heardAt: () => Moment, end: AbortController): Promise<void> {
  const { clock } = watch
  const silent = () => agoMs(clock, heardAt())
  const signal = AbortSignal.any([watch.signal, end.signal])
  try {
    for (let left = watch.silenceMs(); left > 0; left = watch.silenceMs() - silent()) {
      await clock.sleep(Math.min(left, lookMs), signal) // In steps, because what is borne changes on the way.
    }
  } catch {
    return // The watch has ended.
  }
  end.abort(
    new KubeError(
      'TIMEOUT',
      `a watch of ${watch.path} must be heard of within ${watch.silenceMs() / 1000} s, got nothing`,
    ),
  )
}
