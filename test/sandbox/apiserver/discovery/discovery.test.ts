import t from 'tap'
import { call, shipCrd, started, type Loose } from '../client.ts'

t.test('legacy and aggregated discovery name the same resources', async (t) => {
  const api = await started(t)
  api.seed([shipCrd])
  const legacy = await call(api, 'GET', '/apis/harbour.example/v1')
  t.same(
    legacy.body.resources.map((one: Loose) => one.name),
    ['ships', 'ships/scale', 'ships/status'],
  )
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'
  const all = await call(api, 'GET', '/apis', undefined, { headers: { accept } })
  t.match(all.headers['content-type'], /as=APIGroupDiscoveryList/)
  const group = all.body.items.find((one: Loose) => one.metadata.name === 'harbour.example')
  t.match(group.versions[0].resources[0], {
    resource: 'ships',
    scope: 'Namespaced',
    shortNames: ['sh'],
    subresources: [{ subresource: 'scale' }, { subresource: 'status' }],
  })
})

t.test('OpenAPI v3 has a document for each group version, and CRDs are in it', async (t) => {
  const api = await started(t)
  api.seed([shipCrd])
  const index = await call(api, 'GET', '/openapi/v3')
  t.match(
    index.body.paths['apis/harbour.example/v1'].serverRelativeURL,
    /\/openapi\/v3\/apis\/harbour.example\/v1\?hash=/,
  )
  const document = await call(api, 'GET', '/openapi/v3/apis/harbour.example/v1')
  t.match(document.body.components.schemas['example.harbour.v1.Ship'], {
    'x-kubernetes-group-version-kind': [{ kind: 'Ship' }],
  })
})

t.test('a path that nothing answers is 404', async (t) => {
  const api = await started(t)
  for (const path of ['/nope', '/apis/nope', '/apis/apps/v9', '/api/v1/nope', '/%'])
    t.equal((await call(api, 'GET', path)).code, 404, path)
})
