/** Calls that leave the process for somewhere else than the API server: of actions, and to registries. One set of rules for all. */
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { egressProblems } from '../core/egress.ts'
import type { Log } from '../log.ts'
import { parseAddress } from '../net/address.ts'
import { createEgress } from '../net/egress.ts'
import { systemLookup } from '../net/lookup.ts'
import type { Egress } from '../net/ports.ts'
import { StartError } from '../start-error.ts'
import type { Connection } from './connect.ts'
import { createRefused, type Refused } from './refused.ts'

/** What the rules are made of. */
export type OutboundWorld = {
  readonly config: Config
  readonly connection: Connection
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly log: Log
}

/** Throws StartError for rules that cannot be read, before anything is begun. */
export function insistOnRules({ egressAllow, egressOnly, egressProxyFor }: Config): void {
  const lists = { allow: egressAllow, only: egressOnly, proxyFor: egressProxyFor }
  const unreadable = egressProblems(lists, parseAddress)
  if (unreadable.length > 0) throw new StartError(2, unreadable.join('; '))
}

/** The egress client, and what it must not reach. */
export function outboundOf({ config, connection, env, clock, log }: OutboundWorld): {
  readonly egress: Egress
  readonly refused: Refused
} {
  const { inCluster } = connection.access
  const apiServer = env['KUBERNETES_SERVICE_HOST'] ?? ''
  const refused = createRefused(
    { calls: connection.calls, clock, log, inCluster },
    [apiServer].filter((one) => one !== ''),
  )
  const rules = {
    inCluster,
    refusedAddresses: refused.addresses,
    allowNames: config.egressAllow,
    onlyTo: config.egressOnly,
    ...(config.egressProxy === undefined
      ? {}
      : { proxy: { ...config.egressProxy, hosts: config.egressProxyFor } }),
  }
  return { egress: createEgress({ rules, clock, log, lookup: systemLookup(env) }), refused }
}
