import t from 'tap'
import { createAccessReview } from '../../src/kube/access-review.ts'
import type { Call, KubeClient } from '../../src/kube/client.ts'
import { FakeClock } from '../support/fake-clock.ts'

const deed = { verb: 'use', group: '', resource: 'serviceaccounts', namespace: 'velero', name: 'a' }
const alice = { user: 'alice', groups: ['b', 'a'], extra: { scopes: ['s'] } }

/** Reviews over a client that answers as told. */
const reviews = (status: () => unknown) => {
  const clock = new FakeClock()
  const calls: Call[] = []
  const request = async (call: Call) => {
    calls.push(call)
    return { status: status() }
  }
  // Only `request` is used: the rest of the client would be dead weight here.
  const client = { request } as unknown as KubeClient
  return { ...createAccessReview({ client, clock }), calls, clock }
}

t.test('only a plain yes is a yes', async (t) => {
  for (const [status, want] of [
    [{ allowed: true }, true],
    [{ allowed: false }, false],
    [{ allowed: true, denied: true }, false],
    [{ allowed: false, evaluationError: 'x' }, false],
  ] as const) {
    t.equal(await reviews(() => status).may(alice, deed), want)
  }
  for (const status of [undefined, {}, { allowed: 'true' }]) {
    await t.rejects(reviews(() => status).may(alice, deed), { code: 'BAD_ANSWER' })
  }
})

t.test('the whole subject is asked about, and a review is safe to repeat', async (t) => {
  const { may, mayI, calls } = reviews(() => ({ allowed: true }))
  await may(alice, deed)
  await mayI(deed)
  t.match(calls[0], {
    path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    safe: true,
    body: { spec: { ...alice, resourceAttributes: { verb: 'use', resource: 'serviceaccounts', name: 'a' } } },
  })
  t.match(calls[1], { path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews' })
})

t.test('nobody may nothing, and the API server is not asked', async (t) => {
  const { may, calls } = reviews(() => ({ allowed: true }))
  t.equal(await may({ user: '', groups: [] }, deed), false)
  t.equal(calls.length, 0)
})

t.test('an answer is kept for ten seconds, for the same question only', async (t) => {
  let allowed = true
  const { may, calls, clock } = reviews(() => ({ allowed }))
  t.equal(await may(alice, deed), true)
  allowed = false
  t.equal(await may({ ...alice, groups: ['a', 'b'] }, deed), true, 'the order of groups is no difference')
  t.equal(await may(alice, { ...deed, name: 'b' }), false)
  t.equal(await may({ ...alice, extra: {} }, deed), false)
  t.equal(await may({ ...alice, groups: ['a'] }, deed), false)
  t.equal(calls.length, 4)
  await clock.pass(10_000)
  t.equal(await may(alice, deed), false)
})

t.test('a failure is not kept', async (t) => {
  let fail = true
  const { may } = reviews(() => {
    if (fail) throw new Error('down')
    return { allowed: true }
  })
  await t.rejects(may(alice, deed), { message: 'down' })
  fail = false
  t.equal(await may(alice, deed), true)
})

t.test('the memory is bounded: the oldest answer goes first', async (t) => {
  const { may, calls } = reviews(() => ({ allowed: true }))
  for (let n = 0; n <= 1024; n++) await may(alice, { ...deed, name: `n${n}` })
  await may(alice, { ...deed, name: 'n1024' })
  t.equal(calls.length, 1025)
  await may(alice, { ...deed, name: 'n0' })
  t.equal(calls.length, 1026)
})
