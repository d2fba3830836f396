/** Work that follows a write, done soon after it and never within it. */

/** Runs each named piece of work once, however often it was asked for meanwhile. */
export type Later = { readonly soon: (name: string, work: () => void) => void; readonly stop: () => void }

/** Makes a queue on the event loop: no timers, so that tests need not wait for time. */
export function makeLater(): Later {
  const waiting = new Map<string, () => void>()
  let running: NodeJS.Immediate | undefined
  const run = (): void => {
    running = undefined
    const now = [...waiting.values()]
    waiting.clear()
    for (const work of now) work()
  }
  return {
    soon: (name, work) => {
      waiting.set(name, work)
      running ??= setImmediate(run)
    },
    stop: () => {
      waiting.clear()
      if (running !== undefined) clearImmediate(running)
    },
  }
}
