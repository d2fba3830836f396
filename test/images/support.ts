/** A registry client for tests: real sockets to 127.0.0.1 under any name, and waits that pass at once. */
import { createRegistry } from '../../src/images/registry.ts'
import type { Registry } from '../../src/images/registry.ts'
import type { Credential, Keyring } from '../../src/images/keyring.ts'
import type { Access, CallAnswer, Image, Ports } from '../../src/images/ports.ts'
import type { RegistrySettings } from '../../src/images/settings.ts'
import { createEgress } from '../../src/net/egress.ts'
import type { Clock } from '../../src/clock.ts'
import { systemClock } from '../../src/system-clock.ts'
import { FakeLog } from '../support/fake-log.ts'
import { fakeCa } from '../support/fake-registry.ts'
import type { FakeRegistry } from '../support/fake-registry.ts'

/** A client, its log, the waits that it made, and a clock that can be put forward. */
export type Client = Registry & {
  readonly log: FakeLog
  readonly waits: number[]
  readonly ports: Ports
  readonly advance: (ms: number) => void
}

/** A client of these registries, all with the fake authority unless `settings` say otherwise. */
export function aClient(
  registries: readonly FakeRegistry[],
  given: {
    readonly settings?: readonly RegistrySettings[]
    readonly send?: Ports['send']
    readonly onWait?: () => void
  } = {},
): Client {
  const log = new FakeLog()
  const waits: number[] = []
  let ahead = 0
  const clock: Clock = {
    ...systemClock,
    now: () => systemClock.now() + ahead,
    steady: () => systemClock.steady() + ahead,
    random: () => 0.5,
    sleep: async (ms, signal) => {
      waits.push(ms)
      given.onWait?.()
      signal?.throwIfAborted()
    },
  }
  const egress = createEgress({
    clock,
    lookup: async () => ['127.0.0.1'],
    rules: { inCluster: false, refusedAddresses: () => [], allowNames: [], onlyTo: [] },
  })
  const ports: Ports = {
    clock,
    log,
    send: given.send ?? ((call): Promise<CallAnswer> => egress.send(call)),
    userAgent: 'tidewaiter/test',
    authorities: () => '',
  }
  const named = new Set(given.settings?.map(({ registry }) => registry))
  const others = registries.filter(({ host }) => !named.has(host))
  const settings = [...(given.settings ?? []), ...others.map(({ host }) => ({ registry: host, ca: fakeCa }))]
  const advance = (ms: number) => {
    ahead += ms
  }
  return { ...createRegistry(ports, settings), log, waits, ports, advance }
}

/** Access with these entries: for ever as far as the clock goes, which tests put forward, and in truth for `ms`. */
export function access(keyring: Keyring = [], ms = 5000): Access {
  // Unlike the clock's, this timer does not keep a test running that is done.
  return { keyring, within: { signal: AbortSignal.timeout(ms), endsAt: Number.MAX_SAFE_INTEGER } }
}

/** An entry of a pull secret. */
export const entry = (location: string, pair: string, given: Partial<Credential> = {}): Keyring[number] => {
  const [username = '', password = ''] = pair.split(':')
  return {
    location,
    credential: { username, password, from: `entry "${location}" of Secret velero/pull`, ...given },
  }
}

/** `acme/plugin:v1` in a registry. */
export const imageIn = ({ host }: FakeRegistry, given: Partial<Image> = {}): Image => ({
  registry: host,
  repository: 'acme/plugin',
  tag: 'v1',
  ...given,
})
