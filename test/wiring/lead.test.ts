/** What a replica takes over from the leader before it, and what it says of itself while it leads. */
import t from 'tap'
import type { Looked } from '../../src/control/looked.ts'
import type { ControlPorts } from '../../src/control/ports.ts'
import { lead, type Leading } from '../../src/wiring/lead.ts'
import { newYear } from '../support/fake-clock.ts'
import { FakeWorld } from '../support/fake-world.ts'

const lookedUntil = 'tidewaiter.io/looked-until'
const iso = (ms: number) => new Date(ms).toISOString()
const minute = 60_000

/** The Lease that a former leader left: renewed ten minutes ago. */
const left = (annotations: object, renewedAt = newYear - 10 * minute) => ({
  metadata: { resourceVersion: '1', annotations },
  spec: { holderIdentity: '', leaseDurationSeconds: 15, renewTime: iso(renewedAt) },
})

type Led = { readonly ports: ControlPorts; readonly looked: Looked }

/** A candidate whose controller does nothing but lead until it is to stop. */
function candidate(known: Promise<void> = Promise.resolve(), served?: string) {
  const made = new FakeWorld()
  const stop = new AbortController()
  const led: Led[] = []
  const controller: Leading['controller'] = {
    onObject: () => {},
    onAction: () => {},
    lead: async (ports, looked, { signal }) => {
      led.push({ ports, looked })
      await looked.offerAll(
        [],
        () => true,
        async () => !signal.aborted,
      )
      await made.clock.sleep(3_600_000, signal).catch(() => undefined)
    },
  }
  const world = made.world()
  const install = { name: 'tidewaiter', namespace: 'tidewaiter', names: [], outside: false }
  const clientConfig = { url: 'https://127.0.0.1' }
  const texts = { token: () => '', caBundle: () => '' }
  const start = () =>
    lead(world, {
      install: { ...install, clientConfig },
      registration: {
        calls: world.calls,
        name: 'tidewaiter',
        namespaces: ['velero'],
        clientConfig,
        ...texts,
      },
      remake: undefined,
      controller,
      perform: () => Promise.reject(new Error('nothing is performed here')),
      keys: { take: async () => ({ ok: true }), free: async () => {} },
      refused: { whenKnown: () => known },
      plugins: { lead: () => Promise.resolve() },
      certificates: () => served,
      signal: stop.signal,
      keeping: stop.signal,
    })
  return { made, stop, led, start }
}

t.test('nothing is looked at before it is known which addresses must not be called', async (t) => {
  const knowing = Promise.withResolvers<void>()
  const { made, stop, led, start } = candidate(knowing.promise)
  const leading = start()
  await made.clock.pass(minute)
  t.match(made.lease.lease, { spec: { holderIdentity: 'one' } }, 'it leads')
  t.equal(led.length, 0)
  t.same(
    made.lease.written.flatMap((annotations) => annotations[lookedUntil] ?? []),
    [iso(0)],
    'and says that it looked at nothing yet',
  )
  knowing.resolve()
  await made.clock.pass(0)
  t.equal(led.length, 1)
  stop.abort()
  await leading
})

t.test('a leader that never came to look leaves said until when the one before it had', async (t) => {
  const knowing = Promise.withResolvers<void>()
  const { made, stop, start } = candidate(knowing.promise)
  made.lease.lease = left({})
  const leading = start()
  await made.clock.pass(10 * minute)
  stop.abort()
  knowing.reject(new Error('it stops'))
  await made.clock.pass(minute)
  await leading.catch(() => undefined)
  const next = candidate()
  next.made.lease.lease = made.lease.lease
  const again = next.start()
  await next.made.clock.pass(20_000)
  t.match(next.led, [{ ports: { lookedUntil: newYear - 11 * minute } }], 'a minute before it renewed last')
  next.stop.abort()
  await again
})

for (const [name, { lease, unwatchedSince, until }] of Object.entries({
  'until when it says that it had looked': {
    lease: left({ [lookedUntil]: iso(newYear - 30 * minute) }),
    unwatchedSince: newYear - 10 * minute,
    until: newYear - 30 * minute,
  },
  'when it renewed, if it does not say': {
    lease: left({}),
    unwatchedSince: newYear - 10 * minute,
    until: newYear - 10 * minute,
  },
  'when it renewed, if it says that it looked later': {
    lease: left({ [lookedUntil]: iso(newYear + 60 * minute) }),
    unwatchedSince: newYear - 10 * minute,
    until: newYear - 10 * minute,
  },
  'the beginning, if there was none': { lease: undefined, unwatchedSince: 0, until: 0 },
}))
  t.test(`what the leader before did not look at is what came a minute before: ${name}`, async (t) => {
    const { made, stop, led, start } = candidate()
    made.lease.lease = lease
    const leading = start()
    await made.clock.pass(20_000)
    t.match(led, [{ ports: { unwatchedSince: unwatchedSince - minute, lookedUntil: until - minute } }])
    stop.abort()
    await leading
  })

t.test('while it leads the Lease says until when it looked; when it ends, no later', async (t) => {
  const { made, stop, led, start } = candidate()
  const leading = start()
  await made.clock.pass(minute)
  const said = Date.parse(String(made.lease.written.at(-1)?.[lookedUntil]))
  t.ok(said > newYear && said <= made.clock.now(), iso(said))
  const [{ looked } = { looked: undefined }] = led
  looked?.offer('Backup/velero/b1/u', () => true)
  const noted = made.clock.now()
  await made.clock.pass(minute)
  t.same(made.lease.written.at(-1), { [lookedUntil]: iso(noted) }, 'what waits holds it back')
  stop.abort()
  await made.clock.pass(minute)
  await leading
  t.match(made.lease.lease, { spec: { holderIdentity: '' } }, 'it was given back')
  t.same(made.lease.written.at(-1), {}, 'by who looks at nothing any more')
})

t.test(
  'a leader whose clock is ahead says that it looked until now, by the time of the API server',
  async (t) => {
    const { made, stop, start } = candidate()
    const aheadMs = 60 * minute
    made.clock.step(aheadMs)
    const leading = start()
    await made.clock.pass(minute)
    const said = Date.parse(String(made.lease.written.at(-1)?.[lookedUntil]))
    t.ok(said > newYear && said <= made.clock.now() - aheadMs, iso(said))
    stop.abort()
    await made.clock.pass(minute)
    await leading
  },
)

t.test('the Lease says which certificates its holder serves, beside until when it looked', async (t) => {
  const { made, stop, start } = candidate(Promise.resolve(), '{"serving":{}}')
  const leading = start()
  await made.clock.pass(minute)
  t.match(made.lease.written.at(-1), {
    'tidewaiter.io/certificates': '{"serving":{}}',
    [lookedUntil]: /^2026/,
  })
  stop.abort()
  await made.clock.pass(minute)
  await leading
})
