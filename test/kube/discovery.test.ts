/** Which resource a kind is, and what it has beside its objects, as the API server says now. */
import t from 'tap'
import { createDiscovery } from '../../src/kube/discovery.ts'
import { systemClock } from '../../src/system-clock.ts'
import { startAccounts } from '../support/accounts.ts'

const signal = new AbortController().signal
const crd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'gizmos.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { kind: 'Gizmo', plural: 'gizmos', singular: 'gizmo', listKind: 'GizmoList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: {} } } },
        },
      },
    ],
  },
}
const scale = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' }

t.test('a scale that a kind gets later is found within seconds', async (t) => {
  const { client, call } = await startAccounts(t, [crd])
  let now = 0
  const discovery = createDiscovery({ ...systemClock, now: () => now })
  const gizmo = { apiVersion: 'example.com/v1', kind: 'Gizmo' }
  const find = (subresource?: string) => discovery(client, { ...gizmo, subresource }, signal)
  t.match(await find(), { plural: 'gizmos', subresources: [] })
  const lacking = {
    code: 'NOT_FOUND',
    sent: false,
    message: /serves no scale of Gizmo \(example\.com\/v1\)$/,
  }
  await t.rejects(find('scale'), lacking)
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gizmos.example.com'
  const { body } = await call('GET', path)
  body.spec.versions[0].subresources = { scale, status: {} }
  t.match(await call('PUT', path, { body }), { status: 200 })
  await t.rejects(find('scale'), lacking, 'what was answered a moment ago is not asked again')
  now += 5_000
  t.same(new Set((await find('scale')).subresources), new Set(['scale', 'status']))
})
