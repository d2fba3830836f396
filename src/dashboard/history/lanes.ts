/** Who asks waits in a line for the next free thread, no longer than a deadline. */
import type { Clock } from '../../clock.ts'
import { unlessAborted } from '../../until.ts'
import type { Operation, Operations } from './messages.ts'
import { HistoryError } from './store.ts'
import type { Thread } from './thread.ts'

// More than this many waiting means that they come faster than they are answered: the newest is told so at once.
const mostWaiting = 256

/** How long an answer may take, waiting included. */
export type Patience = { readonly ms: number; readonly signal?: AbortSignal }

/** Some threads that answer the same questions. */
export class Lanes {
  readonly #clock: Clock
  readonly #prepare: (thread: Thread) => Promise<unknown>
  readonly #all: readonly Thread[]
  readonly #free: Thread[]
  readonly #waiting: ((thread: Thread) => void)[] = []

  /** `prepare` opens the file on a thread that was started. */
  constructor(threads: readonly Thread[], clock: Clock, prepare: (thread: Thread) => Promise<unknown>) {
    this.#all = threads
    this.#free = [...threads]
    this.#clock = clock
    this.#prepare = prepare
  }

  /** Asks the next free thread. */
  async ask<O extends Operation>(
    operation: O,
    asks: Operations[O]['asks'],
    { ms, signal }: Patience,
  ): Promise<Operations[O]['gives']> {
    signal?.throwIfAborted()
    const deadline = this.#clock.abortAfter(ms)
    const signals = signal === undefined ? [deadline.signal] : [deadline.signal, signal]
    const stop = AbortSignal.any(signals)
    try {
      const thread = await this.#thread(stop)
      return await this.#on(thread, stop, async () => {
        if (!thread.isOpen) await this.#prepare(thread)
        stop.throwIfAborted()
        return thread.ask(operation, asks)
      })
    } catch (error) {
      signal?.throwIfAborted()
      if (!deadline.signal.aborted || !isGivenUp(error, deadline.signal)) throw error
      throw new HistoryError(
        'SLOW',
        `the history must answer within ${ms / 1000} s, got no answer and gave up; ask for a shorter span of time or a rarer word`,
      )
    } finally {
      deadline.release()
    }
  }

  /** Holds every thread, so that nobody uses the file meanwhile. */
  async alone<T>(work: (threads: readonly Thread[]) => Promise<T>): Promise<T> {
    const held = await Promise.all(this.#all.map(() => new Promise<Thread>((resolve) => this.#next(resolve))))
    try {
      return await work(held)
    } finally {
      for (const thread of held) this.#release(thread)
    }
  }

  /** Does something with a thread. Who gives up does not wait for it, but the thread is free only when it has answered. */
  async #on<T>(thread: Thread, stop: AbortSignal, work: () => Promise<T>): Promise<T> {
    const giveUp = () => thread.giveUp()
    stop.addEventListener('abort', giveUp, { once: true })
    const answer = work().finally(() => {
      stop.removeEventListener('abort', giveUp)
      this.#release(thread)
    })
    return unlessAborted(stop, answer)
  }

  async #thread(stop: AbortSignal): Promise<Thread> {
    if (this.#free.length === 0 && this.#waiting.length >= mostWaiting)
      throw new HistoryError('BUSY', `at most ${mostWaiting} queries of the history may wait; try again`)
    const { promise, resolve } = Promise.withResolvers<Thread>()
    this.#next(resolve)
    try {
      return await unlessAborted(stop, promise)
    } catch (error) {
      const place = this.#waiting.indexOf(resolve)
      if (place === -1) void promise.then((thread) => this.#release(thread))
      else this.#waiting.splice(place, 1)
      throw error
    }
  }

  #next(take: (thread: Thread) => void): void {
    const thread = this.#free.shift()
    if (thread === undefined) this.#waiting.push(take)
    else take(thread)
  }

  #release(thread: Thread): void {
    const next = this.#waiting.shift()
    // The last one that worked is the first one to work: a second thread is started only where two are needed.
    if (next === undefined) this.#free.unshift(thread)
    else next(thread)
  }
}

const isGivenUp = (error: unknown, signal: AbortSignal): boolean =>
  error === signal.reason || (error instanceof HistoryError && error.code === 'CANCELLED')
