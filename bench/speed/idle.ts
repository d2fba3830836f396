/**
 * The idle boundary: Go's client keeps a connection that it does not use for 90 s. Whoever closes it a moment before loses the
 * request that comes just then, which kube-apiserver tells as EOF. Asked is once on each connection, then again after almost 90 s.
 * usage: npm run bench -- idle [--quick]
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { table } from '../report.ts'
import { load } from './load.ts'
import { reviewOf, sizes } from './reviews.ts'
import { ours, rivals, type Server } from './rivals.ts'
import { atMost, quick, tell } from './section.ts'
import { inWorld } from './world.ts'

const connections = 80
const bursts = quick ? 2 : 4
const pauseMs = quick ? 1_000 : 89_900

await inWorld(async (world) => {
  const servers: readonly Server[] = [await ours(world), ...(await rivals(world))]
  const body = join(world.folder, '3.json')
  writeFileSync(body, reviewOf(sizes[3]))
  console.error(`${bursts} times ${connections} requests, ${pauseMs / 1000} s apart ...`)
  const seen = await Promise.all(
    servers.map((server) => load({ url: server.urlOf('validate'), body, connections, bursts, pauseMs })),
  )
  const [own] = seen
  tell({
    title: 'The idle boundary',
    text: [
      `${bursts} times one request on each of ${connections} connections, ${pauseMs / 1000} s apart.`,
      '',
      table(
        ['server', 'answered', 'EOF', 'other failures'],
        servers.map(({ name }, i) => [
          name,
          String(seen[i]?.requests),
          String(seen[i]?.eofs),
          String(seen[i]?.failures),
        ]),
      ),
    ].join('\n'),
    goals: [atMost('EOFs over the idle boundary', 0, (own?.eofs ?? 0) + (own?.failures ?? 0))],
  })
})
