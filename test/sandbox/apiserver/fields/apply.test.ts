import t from 'tap'
import { aMap, call, maps, started, type Loose } from '../client.ts'

const apply = (manager: string): { type: string; path: string } => ({
  type: 'application/apply-patch+yaml',
  path: `${maps}/a?fieldManager=${manager}`,
})

t.test('an apply creates, owns what it says, and takes away what it says no more', async (t) => {
  const api = await started(t)
  const one = apply('one')
  const made = await call(api, 'PATCH', one.path, aMap('a', { x: '1', y: '2' }), one)
  t.equal(made.code, 201)
  t.match(made.body.metadata.managedFields, [
    { manager: 'one', operation: 'Apply', fieldsV1: { 'f:data': { 'f:x': {}, 'f:y': {} } } },
  ])
  const less = await call(api, 'PATCH', one.path, aMap('a', { x: '1' }), one)
  t.same(less.body.data, { x: '1' })
})

t.test('what another manager owns is a conflict unless forced; the same value is shared', async (t) => {
  const api = await started(t)
  const [one, two] = [apply('one'), apply('two')]
  await call(api, 'PATCH', one.path, aMap('a', { x: '1' }), one)
  const conflict = await call(api, 'PATCH', two.path, aMap('a', { x: '2' }), two)
  t.match(conflict, {
    code: 409,
    body: { reason: 'Conflict', message: 'Apply failed with 1 conflict: conflict with "one": .data.x' },
  })
  t.equal((await call(api, 'PATCH', two.path, aMap('a', { x: '1' }), two)).code, 200)
  const forced = await call(api, 'PATCH', `${two.path}&force=true`, aMap('a', { x: '2' }), two)
  t.same(forced.body.data, { x: '2' })
  t.same(
    forced.body.metadata.managedFields.map((entry: Loose) => entry.manager),
    ['two'],
  )
})

t.test('an update takes fields over', async (t) => {
  const api = await started(t)
  const one = apply('one')
  await call(api, 'PATCH', one.path, aMap('a', { x: '1' }), one)
  await call(
    api,
    'PATCH',
    `${maps}/a?fieldManager=edit`,
    { data: { x: '2' } },
    { type: 'application/merge-patch+json' },
  )
  const conflict = await call(api, 'PATCH', one.path, aMap('a', { x: '1' }), one)
  t.match(conflict.body.message, 'Apply failed with 1 conflict: conflict with "edit" using v1: .data.x')
})

t.test('items of a map list belong to those who apply them', async (t) => {
  const api = await started(t)
  const path = '/apis/apps/v1/namespaces/default/deployments/d'
  const deployment = (name: string): unknown => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd' },
    spec: {
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name, image: name }] } },
    },
  })
  const type = 'application/apply-patch+yaml'
  t.equal((await call(api, 'PATCH', `${path}?fieldManager=one`, deployment('x'), { type })).code, 201)
  const both = await call(api, 'PATCH', `${path}?fieldManager=two`, deployment('y'), { type })
  t.same(both.body.spec.template.spec.containers.map((one: Loose) => one.name).toSorted(), ['x', 'y'])
  const other = await call(api, 'PATCH', `${path}?fieldManager=one`, deployment('z'), { type })
  t.same(other.body.spec.template.spec.containers.map((one: Loose) => one.name).toSorted(), ['y', 'z'])
})
