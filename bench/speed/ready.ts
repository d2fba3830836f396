/** When a replica is ready, as a kubelet asks it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import type { Service } from './world.ts'

/** How long after its start it says that it is ready, milliseconds. */
export async function untilReady(service: Service): Promise<number> {
  for (let tries = 0; tries < 6_000; tries += 1) {
    const answer = await request(`http://${service.metrics}/readyz`).catch(() => undefined)
    await answer?.body.dump()
    if (answer?.statusCode === 200) return performance.now() - service.startedAt
    await sleep(5)
  }
  throw new Error(`it is not ready after 30 s:\n${service.said()}`)
}
