import t from 'tap'
import { leaseAccess } from '../../src/kube/lease.ts'
import { aClient, aStatus, json, serve } from './scripted-server.ts'

const name = { namespace: 'tidewaiter', name: 'leader', labels: { 'velero.io/exclude-from-backup': 'true' } }
const path = '/apis/coordination.k8s.io/v1/namespaces/tidewaiter/leases'
const signal = new AbortController().signal
const lease = {
  holder: 'a',
  durationSeconds: 15,
  acquiredAt: 1000,
  renewedAt: 2500,
  transitions: 2,
  resourceVersion: '7',
}
const stored = {
  metadata: { name: 'leader', resourceVersion: '7' },
  spec: {
    holderIdentity: 'a',
    leaseDurationSeconds: 15,
    acquireTime: '1970-01-01T00:00:01.000000Z',
    renewTime: '1970-01-01T00:00:02.500000Z',
    leaseTransitions: 2,
  },
}

t.test('a Lease is read and written as the API server stores it', async (t) => {
  const { url, seen } = await serve(t, (_, response) => json(response, 200, stored))
  const access = leaseAccess(aClient(t, url).client, name)
  t.same(await access.read(signal), lease)
  t.same(await access.update(lease, signal), { ok: lease })
  t.same(await access.create({ ...lease, resourceVersion: '' }, signal), { ok: lease })
  t.match(seen[1], {
    method: 'PATCH',
    url: { pathname: `${path}/leader` },
    headers: { 'content-type': 'application/merge-patch+json' },
  })
  t.same(JSON.parse(seen[1]?.body ?? '').spec, stored.spec)
  t.equal(
    JSON.parse(seen[1]?.body ?? '').metadata.resourceVersion,
    '7',
    'an update is good only on what was read',
  )
  t.same(JSON.parse(seen[2]?.body ?? '').metadata, {
    name: 'leader',
    namespace: 'tidewaiter',
    labels: name.labels,
  })
})

t.test(
  'until when everything was looked at is kept beside the Lease, and left as it is if not said',
  async (t) => {
    const until = '2026-01-01T00:00:00.000Z'
    const annotatedBy = (annotations: object) => ({
      ...stored,
      metadata: { ...stored.metadata, annotations },
    })
    let annotated = annotatedBy({ 'tidewaiter.io/looked-until': until })
    const { url, seen } = await serve(t, (_, response) => json(response, 200, annotated))
    const access = leaseAccess(aClient(t, url).client, name)
    const known = { ...lease, lookedUntil: Date.parse(until) }
    t.same(await access.read(signal), known)
    await access.update(known, signal)
    t.match(JSON.parse(seen[1]?.body ?? '').metadata.annotations, { 'tidewaiter.io/looked-until': until })
    await access.update(lease, signal)
    t.notOk('annotations' in JSON.parse(seen[2]?.body ?? '').metadata)
    await access.update({ ...lease, lookedUntil: 0 }, signal)
    const { annotations } = JSON.parse(seen[3]?.body ?? '').metadata
    annotated = annotatedBy(annotations)
    t.equal((await access.read(signal))?.lookedUntil, 0, 'who looked at nothing is not who says nothing')
  },
)

t.test('no Lease is undefined, and what somebody scribbled into one is a free one', async (t) => {
  let status = 404
  const { url } = await serve(t, (_, response) =>
    json(
      response,
      status,
      status === 404
        ? aStatus(404, 'NotFound')
        : { metadata: { resourceVersion: '8' }, spec: { leaseDurationSeconds: -1 } },
    ),
  )
  const access = leaseAccess(aClient(t, url).client, name)
  t.equal(await access.read(signal), undefined)
  status = 200
  t.match(await access.read(signal), { holder: '', durationSeconds: 0, transitions: 0, resourceVersion: '8' })
})

t.test('that another was first is a value; everything else is thrown', async (t) => {
  let answer = aStatus(409, 'Conflict')
  const { url } = await serve(t, (_, response) => json(response, answer.code, answer))
  const access = leaseAccess(aClient(t, url).client, name)
  t.same(await access.update(lease, signal), { conflict: true })
  answer = aStatus(409, 'AlreadyExists')
  t.same(await access.create(lease, signal), { conflict: true })
  answer = aStatus(404, 'NotFound')
  t.same(await access.update(lease, signal), { conflict: true }, 'it was deleted since it was read')
  await t.rejects(access.create(lease, signal), { code: 'NOT_FOUND' }, 'the namespace is not there')
  answer = aStatus(403, 'Forbidden')
  await t.rejects(access.update(lease, signal), { code: 'FORBIDDEN' })
})
