/**
 * The one way out: HTTP calls within the egress rules. Every call opens a connection of its own and destroys it: nothing
 * is shared between calls with other authorities, names or rules, and no connection outlives the addresses that were judged
 * for it. HTTP_PROXY and its kin are not read: a proxy is one that the rules name.
 */
import type { Clock } from '../clock.ts'
import type { EgressRules } from '../core/egress.ts'
import type { Log } from '../log.ts'
import { call } from './call.ts'
import type { CallPorts, Shared } from './call.ts'
import { createContexts } from './contexts.ts'
import { mostLarge } from './exchange.ts'
import { systemLookup } from './lookup.ts'
import { createPlaces, mostCalls, mostCallsPerHost } from './places.ts'
import type { Answer, Egress, Lookup, Request } from './ports.ts'
import { redirect } from './redirect.ts'
import { semaphore } from './semaphore.ts'

/** Looking up, connecting and the TLS handshake may take this long together, so that time is left to try again. */
export const connectTimeoutMs = 5000

const usualLimits = { inAll: mostCalls, perHost: mostCallsPerHost, large: mostLarge }

type Ports = CallPorts & Shared

/** Makes the client. `rules` are asked at every call; `lookup` is the machine's resolver unless given. */
export function createEgress(ports: {
  readonly rules: EgressRules
  readonly clock: Clock
  readonly log?: Log
  readonly lookup?: Lookup
  readonly connectTimeoutMs?: number
  readonly limits?: typeof usualLimits
}): Egress {
  const { inAll, perHost, large } = ports.limits ?? usualLimits
  const full: Ports = {
    lookup: systemLookup(),
    connectTimeoutMs,
    contexts: createContexts(),
    places: createPlaces({ inAll, perHost }),
    large: semaphore(large),
    ...ports,
  }
  return { send: (request) => send(request, full) }
}

async function send(first: Request, ports: Ports): Promise<Answer> {
  let request = first
  for (let followed = 0; ; followed += 1) {
    const answer = await call(request, ports)
    if (!('ok' in answer)) return { ...answer, sent: answer.sent || followed > 0 }
    const redirected = redirect(request, answer.ok, followed)
    if ('final' in redirected) return answer
    if ('refused' in redirected) return { refused: 'egress', message: redirected.refused, sent: true }
    if ('problem' in redirected) return { failed: 'answer', message: redirected.problem, sent: true }
    request = redirected.next
  }
}
