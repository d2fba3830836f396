/**
 * Until when the leader has looked at everything. A renewed lease says that a leader was there, not that it looked: while
 * an Action could not be understood, or work stood still, a Backup may have ended without its post actions being planned.
 * The next leader must tell those from the ones that were looked at and matched nothing; so this time is kept in the lease.
 */

/** Takes a key into the queue; false if there is no room. */
export type Add = (key: string) => boolean

/** What is not looked at yet. Keys are those of the queue, and no more than those. */
export type Looked = {
  /** Something may have happened to the object: it waits, and is given to the queue. */
  readonly offer: (key: string, add: Add) => void
  /**
   * Everything is to be looked at: nothing was yet, or something was turned away before. It is offered in parts: `next` resolves when
   * so many more may come, false if none are wanted any more.
   */
  readonly offerAll: (
    keys: readonly string[],
    add: Add,
    next: (keys: number) => Promise<boolean>,
  ) => Promise<void>
  /** A look begins; gives since when the object waits for it. */
  readonly begin: (key: string) => number
  /** It is decided what to do for the object, or that there is nothing to do. */
  readonly end: (key: string) => void
  /** The look failed: what has waited since then still waits. */
  readonly failed: (key: string, since: number) => void
  /** What ended before this, milliseconds, was looked at. */
  readonly until: () => number
}

// A millisecond or two of the event loop.
const offeredAtOnce = 500

/** `before`: until when the former leader had looked. This one has looked at nothing until everything was offered. */
export function createLooked(ports: {
  readonly before: number
  /** The API server's time, milliseconds: a clock of ours that is ahead would tell of what nobody looked at yet. */
  readonly now: () => number
  /** How far the copies of the API server may be behind, milliseconds. */
  readonly silentMs: () => number
}): Looked {
  const { before, now, silentMs } = ports
  const waiting = new Map<string, number>()
  const looking = new Map<string, number>()
  // Since when one waits that the queue turned away. Which one is not kept: it may be gone before there is room.
  let turnedAway = before
  // Since when those wait that are being offered and are not in `waiting` yet.
  const offering = new Set<{ readonly from: number }>()
  const wait = (key: string, from: number) => waiting.set(key, Math.min(from, waiting.get(key) ?? from))
  const offer = (key: string, add: Add, from: number) => {
    // Before it is added: the look may begin at once.
    wait(key, from)
    if (add(key)) return
    turnedAway = Math.min(turnedAway, waiting.get(key) ?? from)
    waiting.delete(key)
  }
  return {
    offer: (key, add) => offer(key, add, now()),
    offerAll: async (keys, add, next) => {
      const all = { from: Math.min(turnedAway, now()) }
      offering.add(all)
      turnedAway = Number.POSITIVE_INFINITY
      for (let i = 0; i < keys.length; i += offeredAtOnce) {
        if (i > 0 && !(await next(offeredAtOnce))) return
        for (const key of keys.slice(i, i + offeredAtOnce)) offer(key, add, all.from)
      }
      offering.delete(all)
    },
    begin: (key) => {
      const since = waiting.get(key) ?? now()
      waiting.delete(key)
      looking.set(key, since)
      return since
    },
    end: (key) => void looking.delete(key),
    failed: (key, since) => {
      looking.delete(key)
      wait(key, since)
    },
    until: () => {
      let until = Math.min(now() - silentMs(), turnedAway)
      for (const { from } of offering) until = Math.min(until, from)
      for (const open of [waiting, looking]) for (const since of open.values()) until = Math.min(until, since)
      return Math.max(before, until)
    },
  }
}
