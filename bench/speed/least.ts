/**
 * How near to the bare twin a server can come that keeps what tidewaiter promises: the code of the twin inside tidewaiter's process, and
 * part of the promises in the simplest code in a process of its own, beside tidewaiter and the twin. usage: npm run bench -- least [--quick]
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { table } from '../report.ts'
import { load, type Seen } from './load.ts'
import { cpuOf } from './quiet.ts'
import { reviewOf, sizes } from './reviews.ts'
import { bareTwin, ours, promised, type Asked, type Server } from './rivals.ts'
import { inRounds, medianOf, ratioOf } from './rounds.ts'
import { quick, tell } from './section.ts'
import { inWorld, type World } from './world.ts'

const rounds = quick ? 1 : 7
const lastsMs = quick ? 300 : 1_500
const warmMs = quick ? 100 : 500
const firstMs = quick ? 300 : 5_000

/** Tidewaiter with what makes it answer as the twin where it is asked so. */
async function inside(world: World): Promise<Server> {
  process.env['NODE_OPTIONS'] = `--import=${pathToFileURL('bench/speed/inside.ts').href}`
  const service = await ours(world).finally(() => delete process.env['NODE_OPTIONS'])
  const urlOf = (asked: Asked) => `${service.urlOf(asked)}&as=bare`
  return { name: 'the twin inside tidewaiter', pid: service.pid, urlOf }
}

/** Allowed, with the word about the chain where a server is to have one, or the comparison says nothing. */
function mustBe(server: Server, asked: Asked, { answer }: Seen): void {
  const { response } = answer as { readonly response?: { allowed?: unknown; auditAnnotations?: object } }
  const isChained = 'chain' in (response?.auditAnnotations ?? {})
  const isToBe = asked === 'validate' && !server.name.includes('twin') && !server.name.startsWith('bare')
  if (response?.allowed !== true || isChained !== isToBe)
    throw new Error(
      `${server.name} must allow it, ${isToBe ? '' : 'not '}chained, said ${JSON.stringify(answer)}`,
    )
}

// Each of the two has a cluster of its own: they are not to be replicas of each other.
await inWorld((other) => inWorld(async (world) => compare(world, await inside(other), other)))

async function compare(world: World, twinInside: Server, other: World): Promise<void> {
  const bare = await bareTwin(world)
  const servers = [bare, await promised(world), twinInside, await ours(world)]
  const names = servers.map(({ name }) => name)
  const named = (name: string): Server => servers.find((one) => one.name === name) ?? bare
  const pidsOf = () =>
    [...servers.map(({ pid }) => pid), world.cluster.child.pid, other.cluster.child.pid].map(
      (pid) => pid ?? 0,
    )
  const bodyOf = (size: keyof typeof sizes): string => {
    const file = join(world.folder, `${size}.json`)
    writeFileSync(file, reviewOf(sizes[size]))
    return file
  }
  for (const server of servers)
    for (const asked of ['mutate', 'validate'] as const)
      mustBe(
        server,
        asked,
        await load({ url: server.urlOf(asked), body: bodyOf(8), warmMs: 1, lastsMs: firstMs }),
      )
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
      for (const name of names)
        rows.push([
          asked,
          `${size} KB`,
          name,
          `x ${ratioOf(found, name, bare.name, 'perSecond').toFixed(2)}`,
          medianOf(found, name, 'cpuUs').toFixed(0),
        ])
    }
  tell({
    title: 'The least that it would take',
    text: [
      `${rounds} rounds of ${lastsMs / 1000} s for each server in turn; medians.${disturbed === 0 ? '' : ` **Others took more than they should in ${disturbed} turns that count.**`}`,
      'The simplest code (bench/speed/promised.ts, which says what of the promises it leaves out) is for this one case, and alone in its',
      'process. The twin inside tidewaiter (bench/speed/inside.ts) is the code of the twin, answering in a process that does all the rest',
      'beside. What tidewaiter would have to come near to is the product of the two.',
      '',
      table(['asked', 'size', 'server', 'answers/s beside bare', 'CPU us/answer'], rows),
    ].join('\n'),
    goals: [],
  })
}
