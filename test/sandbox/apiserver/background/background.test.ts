import t from 'tap'
import { aMap, call, eventually, maps, started, type Loose } from '../client.ts'

const gone = (api: Loose, name: string): Promise<true> =>
  eventually(async () => ((await call(api, 'GET', `${maps}/${name}`)).code === 404 ? true : undefined))
const ownedBy = (owner: Loose, more: Record<string, unknown> = {}): Loose => ({
  ownerReferences: [
    { apiVersion: 'v1', kind: 'ConfigMap', name: owner.metadata.name, uid: owner.metadata.uid, ...more },
  ],
})

t.test('what is owned goes with its owner', async (t) => {
  const api = await started(t)
  const owner = (await call(api, 'POST', maps, aMap('owner'))).body
  await call(api, 'POST', maps, aMap('owned', {}, ownedBy(owner)))
  await call(api, 'DELETE', `${maps}/owner`)
  t.ok(await gone(api, 'owned'))
})

t.test('an owner that was never there takes its dependents at once', async (t) => {
  const api = await started(t)
  await call(api, 'POST', maps, aMap('owned', {}, ownedBy({ metadata: { name: 'x', uid: 'no-such' } })))
  t.ok(await gone(api, 'owned'))
})

t.test('orphaned dependents stay and forget their owner', async (t) => {
  const api = await started(t)
  const owner = (await call(api, 'POST', maps, aMap('owner'))).body
  await call(api, 'POST', maps, aMap('owned', {}, ownedBy(owner)))
  await call(api, 'DELETE', `${maps}/owner`, { propagationPolicy: 'Orphan' })
  await gone(api, 'owner')
  t.equal((await call(api, 'GET', `${maps}/owned`)).body.metadata.ownerReferences, undefined)
})

t.test('in the foreground the owner waits for those that block', async (t) => {
  const api = await started(t)
  const owner = (await call(api, 'POST', maps, aMap('owner'))).body
  await call(
    api,
    'POST',
    maps,
    aMap('owned', {}, { ...ownedBy(owner, { blockOwnerDeletion: true }), finalizers: ['a.example/b'] }),
  )
  await call(api, 'DELETE', `${maps}/owner`, { propagationPolicy: 'Foreground' })
  await eventually(async () =>
    (await call(api, 'GET', `${maps}/owned`)).body.metadata.deletionTimestamp ? true : undefined,
  )
  t.equal((await call(api, 'GET', `${maps}/owner`)).code, 200)
  await call(
    api,
    'PATCH',
    `${maps}/owned`,
    { metadata: { finalizers: null } },
    { type: 'application/merge-patch+json' },
  )
  t.ok(await gone(api, 'owner'))
})

t.test('a namespace is emptied before it goes, and takes nothing new meanwhile', async (t) => {
  const api = await started(t)
  const inside = '/api/v1/namespaces/n/configmaps'
  await call(api, 'POST', '/api/v1/namespaces', { metadata: { name: 'n' } })
  await call(api, 'POST', inside, aMap('a', {}, { finalizers: ['a.example/b'] }))
  await call(api, 'POST', inside, aMap('b'))
  t.match((await call(api, 'DELETE', '/api/v1/namespaces/n')).body.status, { phase: 'Terminating' })
  await eventually(async () => ((await call(api, 'GET', `${inside}/b`)).code === 404 ? true : undefined))
  t.match(await call(api, 'POST', inside, aMap('c')), {
    code: 403,
    body: { message: /unable to create new content in namespace n because it is being terminated/ },
  })
  await call(
    api,
    'PATCH',
    `${inside}/a`,
    { metadata: { finalizers: null } },
    { type: 'application/merge-patch+json' },
  )
  t.ok(
    await eventually(async () =>
      (await call(api, 'GET', '/api/v1/namespaces/n')).code === 404 ? true : undefined,
    ),
  )
})
