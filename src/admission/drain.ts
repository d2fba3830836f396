/** The orderly end of the webhook server: no request is lost, and it ends. */
import type { Server } from 'node:https'
import type { FastifyInstance } from 'fastify'
import type { Clock } from '../clock.ts'
import { aborted } from '../until.ts'
import type { Connections } from './connections.ts'
import type { Fence } from './fence.ts'
import type { ServerLimits } from './ports.ts'

/** What ends together. */
export type Draining = {
  readonly app: FastifyInstance<Server>
  readonly connections: Connections
  readonly fence: Fence
  readonly clock: Clock
  readonly limits: ServerLimits
  /** From the moment it is set every answer says `Connection: close`. */
  readonly state: { draining: boolean }
}

// Longer than a request needs to arrive on a connection that was taken at the last moment.
const lingerMs = 500

/** Still serves for drainMs, because API servers hear late that a pod leaves; then for graceMs at most answers what is in flight. */
export async function drain({ app, connections, fence, clock, limits, state }: Draining): Promise<void> {
  state.draining = true
  if (app.server.listening) {
    await clock.sleep(limits.drainMs)
    const closed = new Promise<void>((resolve) => app.server.close(() => resolve()))
    await clock.sleep(Math.min(lingerMs, limits.drainMs))
    connections.closeQuiet()
    const grace = clock.abortAfter(limits.graceMs)
    await Promise.race([Promise.all([closed, fence.idle()]), aborted(grace.signal)])
    grace.release()
    connections.closeAll()
    await closed
  }
  await app.close()
}
