/** When a replica is ready, as a kubelet asks it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import type { Launched } from '../processes.ts'

type Starting = {
  /** Where /readyz is. */
  readonly metrics: string
  /** When it was started, by `performance.now`. */
  readonly began: number
  readonly service: Pick<Launched, 'said'>
}

/** How long after its start it says that it is ready, milliseconds; it is asked from now on. */
export async function untilReady({ metrics, began, service }: Starting): Promise<number> {
  for (let tries = 0; tries < 6_000; tries += 1) {
    const answer = await request(`http://${metrics}/readyz`).catch(() => undefined)
    await answer?.body.dump()
    if (answer?.statusCode === 200) return performance.now() - began
    await sleep(5)
  }
  throw new Error(`it is not ready after 30 s:\n${service.said()}`)
}
