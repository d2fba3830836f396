/**
 * What the service takes where there are so many Backups: until it is ready, memory, and what answers take. Each number is a cluster
 * of its own. usage: npm run bench -- sizes [--quick]
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { memoryOf } from '../processes.ts'
import { table } from '../report.ts'
import { load } from './load.ts'
import { reviewOf, sizes } from './reviews.ts'
import { atMost, quick, tell, type Compared } from './section.ts'
import { inWorld, metricsOf, serve, withBackups, type Service } from './world.ts'

const counts = quick ? [10, 200] : [10, 1_000, 50_000]
const restMs = quick ? 500 : 10_000
const lastsMs = quick ? 500 : 10_000
/** What the manifests give a pod (deploy/base/deployment.yaml). */
const limitMb = 512

/** How long the event loop stood still at most since this was asked before, milliseconds. */
async function blockedOf(service: Service): Promise<number> {
  const text = await metricsOf(service)
  const [, seconds] = /^tidewaiter_nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(text) ?? []
  return Number(seconds) * 1000
}

const rows: string[][] = []
const goals: Compared[] = []
for (const count of counts)
  await inWorld(
    async (world) => {
      console.error(`${count} Backups ...`)
      const body = join(world.folder, '8.json')
      writeFileSync(body, reviewOf(sizes[8]))
      const service = await serve(world)
      const readyMs = await service.readyMs
      await sleep(restMs)
      const beginningMs = await blockedOf(service)
      const restMb = memoryOf(service.child)
      const seen = await load({ url: service.urlOf('backups'), body, rate: 200, lastsMs })
      if (seen.failures + seen.eofs > 0) throw new Error(`${count} Backups: ${seen.failure}`)
      const mostMb = memoryOf(service.child, 'VmHWM')
      const blockedMs = await blockedOf(service)
      rows.push([
        String(count),
        `${readyMs.toFixed(0)} ms`,
        `${restMb.toFixed(0)} MB`,
        `${mostMb.toFixed(0)} MB`,
        `${seen.p50.toFixed(0)} us`,
        `${seen.p99.toFixed(0)} us`,
        `${beginningMs.toFixed(0)} / ${blockedMs.toFixed(0)} ms`,
      ])
      goals.push(
        atMost(`memory at most with ${count} Backups, of the limit in the manifests`, limitMb, mostMb, ' MB'),
      )
    },
    withBackups(count, 'Completed'),
  )
tell({
  title: 'How much there is',
  text: [
    `The service with both roles, started where there are so many Backups of 2 KB that have ended; memory ${restMs / 1000} s after it is ready, and at`,
    `most until the end; then 200 questions a second (validate, 8 KB) for ${lastsMs / 1000} s.`,
    '',
    table(
      [
        'Backups',
        'registered and ready after',
        'memory at rest',
        'memory at most',
        'answer p50',
        'answer p99',
        'loop blocked at most, at the start / then',
      ],
      rows,
    ),
  ].join('\n'),
  goals,
})
