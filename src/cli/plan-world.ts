/** What `plan` looks with: the network of this machine, and the cluster as its user sees it. */
import { isKubeError, type KubeError } from '../kube/errors.ts'
import type { AccessReview } from '../kube/access-review.ts'
import { createDiscovery } from '../kube/discovery.ts'
import { connectTimeoutMs } from '../net/egress.ts'
import { systemLookup } from '../net/lookup.ts'
import { createTouch } from '../net/touch.ts'
import { hash } from '../wiring/crypto.ts'
import { keyHolder } from '../wiring/exclusive.ts'
import type { Calls } from '../wiring/kinds.ts'
import type { Reached } from '../wiring/reach.ts'
import { mayGet, secretFacts } from '../wiring/secrets.ts'
import { clockOf } from './command.ts'
import type { NowPorts } from './plan-now.ts'
import type { Known, ProbePorts } from './plan-probe.ts'
import type { CliWorld } from './world.ts'

/** The ports of a probe; without a cluster Secrets are not looked at. */
export function probePorts(
  world: CliWorld,
  signal: AbortSignal,
  cluster?: { readonly calls: Calls; readonly review: AccessReview },
): ProbePorts {
  const clock = clockOf(world)
  // The rules of the install are not known here: only what no install lets out is refused.
  const rules = { inCluster: false, refusedAddresses: () => [], allowNames: [], onlyTo: [] }
  const touch = createTouch({ rules, clock, lookup: systemLookup(), connectTimeoutMs })
  if (cluster === undefined) return { touch, signal }
  const { calls, review } = cluster
  return {
    touch,
    signal,
    secret: (namespace, name) => known(() => secretFacts(calls, namespace, name)),
    mayGet: (author, at) => known(() => mayGet(review, author, at)),
  }
}

/** The ports of a look at what is there at this moment. */
export function nowPorts(
  world: CliWorld,
  signal: AbortSignal,
  { client, calls, review }: Pick<Reached, 'client' | 'calls'> & { readonly review: AccessReview },
): NowPorts {
  const discovery = createDiscovery(clockOf(world))
  return {
    hasAccount: onceEach(
      async (namespace, name) => (await calls.of('', 'serviceaccounts', namespace).find(name)) !== undefined,
    ),
    may: (subject, deed) => known(() => review.may(subject, deed, signal)),
    served: (need) =>
      known(() =>
        discovery(client, need, signal).catch((error: unknown) => {
          if (isKubeError(error, 'NOT_FOUND')) return error.message
          throw error
        }),
      ),
    holder: onceEach((namespace, key) => keyHolder({ calls, hash }, namespace, key)),
  }
}

/** A file may hold a thousand Backups. */
function onceEach<T>(
  ask: (namespace: string, name: string) => Promise<T>,
): (namespace: string, name: string) => Promise<Known<T>> {
  const asked = new Map<string, Promise<Known<T>>>()
  return (namespace, name) => {
    const key = JSON.stringify([namespace, name])
    const answer = asked.get(key) ?? known(() => ask(namespace, name))
    asked.set(key, answer)
    return answer
  }
}

/** What this user may not ask is not known. */
async function known<T>(ask: () => Promise<T>): Promise<Known<T>> {
  try {
    return { ok: await ask() }
  } catch (error) {
    const refused = refusalIn(error)
    if (refused === undefined) throw error
    return { unknown: `this user may not look (${refused.message})` }
  }
}

/** secretFacts says in words of its own that it may not, for the log of a replica. */
function refusalIn(error: unknown): KubeError | undefined {
  if (isKubeError(error, 'FORBIDDEN')) return error
  return error instanceof Error && isKubeError(error.cause, 'FORBIDDEN') ? error.cause : undefined
}
