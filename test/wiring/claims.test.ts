import t from 'tap'
import { claimsBy } from '../../src/wiring/claims.ts'
import { KubeError } from '../../src/kube/errors.ts'
import { hash } from '../../src/wiring/crypto.ts'
import type { Calls } from '../../src/wiring/kinds.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeResource } from '../support/fake-resource.ts'

const subject = { kind: 'Backup', namespace: 'velero', name: 'b1' } as const

function claiming() {
  const clock = new FakeClock()
  const leases = new FakeResource()
  const claims = claimsBy({ calls: { leases: () => leases } as unknown as Calls, clock, hash })
  return { clock, leases, claims }
}

t.test('the first has the name, also when it asks again; the second is told who has it', async (t) => {
  const { claims, leases } = claiming()
  t.same(await claims.claim(subject, 'a'), { ok: true })
  t.same(await claims.claim(subject, 'a'), { ok: true })
  t.same(await claims.claim(subject, 'b'), { heldBy: 'a' })
  t.same(
    await claims.claim({ ...subject, kind: 'Restore' }, 'b'),
    { ok: true },
    'a Restore of that name is another',
  )
  const [lease] = leases.objects.values()
  t.match(lease, {
    metadata: { labels: { 'tidewaiter.io/claim': 'name', 'velero.io/exclude-from-backup': 'true' } },
    spec: { holderIdentity: 'a', acquireTime: '2026-01-01T00:00:00.000000Z' },
  })
})

t.test('a claim runs out after a minute, and is taken over', async (t) => {
  const { claims, clock } = claiming()
  await claims.claim(subject, 'a')
  await clock.pass(60_001)
  t.same(await claims.claim(subject, 'b'), { ok: true })
  t.same(await claims.claim(subject, 'a'), { heldBy: 'b' })
})

t.test('of two that take over at once, one wins', async (t) => {
  const { claims, clock, leases } = claiming()
  await claims.claim(subject, 'a')
  await clock.pass(60_001)
  leases.before = (call) => {
    if (call !== 'replace') return
    leases.before = () => {}
    const [lease] = leases.objects.values()
    if (lease !== undefined)
      leases.put({
        ...lease,
        spec: { holderIdentity: 'c', acquireTime: new Date(clock.now()).toISOString() },
      })
  }
  t.same(await claims.claim(subject, 'b'), { heldBy: 'c' })
})

t.test('a claim that is given up between two looks is tried again, but not for ever', async (t) => {
  const { claims, leases } = claiming()
  leases.fail('create', new KubeError('ALREADY_EXISTS', 'there'))
  t.same(await claims.claim(subject, 'a'), { ok: true })
  const other = claiming()
  other.leases.fail('create', ...Array.from({ length: 9 }, () => new KubeError('ALREADY_EXISTS', 'there')))
  t.match(await other.claims.claim(subject, 'a'), { heldBy: /quicker/ })
})

t.test('only its holder gives a claim back', async (t) => {
  const { claims, leases } = claiming()
  await claims.release(subject, 'a')
  await claims.claim(subject, 'a')
  await claims.release(subject, 'b')
  t.equal(leases.objects.size, 1)
  leases.fail('delete', new KubeError('CONFLICT', 'taken over meanwhile'))
  await claims.release(subject, 'a')
  t.equal(leases.objects.size, 1)
  await claims.release(subject, 'a')
  t.equal(leases.objects.size, 0)
})

t.test('an API server that does not answer is thrown', async (t) => {
  const { claims, leases } = claiming()
  leases.fail('create', new KubeError('UNAVAILABLE', 'no answer'))
  await t.rejects(claims.claim(subject, 'a'), { code: 'UNAVAILABLE' })
  await claims.claim(subject, 'a')
  leases.fail('delete', new KubeError('UNAVAILABLE', 'no answer'))
  await t.rejects(claims.release(subject, 'a'), { code: 'UNAVAILABLE' })
})
