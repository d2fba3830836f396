/**
 * The one way out: HTTP calls within the egress rules. Every call opens a connection of its own and destroys it: nothing
 * is shared between calls with other authorities, names or rules, and calls are few. HTTP_PROXY and its kin are not read.
 */
import { lookup as nodeLookup } from 'node:dns/promises'
import type { Clock } from '../clock.ts'
import type { EgressRules } from '../core/egress.ts'
import type { Log } from '../log.ts'
import { call } from './call.ts'
import type { CallPorts } from './call.ts'
import { createContexts } from './contexts.ts'
import { semaphore } from './semaphore.ts'
import type { Answer, Egress, Lookup, Request } from './ports.ts'
import { redirect } from './redirect.ts'

/** Looking up, connecting and the TLS handshake may take this long together, so that time is left to try again. */
export const connectTimeoutMs = 5000

/** Makes the client. `rules` are asked at every call; `lookup` is the machine's resolver unless given. */
export function createEgress(ports: {
  readonly rules: EgressRules
  readonly clock: Clock
  readonly log?: Log
  readonly lookup?: Lookup
  readonly connectTimeoutMs?: number
}): Egress {
  const full: CallPorts = { lookup: systemLookup, connectTimeoutMs, contexts: createContexts(), ...ports }
  return { send: (request) => send(request, full) }
}

async function send(first: Request, ports: CallPorts): Promise<Answer> {
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

// At most so many at once: getaddrinfo cannot be given up, and a dead resolver must not take every thread of the process.
const mostLookups = 2
const lookups = semaphore(mostLookups)

/** getaddrinfo, as everything else on the machine: /etc/hosts and the search domains of a pod count. */
export async function systemLookup(host: string): Promise<readonly string[]> {
  const found = await lookups(() => nodeLookup(host, { all: true, order: 'verbatim' }))
  return [...new Set(found.map(({ address }) => address))]
}
