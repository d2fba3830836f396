/** The addresses of API server and nodes, which must not be called, and what the nodes run: asked once a minute. */
import type { Clock } from '../clock.ts'
import type { Platform } from '../core/plugin-check/platform.ts'
import { listAt, textAt, type Json } from '../core/velero.ts'
import type { Log } from '../log.ts'
import type { Answer, Egress, Request } from '../net/ports.ts'
import { unlessAborted } from '../until.ts'
import { apiAddresses } from './api-addresses.ts'
import type { Calls } from './kinds.ts'

/** Knows them. */
export type Refused = {
  readonly addresses: () => readonly string[]
  /** The platforms of the nodes, each once; none before they were read. */
  readonly platforms: () => readonly Platform[]
  /** Whether both were read at least once: before, a call could go anywhere. */
  readonly known: () => boolean
  /** Resolves once they are known; rejects with the signal's reason if it aborts first. */
  readonly whenKnown: (signal: AbortSignal) => Promise<void>
  readonly start: (signal: AbortSignal) => Promise<void>
}

const everyMs = 60_000
const soonMs = 2_000
// 2 MB of nodes of 20 KB: with pages of 500 the process grew by 190 MB while it read 5,000 of them, with these by 105 (measured).
const nodesAtOnce = 100

/** `own`: addresses that are known without asking (KUBERNETES_SERVICE_HOST). */
export function createRefused(
  world: { readonly calls: Calls; readonly clock: Clock; readonly log: Log; readonly inCluster: boolean },
  own: readonly string[],
): Refused {
  // What was read once stays refused while it cannot be read again; what is new is refused a minute later.
  let platforms: readonly Platform[] = []
  const nodes = async () => {
    const { items } = await world.calls.nodes().list({ pageSize: nodesAtOnce })
    platforms = platformsOf(items)
    return nodeAddresses(items)
  }
  const parts: {
    readonly what: string
    readonly read: () => Promise<readonly string[]>
    found?: readonly string[]
  }[] = [
    { what: 'nodes', read: nodes },
    { what: 'API server', read: () => apiAddresses(world.calls, world.inCluster) },
  ]
  let all = Object.freeze([...own])
  const known = () => parts.every(({ found }) => found !== undefined)
  const knowing = Promise.withResolvers<void>()
  const look = async (part: (typeof parts)[number]) => {
    try {
      part.found = await part.read()
      all = Object.freeze([...own, ...parts.flatMap(({ found }) => found ?? [])])
      if (known()) knowing.resolve()
    } catch (error) {
      world.log.warn({ err: error, what: part.what }, 'addresses that actions may not call could not be read')
    }
  }
  return {
    addresses: () => all,
    platforms: () => platforms,
    known,
    whenKnown: (signal) => unlessAborted(signal, knowing.promise),
    start: async (signal) => {
      while (!signal.aborted) {
        await Promise.all(parts.map(look))
        await world.clock.sleep(known() ? everyMs : soonMs, signal).catch(() => undefined)
      }
    },
  }
}

const nodeAddresses = (nodes: readonly Json[]): readonly string[] =>
  nodes.flatMap((node) => listAt(node, 'status', 'addresses').map((address) => textAt(address, 'address')))

/** The platforms of nodes, each once; a node that says none is left out. */
export function platformsOf(nodes: readonly Json[]): readonly Platform[] {
  const found = nodes.map((node) => ({
    os: textAt(node, 'status', 'nodeInfo', 'operatingSystem'),
    architecture: textAt(node, 'status', 'nodeInfo', 'architecture'),
  }))
  const each = new Map(found.map((platform) => [`${platform.os}/${platform.architecture}`, platform]))
  return [...each.values()].filter(({ os, architecture }) => os !== '' && architecture !== '')
}

/** A call that was not made because it is not known yet where it may not go: nobody's fault but ours, and soon over. */
export type NotYet = { readonly failed: 'internal'; readonly message: string; readonly sent: false }

/** While it is not known which addresses are inside, nothing goes out: a post action comes again, a pre action refuses. */
export const guarded = (
  egress: Egress,
  known: () => boolean,
): { readonly send: (request: Request) => Promise<Answer | NotYet> } => ({
  send: (request) =>
    known()
      ? egress.send(request)
      : Promise.resolve({
          failed: 'internal',
          message:
            'the addresses of nodes and API server, which must not be called, are not known yet; see the log, and deploy/base/rbac-cluster.yaml',
          sent: false,
        }),
})
