/** The stand-in for Velero, to hold to the contract. */
import { startCluster } from '../../../src/sandbox/start.ts'
import { fastClock } from '../../support/fast-clock.ts'
import type { Sandbox } from '../sandbox.ts'

// Twenty times as fast as the wall: a Schedule is due after 50 ms, and what is looked at every 4 s is five times a second.
const speed = 20

/** Starts a sandbox with a Velero in the namespace velero, set as `flags` set the real one, and quicker where there is no flag. */
export async function startStandIn(): Promise<Sandbox> {
  const cluster = await startCluster({
    clock: fastClock(speed),
    velero: {
      settings: {
        concurrentBackups: 100,
        syncMs: 4_000,
        collectMs: 4_000,
        locationMs: 2_000,
        queuedMs: 4_000,
      },
    },
  })
  const { api } = cluster
  return { endpoint: { url: api.url, ca: api.ca, token: api.token('admin') }, stop: cluster.stop }
}
