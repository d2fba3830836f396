/** Processes outside the cluster, which share registrations where they are given the same URL: who makes them, and who takes them away. */
import t, { type Test } from 'tap'
import { leaseAccess } from '../../src/kube/lease.ts'
import { goOutside } from '../../src/wiring/outside.ts'
import { reach } from '../../src/wiring/reach.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'
import { madeAt, startKept } from '../support/kept-cluster.ts'

const kinds = [
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'mutatingwebhookconfigurations',
  'validatingwebhookconfigurations',
] as const
const clientConfig = { url: 'https://127.0.0.1:9443' }
const install = { name: 'tidewaiter-dev-1', namespace: 'velero', names: [], outside: true, clientConfig }

/** An API server, and processes that go outside and stop. */
async function outdoors(t: Test) {
  const { api, kubeconfig } = await startKept(t, [])
  const [clock, log] = [new FakeClock(), new FakeLog()]
  const { client, calls } = await reach({ kubeconfig: kubeconfig(), env: {}, clock, log, userAgent: 'test' })
  t.teardown(() => client.close())
  const connection = { access: {} as never, client, calls, cluster: 'c', serverTime: () => madeAt + 60_000 }
  const registration = {
    calls,
    name: install.name,
    namespaces: ['velero'],
    clientConfig,
    token: () => 'token',
    caBundle: () => 'Q0E=',
  }
  const start = (owner: string) => {
    const undo: (() => Promise<unknown>)[] = []
    const started = goOutside({ connection, install, registration, owner, clock, log }, undo)
    const stop = async () => {
      for (const one of undo.splice(0)) await one()
    }
    return { started, stop }
  }
  const there = async () => {
    const lists = await Promise.all(kinds.map((kind) => calls.admission(kind).list()))
    return lists.reduce((sum, { items }) => sum + items.length, 0)
  }
  const lease = (holder: string, renewedAt: number) =>
    leaseAccess(client, { namespace: 'velero', name: `${install.name}-leader` }).create(
      { holder, durationSeconds: 15, acquiredAt: renewedAt, renewedAt, transitions: 0, resourceVersion: '' },
      AbortSignal.timeout(10_000),
    )
  const refuse = () =>
    api.faults.add({
      match: { verb: 'patch', resource: 'mutatingwebhookconfigurations' },
      times: Number.POSITIVE_INFINITY,
      effect: { kind: 'answer', code: 403 },
    })
  return { start, there, lease, refuse, log, calls, clock }
}

t.test('one that stops takes away what it made', async (t) => {
  const { start, there } = await outdoors(t)
  const one = start('a')
  await one.started
  t.ok((await there()) > 4)
  await one.stop()
  t.equal(await there(), 0)
})

t.test('one that fails to start leaves nothing of its own', async (t) => {
  const { start, there, refuse, clock } = await outdoors(t)
  refuse()
  const one = start('a')
  await t.rejects(one.started, /403/)
  t.ok((await there()) > 2, 'some were made by then')
  const stopped = one.stop()
  await clock.pass(3_000)
  await stopped
  t.equal(await there(), 0)
})

t.test(
  'one that fails to start leaves what it made to another, which began with it and leads a moment later',
  async (t) => {
    const { start, there, refuse, lease, clock } = await outdoors(t)
    refuse()
    const one = start('a')
    await t.rejects(one.started, /403/)
    const before = await there()
    const stopped = one.stop()
    await clock.pass(1_000)
    await lease('b', madeAt + 50_000)
    await clock.pass(2_000)
    await stopped
    t.equal(await there(), before)
  },
)

t.test('one that fails to start beside another takes nothing away', async (t) => {
  const { start, there, refuse } = await outdoors(t)
  await start('a').started
  const before = await there()
  refuse()
  const other = start('b')
  await t.rejects(other.started, /403/)
  await other.stop()
  t.equal(await there(), before)
})

t.test('one that stops while another leads leaves them to that', async (t) => {
  const { start, there, lease, log } = await outdoors(t)
  const one = start('a')
  await one.started
  const before = await there()
  await lease('b', madeAt + 50_000)
  await one.stop()
  t.equal(await there(), before)
  t.match(log.lines, [/the registrations stay: another process of this install leads/])
})

t.test('a leader that is long gone answers for nothing', async (t) => {
  const { start, there, lease } = await outdoors(t)
  const one = start('a')
  await one.started
  await lease('b', madeAt)
  await one.stop()
  t.equal(await there(), 0)
})

t.test('what was taken away is made again', async (t) => {
  const { start, there, calls } = await outdoors(t)
  const again = await start('a').started
  const before = await there()
  await calls.admission('mutatingwebhookconfigurations').delete(install.name)
  await again()
  t.equal(await there(), before)
})
