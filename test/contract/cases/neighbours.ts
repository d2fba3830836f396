/** What lies close together and must not be taken for one another: names that begin the same, versions, managers, writers at once. */
import assert from 'node:assert/strict'
import type { Api } from '../api.ts'
import { about, inNamespace } from '../case.ts'
import { answered, has, namesOf, says } from '../expected.ts'
import type { Json } from '../http.ts'
import { collections, configMap, deployment, lease, paths } from '../objects.ts'
import { register } from '../registrations.ts'
import { admit } from '../webhook-server.ts'
import { widgets } from '../widgets.ts'

/** A namespace whose name begins as that of another. */
async function longer(api: Api, ns: string): Promise<string> {
  const name = `${ns}a`
  await api.borrow(collections.namespaces, { metadata: { name } })
  return name
}

/** The rules. */
export const cases = about('neighbours', [
  inNamespace('a list has nothing of a namespace whose name begins the same', async (api, ns) => {
    const other = await longer(api, ns)
    for (const one of [ns, other]) answered(await api.post(paths.leases(one), lease(`of-${one}`)), 201)
    assert.deepEqual(namesOf(answered(await api.get(paths.leases(ns)), 200)), [`of-${ns}`])
    answered(await api.delete(paths.leases(ns)), 200)
    assert.deepEqual(namesOf(answered(await api.get(paths.leases(other)), 200)), [`of-${other}`])
  }),
  inNamespace('a watch tells nothing of a namespace whose name begins the same', async (api, ns) => {
    const other = await longer(api, ns)
    const watch = await api.watch(paths.leases(ns))
    for (const one of [other, ns]) answered(await api.post(paths.leases(one), lease(`of-${one}`)), 201)
    assert.deepEqual(await watch.take(1), [`ADDED of-${ns}`])
  }),
  inNamespace('a bookmark is not ahead of what is to come', async (api, ns) => {
    const watch = await api.watch(paths.leases(ns), { timeoutSeconds: 3, allowWatchBookmarks: 'true' })
    const { object } = await watch.until(({ type }) => type === 'BOOKMARK')
    const { metadata } = answered(await api.post(paths.leases(ns), lease('a')), 201)
    assert.ok(
      BigInt(object.metadata.resourceVersion) < BigInt(metadata.resourceVersion),
      `the bookmark said ${object.metadata.resourceVersion}, what was made next has ${metadata.resourceVersion}`,
    )
  }),
  inNamespace('a watch from before a kind was there is a 410', async (api, ns) => {
    const widget = await widgets(api, { properties: {} })
    const watch = await api.watch(widget.path(ns), { resourceVersion: '1' })
    const event = await watch.next()
    has(event, { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } })
    assert.match(event?.object.message, /^too old resource version: 1 \(\d+\)$/)
    assert.equal(await watch.next(), undefined)
  }),
  inNamespace('a write that another one overtakes is tried anew, and both stay', async (api, ns) => {
    answered(await api.post(paths.configMaps(ns), configMap('a', { first: 'no', second: 'no' })), 201)
    const overtaken = ({ request }: { request: Json }): boolean => request.object.data?.first === 'yes'
    let overtook = false
    const hook = api.hook(async (asked) => {
      if (!overtaken(asked) || overtook) return admit
      overtook = true
      const patch = { data: { second: 'yes' } }
      answered(await api.patch(paths.configMaps(ns, 'a'), patch, { type: 'merge' }), 200)
      return admit
    })
    const rules = [
      { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] },
    ]
    await register(api, 'validating', { ns, entries: [{ hook, rules }] })
    const patch = { data: { first: 'yes' } }
    const after = answered(await api.patch(paths.configMaps(ns, 'a'), patch, { type: 'merge' }), 200)
    assert.ok(overtook)
    assert.deepEqual(after.data, { first: 'yes', second: 'yes' })
  }),
  inNamespace('one that named its version and is overtaken is a 409', async (api, ns) => {
    const made = answered(await api.post(paths.configMaps(ns), configMap('a', { second: 'no' })), 201)
    const hook = api.hook(async ({ request }) => {
      if (request.object.data?.first !== 'yes') return admit
      await api.patch(paths.configMaps(ns, 'a'), { data: { second: 'yes' } }, { type: 'merge' })
      return admit
    })
    const rules = [
      { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] },
    ]
    await register(api, 'validating', { ns, entries: [{ hook, rules }] })
    const patch = { metadata: { resourceVersion: made.metadata.resourceVersion }, data: { first: 'yes' } }
    says(await api.patch(paths.configMaps(ns, 'a'), patch, { type: 'merge' }), 409, [
      'Conflict',
      /the object has been modified/,
    ])
    assert.deepEqual(answered(await api.get(paths.configMaps(ns, 'a')), 200).data, { second: 'yes' })
  }),
  inNamespace('one manager of an object and of its status has two entries', async (api, ns) => {
    answered(await api.post(paths.deployments(ns), deployment('a')), 201)
    const query = { fieldManager: 'both' }
    const labels = { metadata: { labels: { x: 'y' } } }
    answered(await api.patch(paths.deployments(ns, 'a'), labels, { type: 'merge', query }), 200)
    const status = { status: { observedGeneration: 1 } }
    const path = `${paths.deployments(ns, 'a')}/status`
    const { metadata } = answered(await api.patch(path, status, { type: 'merge', query }), 200)
    const mine = metadata.managedFields.filter(({ manager }: Json) => manager === 'both')
    assert.deepEqual(
      mine.map((one: Json) => [one.subresource, Object.keys(one.fieldsV1)]),
      [
        [undefined, ['f:metadata']],
        ['status', ['f:status']],
      ],
    )
  }),
])
