/** What whoever follows 50,000 Backups says of it, as JSON on its last line. */
import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Agent, request } from 'undici'

/** Times in milliseconds, memory in MiB. */
export type Followed = {
  readonly syncMs: number
  /** The longest time that the event loop was blocked until all were known. */
  readonly blockMs: number
  readonly heapMb: number
  readonly rssMb: number
  readonly eventsPerSecond: number
  readonly rssEndMb: number
}

const rss = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024

/** Follows: `sync` resolves when all are known, `events` when so many more were seen after the server was told to go on. Node runs with --expose-gc. */
export async function follow(given: {
  readonly count: number
  /** The API server: told to send the events (bench/go/backups). */
  readonly server: string
  readonly sync: () => Promise<void>
  readonly events: () => Promise<void>
}): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const began = performance.now()
  await given.sync()
  const syncMs = performance.now() - began
  delay.disable()
  globalThis.gc?.()
  const [heapMb, rssMb] = [process.memoryUsage().heapUsed / 2 ** 20, rss()]
  const seen = given.events()
  const from = performance.now()
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } })
  await (await request(`${given.server}/go`, { method: 'POST', dispatcher })).body.dump()
  await seen
  const eventsPerSecond = given.count / ((performance.now() - from) / 1000)
  const followed: Followed = {
    syncMs,
    // The monitor counts its own millisecond.
    blockMs: delay.max / 1e6 - 1,
    heapMb,
    rssMb,
    eventsPerSecond,
    rssEndMb: rss(),
  }
  console.log(JSON.stringify(followed))
  process.exit(0)
}
