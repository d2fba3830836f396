/** Lets so many pieces of work run at once; the others wait in the order in which they came, or until their signal aborts. */
import { unlessAborted } from '../until.ts'

/** Runs work when it has a place; rejects with the signal's reason if that aborts before. */
export type Semaphore = <T>(work: () => Promise<T>, signal?: AbortSignal) => Promise<T>

/** Makes one with so many places. */
export function semaphore(most: number): Semaphore {
  let running = 0
  // A Set keeps the order in which they came.
  const waiting = new Set<() => void>()
  const leave = () => {
    const [next] = waiting
    // The place is handed on: it is never free in between.
    if (next === undefined) running -= 1
    else next()
  }
  const enter = async (signal: AbortSignal | undefined) => {
    if (running < most) {
      running += 1
      return
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    const turn = () => {
      waiting.delete(turn)
      resolve()
    }
    waiting.add(turn)
    try {
      await (signal === undefined ? promise : unlessAborted(signal, promise))
    } catch (error) {
      // Who was given a place in the moment in which it gave up hands it on.
      if (!waiting.delete(turn)) leave()
      throw error
    }
  }
  return async (work, signal) => {
    await enter(signal)
    try {
      return await work()
    } finally {
      leave()
    }
  }
}
