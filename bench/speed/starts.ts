/**
 * From nothing to ready: a webhook replica of an install that runs is started, as a rolling update starts one; and its memory at
 * rest. usage: npm run bench -- starts [--quick]
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ended, memoryOf } from '../processes.ts'
import { median, table } from '../report.ts'
import { atMost, quick, tell } from './section.ts'
import { flagsOfImage, inWorld, serve, type World } from './world.ts'

const starts = quick ? 2 : 9
const restMs = quick ? 500 : 10_000

type Start = { readonly runsMs: number; readonly readyMs: number; readonly restMb: number }

async function startOne(world: World, url: string): Promise<Start> {
  const service = await serve(world, { roles: 'webhook', 'webhook-url': url })
  const readyMs = await service.readyMs
  await sleep(restMs)
  const restMb = memoryOf(service.child)
  await ended(service.child, 'SIGKILL')
  return { runsMs: service.startedMs, readyMs, restMb }
}

await inWorld(async (world) => {
  // As in the image (Dockerfile): what V8 made of the files is there already.
  process.env['NODE_COMPILE_CACHE'] = join(world.folder, 'compiled')
  execFileSync(process.execPath, [...flagsOfImage(), 'dist/main.js', 'serve', '--help'])
  // Somebody leads, and keeps registrations and guard.
  const leader = await serve(world)
  await leader.readyMs
  const found: Start[] = []
  for (let i = 0; i < starts; i += 1) found.push(await startOne(world, leader.url))
  const of = (key: keyof Start) => median(found.map((one) => one[key]))
  tell({
    title: 'Starting',
    text: [
      `${starts} starts of a replica with the role webhook alone; medians. As in the image, what V8 made of the code is there already (NODE_COMPILE_CACHE), and`,
      `the files are in memory. Memory ${restMs / 1000} s after.`,
      '',
      table(
        ['what', 'value'],
        [
          ['until it says that it runs', `${of('runsMs').toFixed(0)} ms`],
          ['until it is ready', `${of('readyMs').toFixed(0)} ms`],
          ['memory at rest', `${of('restMb').toFixed(0)} MB`],
        ],
      ),
    ].join('\n'),
    goals: [
      atMost('cold start to ready (webhook role)', 250, of('readyMs'), ' ms'),
      atMost('memory at rest (webhook role)', 90, of('restMb'), ' MB'),
    ],
  })
})
