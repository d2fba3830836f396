/**
 * `node test/sandbox/followers/main.ts [EVENTS] [SEED]` (100,000 and 1): an informer of client-node and our reflector follow
 * that many events without loss, and memory stays bounded. Exit 1 if not. About two minutes on two cores.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { follow } from './run.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const megabytes = (bytes: number): number => Math.round(bytes / 1e6)
// The server's history holds 10,000 changes; it is full, and caches are warm, after a fifth of the usual run.
const settledAt = 0.2
const growthMb = 40

const [events = 100_000, seed = 1] = process.argv.slice(2).map(Number)
const began = performance.now()
const heaps: number[] = []
const step = Math.floor(events / 10)

const outcome = await follow({
  events,
  seed,
  onProgress: (written) => {
    if (written % step !== 0) return
    collect()
    const { heapUsed, rss } = process.memoryUsage()
    heaps.push(megabytes(heapUsed))
    const seconds = Math.round((performance.now() - began) / 1000)
    console.log(
      `${written} events, ${seconds} s, heap ${megabytes(heapUsed)} MB, resident ${megabytes(rss)} MB`,
    )
  },
})
console.log(JSON.stringify(outcome))
const settled = heaps.slice(Math.floor(heaps.length * settledAt))
const growth = Math.max(...settled) - (settled[0] ?? 0)
console.log(
  `no event lost, none told twice; the heap grew by ${growth} MB after the first fifth (at most ${growthMb})`,
)
process.exitCode = growth <= growthMb ? 0 : 1
