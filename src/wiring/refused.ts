/** The addresses of API server and nodes, which actions may not call: asked once a minute. */
import type { Clock } from '../clock.ts'
import { at, textAt } from '../core/velero.ts'
import type { Log } from '../log.ts'
import type { Calls } from './kinds.ts'

/** Knows them. */
export type Refused = {
  readonly addresses: () => readonly string[]
  readonly start: (signal: AbortSignal) => Promise<void>
}

const everyMs = 60_000

/** `own`: addresses that are known without asking (KUBERNETES_SERVICE_HOST). */
export function createRefused(
  world: { readonly calls: Calls; readonly clock: Clock; readonly log: Log },
  own: readonly string[],
): Refused {
  let known: readonly string[] = own
  const look = async () => {
    try {
      const [nodes, slices] = await Promise.all([nodeAddresses(world.calls), apiAddresses(world.calls)])
      known = [...new Set([...own, ...nodes, ...slices])]
    } catch (error) {
      // What was known stays refused; what is new is refused a minute later.
      world.log.warn({ err: error }, 'the addresses of nodes and API server could not be read')
    }
  }
  return {
    addresses: () => known,
    start: async (signal) => {
      while (!signal.aborted) {
        await look()
        await world.clock.sleep(everyMs, signal).catch(() => undefined)
      }
    },
  }
}

async function nodeAddresses(calls: Calls): Promise<readonly string[]> {
  const { items } = await calls.nodes().list()
  return items.flatMap((node) =>
    list(at(node, 'status', 'addresses')).map((address) => textAt(address, 'address')),
  )
}

/** The EndpointSlices of the Service kubernetes: what its ClusterIP leads to. */
async function apiAddresses(calls: Calls): Promise<readonly string[]> {
  const slice = await calls.of('discovery.k8s.io', 'endpointslices', 'default').find('kubernetes')
  return list(at(slice, 'endpoints')).flatMap((endpoint) => list(at(endpoint, 'addresses')).map(String))
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
