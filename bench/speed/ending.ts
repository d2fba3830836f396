/**
 * So many Backups end at once, and each has a post action: how long until the last was done, and what answers take meanwhile.
 * usage: npm run bench -- ending [--quick]
 */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { memoryOf, until } from '../processes.ts'
import { table } from '../report.ts'
import { load } from './load.ts'
import { reviewOf, sizes } from './reviews.ts'
import { quick, tell } from './section.ts'
import { createAction, createEnded, inWorld, serve } from './world.ts'

const count = quick ? 20 : 500

await inWorld(async (world) => {
  const called = new Map<string, number>()
  const server = createServer((request, response) => {
    const name = request.url ?? ''
    called.set(name, (called.get(name) ?? 0) + 1)
    request.resume()
    response.end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  world.undo.push(() => server.close())
  const { port } = server.address() as AddressInfo
  const service = await serve(world, { 'egress-allow': `127.0.0.1:${port}` })
  const url = `http://127.0.0.1:${port}/\${backup.metadata.name}`
  await createAction(world, '90-thaw', { stage: 'PostBackup', timeoutSeconds: 5, http: { url } })
  console.error(`${count} Backups are made ...`)
  for (let i = 0; i < count; i += 1) await createEnded(world, `ending-${i}`, 'InProgress')
  const body = join(world.folder, '8.json')
  writeFileSync(body, reviewOf(sizes[8]))
  const before = memoryOf(service.child)
  const began = performance.now()
  const asking = load({ url: service.urlOf('backups'), body, rate: 20, lastsMs: quick ? 1_000 : 10_000 })
  const completionTimestamp = new Date().toISOString()
  await Promise.all(
    Array.from({ length: count }, (_, i) =>
      world.call('PATCH', `/apis/velero.io/v1/namespaces/velero/backups/ending-${i}`, {
        status: { phase: 'Completed', completionTimestamp },
      }),
    ),
  )
  const endedMs = performance.now() - began
  await until('all post actions', () => called.size === count || undefined, 10)
  const doneMs = performance.now() - began
  const seen = await asking
  if (seen.failures + seen.eofs > 0) throw new Error(seen.failure)
  const twice = [...called.values()].filter((times) => times > 1).length
  tell({
    title: `${count} Backups end at once`,
    text: table(
      ['what', 'value'],
      [
        ['until all have ended', `${(endedMs / 1000).toFixed(1)} s`],
        ['until each post action was done', `${(doneMs / 1000).toFixed(1)} s`],
        ['post actions that were done twice', String(twice)],
        [
          'answers meanwhile, p50 / p99',
          `${(seen.p50 / 1000).toFixed(1)} / ${(seen.p99 / 1000).toFixed(1)} ms`,
        ],
        ['memory before / after', `${before.toFixed(0)} / ${memoryOf(service.child).toFixed(0)} MB`],
      ],
    ),
    goals: [{ metric: 'post actions that were done twice', goal: '0', got: String(twice), met: twice === 0 }],
  })
})
