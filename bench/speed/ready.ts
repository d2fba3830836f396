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

// The API server of the sandbox takes half a minute to read 50,000 Backups out.
const mostMs = 120_000

/** How long after its start it says that it is ready, milliseconds; it is asked from now on. */
export async function untilReady({ metrics, began, service }: Starting): Promise<number> {
  while (performance.now() - began < mostMs) {
    const answer = await request(`http://${metrics}/readyz`).catch(() => undefined)
    await answer?.body.dump()
    if (answer?.statusCode === 200) return performance.now() - began
    await sleep(5)
  }
  throw new Error(`it is not ready after ${mostMs / 1000} s:\n${service.said()}`)
}
