/**
 * How near to the bare twin a server can come that keeps what tidewaiter promises: the code of the twin inside tidewaiter's process, and
 * the promises in the simplest code in a process of its own, beside both. usage: npm run bench -- least [--quick]
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { median, table } from '../report.ts'
import { load } from './load.ts'
import { cpuOf } from './quiet.ts'
import { reviewOf, sizes } from './reviews.ts'
import { bareTwin, ours, promised, type Asked, type Server } from './rivals.ts'
import { inRounds } from './rounds.ts'
import { quick, tell } from './section.ts'
import { inWorld, type World } from './world.ts'

const rounds = quick ? 1 : 7
const lastsMs = quick ? 300 : 1_500
const warmMs = quick ? 100 : 500
const firstMs = quick ? 300 : 5_000

/** Tidewaiter with what makes it answer as the twin where it is asked so, and both of them. */
async function withInside(world: World): Promise<readonly Server[]> {
  process.env['NODE_OPTIONS'] = `--import=${pathToFileURL('bench/speed/inside.ts').href}`
  const service = await ours(world).finally(() => delete process.env['NODE_OPTIONS'])
  const inside = {
    ...service,
    name: 'the twin inside tidewaiter',
    urlOf: (asked: Asked) => `${service.urlOf(asked)}&as=bare`,
  }
  return [inside, service]
}

await inWorld(async (world) => {
  const bare = await bareTwin(world)
  const servers = [bare, await promised(world), ...(await withInside(world))]
  const names = servers.map(({ name }) => name)
  const named = (name: string): Server => servers.find((one) => one.name === name) ?? bare
  const pidsOf = (name: string) => [named(name).pid, world.cluster.child.pid ?? 0]
  const bodyOf = (size: keyof typeof sizes): string => {
    const file = join(world.folder, `${size}.json`)
    writeFileSync(file, reviewOf(sizes[size]))
    return file
  }
  for (const server of servers)
    for (const asked of ['mutate', 'validate'] as const)
      await load({ url: server.urlOf(asked), body: bodyOf(8), warmMs: 1, lastsMs: firstMs })
  const rows: string[][] = []
  let disturbed = 0
  for (const asked of ['mutate', 'validate'] as const)
    for (const size of quick ? ([3] as const) : ([3, 8, 24] as const)) {
      console.error(`${asked}, ${size} KB ...`)
      const body = bodyOf(size)
      const found = await inRounds(rounds, names, pidsOf, async (name) => {
        const { pid, urlOf } = named(name)
        const url = urlOf(asked)
        await load({ url, body, warmMs: 1, lastsMs: warmMs })
        const before = cpuOf(pid)
        const seen = await load({ url, body, warmMs: 1, lastsMs })
        if (seen.failures + seen.eofs > 0) throw new Error(`${name}: ${seen.failure}`)
        const cpuUs = ((cpuOf(pid) - before) * 1e6) / seen.requests
        return { cpuUs, perSecond: seen.requests / seen.seconds }
      })
      disturbed += found.disturbed
      const ratios = (name: string) =>
        (found.of.get(name) ?? []).map(
          ({ perSecond }, round) => perSecond / (found.of.get(bare.name)?.[round]?.perSecond ?? Number.NaN),
        )
      for (const name of names)
        rows.push([
          asked,
          `${size} KB`,
          name,
          `x ${median(ratios(name)).toFixed(2)}`,
          median((found.of.get(name) ?? []).map(({ cpuUs }) => cpuUs)).toFixed(0),
        ])
    }
  tell({
    title: 'The least that it would take',
    text: [
      `${rounds} rounds of ${lastsMs / 1000} s for each server in turn; medians.${disturbed === 0 ? '' : ` **Others took more than they should in ${disturbed} turns that count.**`}`,
      'The simplest code (bench/speed/promised.ts) bounds size and time, checks the fields that it reads, looks for Actions, counts, and',
      'where it validates writes the audit line and the chained, signed record: for this one case, and nothing else is in its process. The',
      'twin inside tidewaiter (bench/speed/inside.ts) is the code of the twin, answering in a process that does all the rest beside.',
      '',
      table(['asked', 'size', 'server', 'answers/s beside bare', 'CPU us/answer'], rows),
    ].join('\n'),
    goals: [],
  })
})
