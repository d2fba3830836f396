/**
 * Threads that outlive the stores of a test: starting one takes longer than most tests ask of it. Each serves one connection at a time,
 * as a thread of its own does. Nothing else differs: the same requests cross the same kind of port.
 */
import { EventEmitter, once } from 'node:events'
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads'
import { bareThread } from '../../../src/bare-thread.ts'
import type { StartThread } from '../../../src/dashboard/history/thread.ts'

const file = new URL('./lasting-thread.ts', import.meta.url)
const free: Worker[] = []

/** Takes a thread that is free, or starts one. */
export const lastingThread: StartThread = (task) => {
  const worker = free.pop() ?? new Worker(file, bareThread)
  const { port1, port2 } = new MessageChannel()
  worker.postMessage({ task, port: port2 }, [port2])
  return new Lent(worker, port1)
}

class Lent extends EventEmitter {
  readonly #worker: Worker
  readonly #port: MessagePort

  constructor(worker: Worker, port: MessagePort) {
    super()
    this.#worker = worker
    this.#port = port
    worker.ref()
    port.on('message', (answer) => this.emit('message', answer))
    worker.once('error', this.#failed)
  }

  readonly #failed = (error: unknown) => this.emit('error', error)

  postMessage(request: unknown): void {
    this.#port.postMessage(request)
  }

  async terminate(): Promise<number> {
    const freed = once(this.#worker, 'message')
    this.#port.close()
    await freed
    this.#worker.off('error', this.#failed)
    this.#worker.unref()
    free.push(this.#worker)
    this.emit('exit', 0)
    return 0
  }
}
