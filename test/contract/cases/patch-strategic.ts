/** Strategic merge patches, and patches of status. */
import assert from 'node:assert/strict'
import { about, inNamespace } from '../case.ts'
import type { Api } from '../api.ts'
import { answered, has } from '../expected.ts'
import { configMap, deployment, lease, paths } from '../objects.ts'

const data = { a: '1', b: '2' }
const aMap = async (api: Api, ns: string) => {
  const made = await api.post(paths.configMaps(ns), configMap('a', data, { labels: { x: 'y' } }))
  return answered(made, 201)
}
const strategic = (api: Api, path: string, patch: object) => api.patch(path, patch, { type: 'strategic' })

/** The rules. */
export const cases = about('patch', [
  inNamespace('strategic: containers are merged by name', async (api, ns) => {
    answered(
      await api.post(
        paths.deployments(ns),
        deployment('a', [
          { name: 'a', image: 'a:1' },
          { name: 'b', image: 'b:1' },
        ]),
      ),
      201,
    )
    const containers = [{ name: 'b', image: 'b:2' }]
    const patch = { spec: { template: { spec: { containers } } } }
    const after = answered(await strategic(api, paths.deployments(ns, 'a'), patch), 200)
    const images = after.spec.template.spec.containers.map(({ image }: { image: string }) => image)
    assert.deepEqual(images.sort(), ['a:1', 'b:2'])
    assert.equal(after.metadata.generation, 2)
  }),
  inNamespace('strategic: $patch delete takes one away', async (api, ns) => {
    answered(
      await api.post(
        paths.deployments(ns),
        deployment('a', [
          { name: 'a', image: 'a:1' },
          { name: 'b', image: 'b:1' },
        ]),
      ),
      201,
    )
    const containers = [{ name: 'b', $patch: 'delete' }]
    const patch = { spec: { template: { spec: { containers } } } }
    const after = answered(await strategic(api, paths.deployments(ns, 'a'), patch), 200)
    assert.equal(after.spec.template.spec.containers.length, 1)
  }),
  inNamespace('strategic: $patch replace replaces a map', async (api, ns) => {
    await aMap(api, ns)
    const patch = { data: { $patch: 'replace', z: '1' } }
    const after = await strategic(api, paths.configMaps(ns, 'a'), patch)
    assert.deepEqual(answered(after, 200).data, { z: '1' })
  }),
  inNamespace('strategic: finalizers are added to', async (api, ns) => {
    answered(await api.post(paths.leases(ns), lease('a', {}, { finalizers: ['example.com/a'] })), 201)
    const patch = { metadata: { finalizers: ['example.com/b'] } }
    const after = answered(await strategic(api, paths.leases(ns, 'a'), patch), 200)
    assert.deepEqual([...after.metadata.finalizers].sort(), ['example.com/a', 'example.com/b'])
    const free = { metadata: { finalizers: null } }
    answered(await api.patch(paths.leases(ns, 'a'), free, { type: 'merge' }), 200)
  }),
  inNamespace('strategic: $deleteFromPrimitiveList takes from a list', async (api, ns) => {
    const finalizers = ['example.com/a', 'example.com/b']
    answered(await api.post(paths.leases(ns), lease('a', {}, { finalizers })), 201)
    const patch = { metadata: { '$deleteFromPrimitiveList/finalizers': ['example.com/a'] } }
    const after = answered(await strategic(api, paths.leases(ns, 'a'), patch), 200)
    assert.deepEqual(after.metadata.finalizers, ['example.com/b'])
    const free = { metadata: { finalizers: null } }
    answered(await api.patch(paths.leases(ns, 'a'), free, { type: 'merge' }), 200)
  }),
  inNamespace('strategic: environment variables are merged by name, arguments replaced', async (api, ns) => {
    const first = { name: 'a', image: 'a:1', args: ['1', '2'], env: [{ name: 'X', value: '1' }] }
    answered(await api.post(paths.deployments(ns), deployment('a', [first])), 201)
    const containers = [{ name: 'a', args: ['3'], env: [{ name: 'Y', value: '2' }] }]
    const patch = { spec: { template: { spec: { containers } } } }
    const [after] = answered(await strategic(api, paths.deployments(ns, 'a'), patch), 200).spec.template.spec
      .containers
    assert.deepEqual(after.args, ['3'])
    assert.deepEqual(after.env.map(({ name }: { name: string }) => name).sort(), ['X', 'Y'])
  }),
  inNamespace('a patch of status changes status alone', async (api, ns) => {
    answered(await api.post(paths.deployments(ns), deployment('a')), 201)
    const patch = { spec: { minReadySeconds: 9 }, status: { conditions: [{ type: 'Seen', status: 'True' }] } }
    const after = answered(
      await api.patch(`${paths.deployments(ns, 'a')}/status`, patch, { type: 'merge' }),
      200,
    )
    assert.equal(after.spec.minReadySeconds, undefined)
    assert.equal(after.metadata.generation, 1)
    has(after.status.conditions, [{ type: 'Seen' }])
  }),
])
