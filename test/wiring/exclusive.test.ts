/** Exclusive keys as Leases of a real API server, and how many Backups Velero works on at once, by its Deployment. */
import t, { type Test } from 'tap'
import type { ActionRun } from '../../src/api/action-run.ts'
import { KubeError } from '../../src/kube/errors.ts'
import { hash } from '../../src/wiring/crypto.ts'
import { exclusiveKeys } from '../../src/wiring/exclusive.ts'
import type { Calls } from '../../src/wiring/kinds.ts'
import { reach } from '../../src/wiring/reach.ts'
import { createSlots } from '../../src/wiring/slots.ts'
import { aRun } from '../support/build.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'
import { startKept } from '../support/kept-cluster.ts'

const runOf = (name: string): ActionRun =>
  aRun({ name: `${name}-run`, objectRef: { kind: 'Backup', name, uid: `uid-of-${name}` } })

/** An API server, and the keys of one replica that asks it. */
async function server(t: Test, objects: readonly unknown[] = []) {
  const { api, kubeconfig } = await startKept(t, objects)
  const [clock, log] = [new FakeClock(), new FakeLog()]
  const { client, calls } = await reach({ kubeconfig: kubeconfig(), env: {}, clock, log, userAgent: 'test' })
  t.teardown(() => client.close())
  const leases = async () => (await calls.leases('velero').list()).items
  return { api, clock, log, calls, leases, keys: exclusiveKeys({ calls, clock, hash }) }
}

t.test('exclusive keys', async (t) => {
  const { api, keys, leases, calls, clock } = await server(t)

  t.test('the first has it, and takes it again; the next is told who has it', async (t) => {
    t.same(await keys.take(runOf('b1'), 'shop'), { ok: true })
    t.same(await keys.take(runOf('b1'), 'shop'), { ok: true })
    t.same(await keys.take(runOf('b2'), 'shop'), { heldBy: 'Backup velero/b1 (run b1-run)' })
    t.same(await keys.take(runOf('b2'), 'other'), { ok: true })
    t.match(await leases(), [
      { metadata: { labels: { 'velero.io/exclude-from-backup': 'true' } } },
      { metadata: { labels: { 'velero.io/exclude-from-backup': 'true' } } },
    ])
  })

  t.test('only who has it gives it back, as often as it likes', async (t) => {
    await keys.free(runOf('b2'), ['shop'])
    t.match(await keys.take(runOf('b2'), 'shop'), { heldBy: /b1/ })
    await keys.free(runOf('b1'), ['shop', 'never taken'])
    await keys.free(runOf('b1'), ['shop'])
    t.same(await keys.take(runOf('b2'), 'shop'), { ok: true })
    await keys.free(runOf('b2'), ['shop', 'other'])
    t.same(await leases(), [])
  })

  t.test('of many that take it at once, one has it', async (t) => {
    const names = Array.from({ length: 12 }, (_, index) => `c${index}`)
    const taken = await Promise.all(names.map((name) => keys.take(runOf(name), 'shop')))
    const [winner] = names.filter((_, index) => 'ok' in (taken[index] ?? {}))
    t.equal(taken.filter((one) => 'ok' in one).length, 1)
    for (const one of taken) if ('heldBy' in one) t.match(one.heldBy, winner ?? 'nobody')
    await keys.free(runOf(winner ?? ''), ['shop'])
  })

  t.test('a key that was taken anew between look and deletion stays with whom has it', async (t) => {
    await keys.take(runOf('b1'), 'shop')
    const late = exclusiveKeys({ calls: meanwhile(calls, () => handOver()), clock, hash })
    const handOver = async () => {
      await keys.free(runOf('b1'), ['shop'])
      await keys.take(runOf('b2'), 'shop')
    }
    await late.free(runOf('b1'), ['shop'])
    t.match(await keys.take(runOf('b3'), 'shop'), { heldBy: /b2/ })
    await keys.free(runOf('b2'), ['shop'])
  })

  t.test('a key on which another wrote a label in between is given back all the same', async (t) => {
    await keys.take(runOf('b1'), 'shop')
    const effect = { kind: 'answer', code: 409 } as const
    api.faults.add({ match: { verb: 'delete', resource: 'leases' }, times: 2, effect })
    await keys.free(runOf('b1'), ['shop'])
    t.same(await leases(), [])
  })

  t.test('one that was given back between the try and the look is not had yet', async (t) => {
    await keys.take(runOf('b1'), 'shop')
    const beforeLook = exclusiveKeys({
      calls: beforeFind(calls, () => keys.free(runOf('b1'), ['shop'])),
      clock,
      hash,
    })
    t.match(await beforeLook.take(runOf('b2'), 'shop'), { heldBy: /until a moment ago/ })
    t.same(await keys.take(runOf('b2'), 'shop'), { ok: true })
  })
})

t.test('an API server that does not answer is no free key', async (t) => {
  const { api, keys } = await server(t)
  const effect = { kind: 'answer', code: 403 } as const
  api.faults.add({ match: { verb: 'create', resource: 'leases' }, times: 1, effect })
  await t.rejects(keys.take(runOf('b1'), 'shop'), KubeError)
})

/** Something happens before a Lease is deleted. */
const meanwhile = (calls: Calls, first: () => Promise<void>): Calls => ({
  ...calls,
  leases: (namespace) => {
    const leases = calls.leases(namespace)
    return {
      ...leases,
      delete: async (...at) => {
        await first()
        return leases.delete(...at)
      },
    }
  },
})

/** Something happens before a Lease is looked at. */
const beforeFind = (calls: Calls, first: () => Promise<void>): Calls => ({
  ...calls,
  leases: (namespace) => {
    const leases = calls.leases(namespace)
    return {
      ...leases,
      find: async (...at) => {
        await first()
        return leases.find(...at)
      },
    }
  },
})

// --- slots ---

const deployment = (name: string, args: readonly string[], component = 'velero') => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'velero', labels: { component } },
  spec: {
    selector: { matchLabels: { deploy: name } },
    template: {
      metadata: { labels: { deploy: name } },
      spec: { containers: [{ name: 'velero', image: 'velero/velero:v1.18.3', args }] },
    },
  },
})

t.test('how many Backups Velero works on is asked of its Deployment, and again every minute', async (t) => {
  const { calls, log, api } = await server(t)
  const clock = new FakeClock()
  const caches = new Map([['velero', undefined]]) as unknown as Parameters<typeof createSlots>[0]['caches']
  const slots = createSlots({ calls, clock, log, caches })
  t.equal(slots.backups('velero'), 1, 'nothing is known yet')
  const lists = { verb: 'list', resource: 'deployments' }
  /** One round of asking. */
  const round = async () => {
    const stop = new AbortController()
    const asking = slots.start(stop.signal)
    while (clock.waiting === 0) await new Promise((resolve) => setImmediate(resolve))
    stop.abort()
    await asking
  }
  api.seed([
    deployment('velero', ['server', '--concurrent-backups=4']),
    deployment('two', ['server'], 'other'),
  ])
  await round()
  t.equal(slots.backups('velero'), 4)
  t.equal(slots.backups('elsewhere'), 1)
  api.faults.add({ match: lists, times: 1, effect: { kind: 'answer', code: 403 } })
  await round()
  t.equal(slots.backups('velero'), 4, 'what was known counts while the API server does not answer')
  t.match(log.lines, [/could not be asked/])
  api.seed([deployment('three', ['server', '--concurrent-backups', '2'])])
  await round()
  t.equal(slots.backups('velero'), 2, 'of two that overlap, the one that works on fewer')
})
