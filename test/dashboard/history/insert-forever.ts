/** A process of its own that inserts the same records as others do, batch after batch, and says each that is in. usage: FILE BATCHES */
import { openSqliteStore } from '../../../src/dashboard/history/sqlite-store.ts'
import { systemClock } from '../../../src/system-clock.ts'
import { record } from './support.ts'

const [path = '', batches = '0'] = process.argv.slice(2)
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const store = await openSqliteStore({ path, maxBytes: 2 ** 30, clock: systemClock, log })
for (let n = 0; n < Number(batches); n++) {
  // Half of a batch is new, half has grown.
  const fresh = Array.from({ length: 20 }, (_, i) => record(n * 20 + i))
  const grown = Array.from({ length: 20 }, (_, i) => (n - 1) * 20 + i)
    .filter((i) => i >= 0)
    .map((i) => record(i, { count: 3, at: i * 1000 + 500, first: i * 1000 }))
  await store.insert([...fresh, ...grown])
  process.stdout.write(`${n}\n`)
}
await store.close()
