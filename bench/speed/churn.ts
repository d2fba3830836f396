/**
 * What answers take while the same process follows 1,000 changes of Backups a second, beside what they take in the quiet.
 * usage: npm run bench -- churn [--quick]
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { median, table } from '../report.ts'
import { load, type Seen } from './load.ts'
import { reviewOf, sizes } from './reviews.ts'
import { inRounds } from './rounds.ts'
import { atMost, quick, tell } from './section.ts'
import { createEnded, inWorld, serve, type World } from './world.ts'

const rounds = quick ? 1 : 5
const lastsMs = quick ? 1_000 : 8_000
const backups = 200
const changesPerSecond = 1_000
const rate = 200

/** Changes Backups at the rate until it is stopped; how many that were. */
function churn({ call }: World): () => Promise<number> {
  const state = { running: true, done: 0 }
  const began = performance.now()
  const one = async (lane: number) => {
    for (let i = lane; state.running; i += 16) {
      await sleep(Math.max(0, began + (i / changesPerSecond) * 1000 - performance.now()))
      await call('PATCH', `/apis/velero.io/v1/namespaces/velero/backups/ended-${i % backups}`, {
        status: { progress: { itemsBackedUp: i } },
      })
      state.done += 1
    }
  }
  const lanes = Array.from({ length: 16 }, (_, lane) => one(lane))
  return async () => {
    state.running = false
    await Promise.all(lanes)
    return state.done / ((performance.now() - began) / 1000)
  }
}

await inWorld(async (world) => {
  const service = await serve(world)
  for (let i = 0; i < backups; i += 1) await createEnded(world, `ended-${i}`)
  const body = join(world.folder, '8.json')
  writeFileSync(body, reviewOf(sizes[8]))
  const rates: number[] = []
  const ask = async (): Promise<Seen> => load({ url: service.urlOf('backups'), body, rate, lastsMs })
  const own = [service.child.pid ?? 0, world.cluster.child.pid ?? 0]
  const found = await inRounds(rounds, ['quiet', 'churn'], own, async (name) => {
    console.error(`${name} ...`)
    if (name === 'quiet') return ask()
    const stop = churn(world)
    const seen = await ask()
    rates.push(await stop())
    return seen
  })
  const [quiet = [], busy = []] = [found.of.get('quiet'), found.of.get('churn')]
  const row = (name: string, seen: readonly Seen[]) => [
    name,
    `${median(seen.map(({ p50 }) => p50)).toFixed(0)} us`,
    `${median(seen.map(({ p99 }) => p99)).toFixed(0)} us`,
  ]
  const ratio = median(busy.map(({ p99 }, round) => p99 / (quiet[round]?.p99 ?? Number.NaN)))
  tell({
    title: 'Answers while Backups change',
    text: [
      `${rate} questions a second (validate, 8 KB), ${rounds} rounds of ${lastsMs / 1000} s in turn; ${median(rates).toFixed(0)} changes a second were made.`,
      '',
      table(['', 'p50', 'p99'], [row('quiet', quiet), row('while they change', busy)]),
    ].join('\n'),
    goals: [atMost('p99 while 1,000 Backups a second change, beside quiet', 1.5, ratio)],
  })
})
