/** One thread of the store as who asks sees it: one request at a time, given up at its deadline, started anew if it dies. */
import type { EventEmitter } from 'node:events'
import { Worker } from 'node:worker_threads'
import { bareThread } from '../../bare-thread.ts'
import type { Answer, Operation, Operations, Task } from './messages.ts'
import { HistoryError } from './store.ts'

// What tsc emits has another ending than what Node runs while we work.
const file = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)

// A page of 200 records takes 2 MiB; an export step five times that. Nearly all of it is garbage at once: with a young generation of the
// usual size a thread holds 100 MiB more, and is no faster.
const heap = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 8 }

/** What is asked over there: a worker, or what behaves as one. */
type Remote = Pick<Worker, 'postMessage' | 'terminate'> & EventEmitter

/** Starts what answers, with what is given to it. */
export type StartThread = (task: Task) => Remote

/** A thread of its own, with memory of its own. */
const startThread: StartThread = (task) =>
  new Worker(file, { workerData: task, ...bareThread, resourceLimits: heap })

type Waiting = {
  readonly id: number
  readonly resolve: (gives: never) => void
  readonly reject: (error: unknown) => void
}

/** A thread with a connection. Whoever uses it asks for one thing at a time. */
export class Thread {
  readonly #task: Task
  readonly #startThread: StartThread
  #worker: Remote | undefined
  #waiting: Waiting | undefined
  #asked = 0
  #isOpen = false

  constructor(task: Omit<Task, 'giveUp'>, start: StartThread = startThread) {
    this.#startThread = start
    this.#task = { ...task, giveUp: new Int32Array(new SharedArrayBuffer(4)) }
  }

  /** Whether the file is open there. A thread that died is started by the next `ask`, and has nothing open. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Asks; the promise ends when the thread has answered or died. */
  async ask<O extends Operation>(operation: O, asks: Operations[O]['asks']): Promise<Operations[O]['gives']> {
    if (operation === 'close' || operation === 'rebuild') this.#isOpen = false
    const gives = await this.#send(operation, asks)
    if (operation === 'open' || operation === 'rebuild') this.#isOpen = true
    return gives
  }

  #send<O extends Operation>(operation: O, asks: Operations[O]['asks']): Promise<Operations[O]['gives']> {
    const { promise, resolve, reject } = Promise.withResolvers<Operations[O]['gives']>()
    this.#worker ??= this.#start()
    // 0 is "nothing is given up"; numbers go round long after the one with the same number was answered.
    this.#asked = (this.#asked % 0x7fffffff) + 1
    this.#waiting = { id: this.#asked, resolve, reject }
    this.#worker.postMessage({ id: this.#asked, operation, asks })
    return promise
  }

  /** Tells the thread to give up what it is asked now; it answers soon. */
  giveUp(): void {
    Atomics.store(this.#task.giveUp, 0, this.#asked)
  }

  /** Ends the thread, whatever it does. */
  async end(): Promise<void> {
    await this.#worker?.terminate()
  }

  #start(): Remote {
    const worker = this.#startThread(this.#task)
    worker.on('message', (answer: Answer) => this.#answered(answer))
    worker.on('error', (error) => this.#died(worker, error))
    worker.on('exit', () => this.#died(worker, undefined))
    return worker
  }

  #answered(answer: Answer): void {
    const waiting = this.#waiting
    if (waiting?.id !== answer.id) return
    this.#waiting = undefined
    if ('gives' in answer) return waiting.resolve(answer.gives as never)
    const { code, message } = answer.failed
    waiting.reject(code === undefined ? new Error(message) : new HistoryError(code, message))
  }

  #died(worker: Remote, cause: unknown): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    this.#isOpen = false
    const message = 'the thread that reads the history ended; it is started anew, try again'
    this.#waiting?.reject(new HistoryError('UNAVAILABLE', message, { cause }))
    this.#waiting = undefined
  }
}
