/**
 * A queue of keys, level-triggered: a key says that something may have changed, never what. As client-go's work queue:
 * a key waits once, runs once at a time, and runs again if it was added while it ran.
 */
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { backoffMs, Delays } from './queue-delays.ts'
import { Slots, usualSlots } from './queue-slots.ts'

/** What a queue needs. */
export type QueueOptions = {
  readonly clock: Clock
  readonly log: Log
  /** For the log: `post`. */
  readonly name: string
  /** Looks at one key and does what its state asks for. What it throws is logged, and the key comes again after a backoff. */
  readonly work: (key: string, signal: AbortSignal) => Promise<void>
  readonly workers?: number
  /** After how long a look gives its worker back: it goes on, and its key runs until it ends. */
  readonly slowAfterMs?: number
  /** How many looks may go on so; more of them keep their workers. */
  readonly maxSlow?: number
  /** How many keys may wait, run or be due later. */
  readonly maxKeys?: number
  /** After keys were turned away, there is room again: add every key anew. */
  readonly onRoom?: () => void
  /** How long one look may take before its signal aborts and its worker takes another key. */
  readonly workTimeoutMs?: number
  /** How long running work may go on after a stop before its signal aborts. */
  readonly drainMs?: number
  /** Resolves after a turn of the event loop, one of which lies between two looks. */
  readonly turn?: () => Promise<unknown>
}

/** How full a queue is, for metrics. */
export type QueueDepth = {
  readonly waiting: number
  readonly running: number
  /** How many of the running ones are slow. */
  readonly slow: number
  readonly later: number
  /** Keys turned away so far because the queue was full. */
  readonly dropped: number
  readonly failed: number
}

/** A queue of keys. */
export type Queue = {
  /** False if the queue is full or stopped. */
  readonly add: (key: string) => boolean
  /** Adds a key after `ms`; the earliest of several times counts. */
  readonly addAfter: (key: string, ms: number) => boolean
  /**
   * Works until the signal aborts; resolves when all that ran has ended or was given up. What runs has `drainMs` to end, but none once
   * `atOnce` aborts. To be called once.
   */
  readonly start: (signal: AbortSignal, atOnce?: AbortSignal) => Promise<void>
  readonly depth: () => QueueDepth
  /** Resolves after a turn of the event loop, once so many keys may come in; false once the signal aborts. */
  readonly room: (keys: number, signal: AbortSignal) => Promise<boolean>
}

// The objects of a large cluster, a few times over; a key has about 100 bytes.
const usualMaxKeys = 100_000
const usualWorkMs = 300_000
// Some hundred looks.
const roomMs = 20
const usualDrainMs = 10_000

/** A queue that keeps keys from the first `add` and works on them from `start`. */
export function createQueue(options: QueueOptions): Queue {
  const queue = new KeyQueue(options)
  return {
    add: (key) => queue.add(key),
    addAfter: (key, ms) => queue.addAfter(key, ms),
    start: (signal, atOnce) => queue.run(signal, atOnce),
    depth: () => queue.depth(),
    room: (keys, signal) => queue.room(keys, signal),
  }
}

class KeyQueue {
  readonly #options: QueueOptions
  readonly #delays: Delays
  /** In the order in which they came. */
  readonly #waiting = new Set<string>()
  /** Being worked on; true: added again meanwhile. */
  readonly #running = new Map<string, boolean>()
  readonly #failures = new Map<string, number>()
  readonly #abort = new AbortController()
  readonly #slots: Slots
  #started = false
  #filling = false
  #stopped = false
  #dropped = 0
  #owed = false
  #failed = 0

  constructor(options: QueueOptions) {
    this.#options = options
    this.#delays = new Delays(options.clock, (key) => this.#enqueue(key))
    this.#slots = new Slots({ ...usualSlots, ...options }, () => this.#freed())
  }

  depth(): QueueDepth {
    return {
      waiting: this.#waiting.size,
      running: this.#running.size,
      slow: this.#slots.slow,
      later: this.#delays.size,
      dropped: this.#dropped,
      failed: this.#failed,
    }
  }

