/** The stand-in for Velero, to hold to the contract. */
import { startCluster } from '../../../src/sandbox/start.ts'
import { fastClock } from '../../support/fast-clock.ts'
import type { Sandbox } from '../sandbox.ts'

// A Schedule is due after 100 ms, and what is looked at every 4 s is so every 400 ms. Faster, and a busy machine does nothing but look.
const speed = 10

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
