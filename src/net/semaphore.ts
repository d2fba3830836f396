/** Lets so many pieces of work run at once; the others wait in the order in which they came. */
export function semaphore(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0
  const waiting: (() => void)[] = []
  return async (work) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      // The place is handed on: it is never free in between.
      if (next === undefined) running -= 1
      else next()
    }
  }
}