  add(key: string): boolean {
    if (!this.#admit(key)) return false
    this.#enqueue(key)
    return true
  }

  addAfter(key: string, ms: number): boolean {
    if (ms <= 0) return this.add(key)
    if (!this.#admit(key)) return false
    if (!this.#waiting.has(key)) this.#delays.add(key, ms)
    return true
  }

  async room(keys: number, signal: AbortSignal): Promise<boolean> {
    await (this.#options.turn ?? setImmediate)()
    while (!signal.aborted && this.#size() + keys > this.#maxKeys())
      await this.#options.clock.sleep(roomMs, signal).catch(() => undefined)
    return !signal.aborted
  }

  async run(signal: AbortSignal, atOnce?: AbortSignal): Promise<void> {
    if (this.#started) throw new TypeError('a queue can be started only once')
    this.#started = true
    const end = () => this.#abort.abort(atOnce?.reason)
    atOnce?.addEventListener('abort', end, { once: true })
    if (atOnce?.aborted === true) end()
    const stopped = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => stopped.resolve(), { once: true })
    if (signal.aborted) stopped.resolve()
    void this.#fill()
    await stopped.promise
    this.#stopped = true
    this.#waiting.clear() // Level-triggered: what is not looked at now is found at the next start.
    this.#delays.close()
    await this.#drain()
    atOnce?.removeEventListener('abort', end)
  }

  /** Whether a key may come in: it is known, or there is room. */
  #admit(key: string): boolean {
    if (this.#stopped) return false
    if (this.#waiting.has(key) || this.#running.has(key) || this.#delays.has(key)) return true
    if (this.#size() < this.#maxKeys()) return true
    this.#dropped++
    if (!this.#owed)
      this.#options.log.error(
        { queue: this.#options.name, keys: this.#size() },
        'the queue is full; keys are turned away',
      )
    this.#owed = true
    return false
  }

  #maxKeys(): number {
    return this.#options.maxKeys ?? usualMaxKeys
  }

  #size(): number {
    return this.#waiting.size + this.#running.size + this.#delays.size
  }

  #enqueue(key: string): void {
    this.#delays.remove(key)
    if (this.#running.has(key)) this.#running.set(key, true)
    else this.#waiting.add(key)
    void this.#fill()
  }

  /** Starts work while there are keys and free workers: looks that wait for nothing would stop the event loop in a row. */
  async #fill(): Promise<void> {
    if (this.#filling || !this.#started || this.#stopped) return
    this.#filling = true
    for (const key of this.#waiting) {
      if (!this.#slots.free) break
      this.#waiting.delete(key)
      this.#running.set(key, false)
      this.#slots.hold(this.#runInTime(key))
      await (this.#options.turn ?? setImmediate)()
    }
    this.#filling = false
  }

  #freed(): void {
    void this.#fill()
    if (!this.#owed || this.#size() > this.#maxKeys() / 2) return
    this.#owed = false
    this.#options.onRoom?.()
  }

  /** One look, for as long as it counts: one that does not end keeps its key, and is waited for no more. */
  async #runInTime(key: string): Promise<void> {
    const { clock, log, name, workTimeoutMs = usualWorkMs } = this.#options
    const deadline = clock.abortAfter(workTimeoutMs)
    const signal = AbortSignal.any([deadline.signal, this.#abort.signal])
    const work = this.#look(key, signal)
    const late = Promise.withResolvers<'late'>()
    deadline.signal.addEventListener('abort', () => late.resolve('late'), { once: true })
    const ended = await Promise.race([work, late.promise])
    deadline.release()
    if (ended === 'late')
      log.error(
        { queue: name, key, afterMs: workTimeoutMs },
        'a look at a key does not end; the queue goes on without it',
      )
  }

  async #look(key: string, signal: AbortSignal): Promise<void> {
    const { clock, log, name, work } = this.#options
    try {
      await work(key, signal)
      this.#failures.delete(key)
      this.#leave(key)
    } catch (error) {
      this.#failed++
      const failures = (this.#failures.get(key) ?? 0) + 1
      this.#failures.set(key, failures)
      const ms = backoffMs(failures, clock.random())
      if (!this.#stopped)
        log.warn(
          { queue: name, key, failures, againInMs: Math.round(ms), err: error },
          'a look at a key failed',
        )
      this.#leave(key, ms)
    }
  }

  /** The key runs no more; it comes again if it was added meanwhile, or after `againMs`. */
  #leave(key: string, againMs?: number): void {
    const dirty = this.#running.get(key) === true
    this.#running.delete(key)
    if (this.#stopped) return
    if (dirty && againMs === undefined) this.#enqueue(key)
    else if (againMs !== undefined) this.#delays.add(key, againMs)
  }

  /** Waits for what runs; aborts it after `drainMs`, and gives it up after as much again. */
  async #drain(): Promise<void> {
    const { clock, drainMs = usualDrainMs, log, name } = this.#options
    for (const step of ['wait', 'abort'] as const) {
      if (step === 'abort') this.#abort.abort(new Error('the queue is stopped'))
      const deadline = clock.abortAfter(drainMs)
      const late = Promise.withResolvers<void>()
      deadline.signal.addEventListener('abort', () => late.resolve(), { once: true })
      await Promise.race([this.#slots.ended(), late.promise])
      deadline.release()
      if (this.#slots.size === 0) return
    }
    log.warn(
      { queue: name, keys: [...this.#running.keys()].slice(0, 20) },
      'work did not end after the stop and is given up',
    )
  }
}
