import t from 'tap'
import { keepRegistrations, type RegistrarPorts, type Registration } from '../../src/control/registrar.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'

function keeping(registration: Partial<Registration>, given: Partial<RegistrarPorts> = {}) {
  const clock = new FakeClock()
  const log = new FakeLog()
  const stop = new AbortController()
  const kept: boolean[] = []
  const patches: unknown[] = []
  const full: Registration = {
    name: 'tidewaiter',
    wanted: () => 'wanted',
    read: async () => 'current',
    patch: async (operations) => void patches.push(operations),
    ...registration,
  }
  const running = keepRegistrations(
    {
      clock,
      log,
      registrations: [full],
      patchOf: () => undefined,
      missing: () => [],
      remake: undefined,
      holds: () => true,
      onKept: (_name, inSync) => void kept.push(inSync),
      ...given,
    },
    stop.signal,
  )
  return { clock, log, stop, kept, patches, running }
}

t.test('a registration that is right is looked at every 10 s and left alone', async (t) => {
  const { clock, kept, patches, stop, running } = keeping({})
  await clock.pass(20_000)
  t.same([kept, patches], [[true, true, true], []])
  stop.abort()
  await running
  t.equal(clock.waiting, 0)
})

t.test('what is wanted anew is registered within a second', async (t) => {
  let wanted = 'former'
  const patches: unknown[] = []
  const { clock, stop } = keeping(
    { wanted: () => wanted, patch: async (operations) => void patches.push(operations) },
    { patchOf: (_current, wanted) => (wanted === 'new' ? [{ op: 'replace' }] : undefined) },
  )
  await clock.pass(2_500)
  wanted = 'new'
  await clock.pass(1_000)
  t.equal(patches.length, 1)
  stop.abort()
})

t.test('who does not lead any more when it has read writes nothing', async (t) => {
  let leads = true
  const { clock, kept, patches, stop } = keeping(
    {
      read: async () => {
        leads = false
        return 'current'
      },
    },
    { patchOf: () => [{ op: 'replace' }], holds: () => leads },
  )
  await clock.pass(0)
  t.same([kept, patches], [[false], []])
  stop.abort()
})

t.test('what differs is patched', async (t) => {
  const { clock, kept, patches, log, stop } = keeping({}, { patchOf: () => [{ op: 'replace' }] })
  await clock.pass(0)
  t.same([kept, patches], [[true], [[{ op: 'replace' }]]])
  t.match(log.lines, [/filled our CA and paths/])
  stop.abort()
})

for (const [name, { registration, given, says, patched }] of Object.entries({
  'is gone': {
    registration: { read: async () => undefined },
    given: {},
    says: /configuration is missing: apply the manifests/,
    patched: 0,
  },
  'lacks a webhook': {
    registration: {},
    given: { missing: () => ['backups'], patchOf: () => [{}] },
    says: /webhooks are missing/,
    patched: 1,
  },
  'cannot be read': {
    registration: { read: () => Promise.reject(new Error('no answer')) },
    given: {},
    says: /trying again/,
    patched: 0,
  },
  'cannot be patched': {
    registration: { patch: () => Promise.reject(new Error('conflict')) },
    given: { patchOf: () => [{}] },
    says: /trying again/,
    patched: 0,
  },
})) {
  t.test(`a registration that ${name} is not in sync, is told, and is looked at again`, async (t) => {
    const { clock, kept, log, patches, stop } = keeping(registration, given)
    await clock.pass(0)
    t.same(kept, [false])
    t.match(log.lines.join('\n'), says)
    t.equal(patches.length, patched)
    await clock.pass(10_000)
    t.equal(kept.length, 2)
    stop.abort()
  })
}

t.test('outside a cluster what is gone is made anew, by who leads', async (t) => {
  for (const [holds, made] of [
    [true, 1],
    [false, 0],
  ] as const) {
    let times = 0
    const remake = async () => void (times += 1)
    const { clock, kept, stop } = keeping({ read: async () => undefined }, { remake, holds: () => holds })
    await clock.pass(0)
    t.same([times, kept], [made, [holds]])
    stop.abort()
  }
})
