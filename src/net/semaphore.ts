/** Lets so many pieces of work run at once; the others wait in the order in which they came, or until their signal aborts. */
import { line } from '../until.ts'

/** Runs work when it has a place; rejects with the signal's reason if that aborts before. */
export type Semaphore = <T>(work: () => Promise<T>, signal?: AbortSignal) => Promise<T>

/** Makes one with so many places. */
export function semaphore(most: number): Semaphore {
  let running = 0
  const { wait, next } = line()
  const leave = () => {
    // The place is handed on: it is never free in between.
    if (!next()) running -= 1
  }
  const enter = async (signal: AbortSignal | undefined) => {
    if (running < most) running += 1
    else await wait(signal, leave)
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
