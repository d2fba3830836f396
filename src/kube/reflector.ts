/**
 * A reflector: a projected copy of a collection that follows the API server, whatever happens to the connection.
 * Each round sees everything (by watch-list, or by pages where the server has none) if its place is lost, then watches.
 */
import { unlessAborted } from '../until.ts'
import type { Query } from './client.ts'
import { isKubeError } from './errors.ts'
import { listOnce } from './list-stream.ts'
import { Reflected } from './reflected.ts'
import type { Reflector, ReflectorOptions } from './reflector-options.ts'
import { nextRound } from './reflector-pace.ts'
import { watchOnce } from './watch-stream.ts'

const usualPage = 500

// client-go lets a watch live 5 to 10 minutes, so that the load spreads over API servers again and again.
const shortestWatchSeconds = 300
const marginMs = 15_000
// Bookmarks come once a minute (cacher.go: bookmarkFrequency): two and a half of them missed is a dead connection.
const bookmarkSilenceMs = 150_000
// The server may wait for etcd's progress before initial events; one that ignores sendInitialEvents never ends them.
const initialSilenceMs = 30_000

/** A reflector that does nothing until `start`. */
export function createReflector<T>(options: ReflectorOptions<T>): Reflector<T> {
  const state = new Reflected(options)
  let started = false
  return {
    start: async (signal) => {
      if (started) throw new TypeError('a reflector can be started only once')
      started = true
      await follow(new Rounds(options, state, signal))
    },
    synced: () => state.synced,
    silentMs: () => state.silentMs(),
    trouble: () => state.trouble,
    get: (namespace, name) => state.store.get(state.keyOf(namespace, name)),
    list: () => state.store.list(),
    byIndex: (name, value) => state.store.byIndex(name, value),
    whenSynced: (signal) => unlessAborted(signal, state.whenSynced),
    counts: () => ({ ...state.counts }),
  }
}

/** Round after round until the signal aborts. */
async function follow<T>(rounds: Rounds<T>): Promise<void> {
  while (!rounds.signal.aborted) {
    const error = await rounds.round().then(
      () => undefined,
      (caught: unknown) => caught ?? new Error('unknown'),
    )
    if (rounds.signal.aborted) return
    await rounds.pause(error)
  }
}

class Rounds<T> {
  readonly signal: AbortSignal
  readonly #options: ReflectorOptions<T>
  readonly #state: Reflected<T>
  #pages = false
  #failures = 0
  #liveSince: number | undefined
  #complaint: string | undefined

  constructor(options: ReflectorOptions<T>, state: Reflected<T>, signal: AbortSignal) {
    this.#options = options
    this.#state = state
    this.signal = signal
  }

  /** Sees everything if need be, then watches until the watch ends. */
  async round(): Promise<void> {
    const { clock } = this.#options
    const state = this.#state
    this.#liveSince = undefined
    if (state.place === undefined && this.#pages) await this.#list()
    if (state.place === undefined) state.begin()
    state.counts.watches++
    const seconds = shortestWatchSeconds + Math.floor(clock.random() * shortestWatchSeconds)
    await watchOnce({
      ...this.#world(),
      query: this.#watchQuery(seconds),
      silenceMs: () => this.#silenceMs(seconds),
      onOpen: () => this.#live(),
      onEvent: (event) => {
        state.take(event)
        this.#live()
      },
    })
  }

  #world() {
    const { client, clock, path } = this.#options
    return { client, clock, path, signal: this.signal }
  }

  #selectors(): Query {
    const { labelSelector, fieldSelector } = this.#options
    return { labelSelector, fieldSelector }
  }

  async #list(): Promise<void> {
    const state = this.#state
    const resourceVersion = await listOnce({
      ...this.#world(),
      query: this.#selectors(),
      pageSize: this.#options.pageSize ?? usualPage,
      onBegin: () => state.begin(),
      onObject: (raw) => void state.put(raw),
    })
    state.complete(resourceVersion)
  }

  #watchQuery(timeoutSeconds: number): Query {
    const common = { ...this.#selectors(), watch: true, allowWatchBookmarks: true, timeoutSeconds }
    const { place } = this.#state
    if (place !== undefined) return { ...common, resourceVersion: place }
    return { ...common, sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }
  }

  #silenceMs(timeoutSeconds: number): number {
    if (this.#state.initial) return initialSilenceMs
    return this.#state.bookmarked ? bookmarkSilenceMs : timeoutSeconds * 1000 + marginMs
  }

  /** Notes since when the copy follows; while everything is still being seen anew, it does not. */
  #live(): void {
    if (this.#state.initial) return
    this.#liveSince ??= this.#options.clock.steady()
    this.#state.trouble = undefined
    if (this.#complaint === undefined) return
    this.#complaint = undefined
    this.#options.log.info({ path: this.#options.path }, 'the watch is live again')
  }

  /** Waits as long as the end of the round asks for. */
  async pause(end: unknown): Promise<void> {
    const { clock } = this.#options
    const state = this.#state
    state.garbled(end)
    const liveMs = this.#liveSince === undefined ? 0 : clock.steady() - this.#liveSince
    const next = nextRound({
      error: end,
      liveMs,
      failures: this.#failures,
      initial: state.initial && !this.#pages,
      random: clock.random(),
    })
    this.#failures = next.failures
    this.#pages ||= next.pages
    if (next.relist || state.initial) state.place = undefined
    if (next.pages)
      this.#options.log.info({ path: this.#options.path, err: end }, 'no watch-list here; listing in pages')
    else this.#complain(end, next.waitMs)
    if (next.waitMs > 0) await orEnded(clock.sleep(next.waitMs, this.signal))
  }

  /** Logs a trouble when it begins and when it changes, not at every attempt. */
  #complain(error: unknown, waitMs: number): void {
    const { log, path } = this.#options
    const trouble = error === undefined ? undefined : isKubeError(error) ? error.code : 'internal'
    const known = trouble === this.#complaint
    this.#complaint = trouble
    this.#state.trouble = trouble === undefined || trouble === 'GONE' ? undefined : wordsOf(error)
    if (trouble === undefined || trouble === 'GONE' || known) {
      log.debug({ path, waitMs, code: trouble }, 'a watch ended')
      return
    }
    log.warn({ path, waitMs, code: trouble, err: error }, 'a watch broke off; it is begun again')
  }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** A wait that may be cut short. */
async function orEnded(wait: Promise<void>): Promise<void> {
  try {
    await wait
  } catch {
    return // The signal aborted; the loop sees it.
  }
}
