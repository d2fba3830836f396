/**
 * What answers take while the same process follows 1,000 changes of Backups a second, beside what they take in the quiet.
 * usage: npm run bench -- churn [--quick]
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../processes.ts'
import { median, table } from '../report.ts'
import { load, type Seen } from './load.ts'
import { reviewOf, sizes } from './reviews.ts'
import { inRounds } from './rounds.ts'
import { atMost, quick, tell } from './section.ts'
import { inWorld, letLoadFirst, serve, withBackups, type World } from './world.ts'

const rounds = quick ? 1 : 5
const lastsMs = quick ? 1_000 : 8_000
const backups = 200
const changesPerSecond = 1_000
const rate = 200

/** Lets the cluster change Backups until it is stopped; how many that were a second. */
function churn({ cluster }: World): () => Promise<number> {
  const told = () => [...cluster.said().matchAll(/made (\d+) changes a second/g)]
  const before = told().length
  cluster.child.kill('SIGUSR2')
  return async () => {
    cluster.child.kill('SIGUSR2')
    return until('the cluster to say what it changed', () => told().at(before)?.[1], 5).then(Number)
  }
}

await inWorld(
  async (world) => {
    const service = await serve(world)
    const body = join(world.folder, '8.json')
    writeFileSync(body, reviewOf(sizes[8]))
    const rates: number[] = []
    const ask = async (): Promise<Seen> => {
      const seen = await load({ url: service.urlOf('backups'), body, rate, lastsMs })
      if (seen.failures + seen.eofs > 0) throw new Error(seen.failure)
      return seen
    }
    const own = () => [service.child.pid ?? 0, world.cluster.child.pid ?? 0]
    letLoadFirst(world)
    // Until V8 has compiled what is hot.
    await ask()
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
    const reached = median(rates)
    if (!quick && reached < 0.95 * changesPerSecond)
      throw new Error(
        `wanted ${changesPerSecond} changes a second, got ${reached.toFixed(0)}: this machine cannot make them`,
      )
    const ratio = median(busy.map(({ p99 }, round) => p99 / (quiet[round]?.p99 ?? Number.NaN)))
    tell({
      title: 'Answers while Backups change',
      text: [
        `${rate} questions a second (validate, 8 KB), ${rounds} rounds of ${lastsMs / 1000} s in turn; ${reached.toFixed(0)} changes a second were made, of ${backups} that are InProgress.`,
        '',
        table(['', 'p50', 'p99'], [row('quiet', quiet), row('while they change', busy)]),
      ].join('\n'),
      goals: [atMost('p99 while 1,000 Backups a second change, beside quiet', 1.5, ratio)],
    })
  },
  withBackups(backups, 'InProgress', changesPerSecond),
)
