/**
 * Until when the leader has looked at everything. A renewed lease says that a leader was there, not that it looked: while
 * an Action could not be understood, or work stood still, a Backup may have ended without its post actions being planned.
 * The next leader must tell those from the ones that were looked at and matched nothing; so this time is kept in the lease.
 */
import type { Clock } from '../clock.ts'

/** What is not looked at yet. Keys are those of the queue. */
export type Looked = {
  /** Something may have happened to the object. */
  readonly note: (key: string) => void
  /** A look begins; gives since when the object waits for it. */
  readonly begin: (key: string) => number
  /** It is decided what to do for the object, or that there is nothing to do. */
  readonly end: (key: string) => void
  /** The look failed: what has waited since then still waits. */
  readonly failed: (key: string, since: number) => void
  /** What ended before this, milliseconds, was looked at. */
  readonly until: () => number
}

/** `before`: until when the former leader had looked; the objects in `keys` were not looked at since. */
export function createLooked(
  keys: readonly string[],
  ports: {
    readonly before: number
    readonly clock: Clock
    /** How far the copies of the API server may be behind, milliseconds. */
    readonly silentMs: () => number
  },
): Looked {
  const { before, clock, silentMs } = ports
  const waiting = new Map(keys.map((key) => [key, before]))
  const looking = new Map<string, number>()
  return {
    note: (key) => {
      if (!waiting.has(key)) waiting.set(key, clock.now())
    },
    begin: (key) => {
      const since = waiting.get(key) ?? clock.now()
      waiting.delete(key)
      looking.set(key, since)
      return since
    },
    end: (key) => void looking.delete(key),
    failed: (key, since) => {
      looking.delete(key)
      waiting.set(key, Math.min(since, waiting.get(key) ?? since))
    },
    until: () => {
      let until = clock.now() - silentMs()
      for (const open of [waiting, looking]) for (const since of open.values()) until = Math.min(until, since)
      return Math.max(before, until)
    },
  }
}
