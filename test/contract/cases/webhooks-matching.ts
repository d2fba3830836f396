/** Which requests a webhook is asked about. */
import assert from 'node:assert/strict'
import type { Api } from '../api.ts'
import { about, inNamespace, rule } from '../case.ts'
import { answered } from '../expected.ts'
import type { Json } from '../http.ts'
import { collections, configMap, lease, paths } from '../objects.ts'
import { register, type Entry } from '../registrations.ts'
import { admit, refuse, type Hook } from '../webhook-server.ts'
import { widgets, type Kind } from '../widgets.ts'

const on = (resources: readonly string[], operations: readonly string[] = ['CREATE'], more = {}) => [
  { apiGroups: ['*'], apiVersions: ['*'], operations, resources, ...more },
]
async function asking(api: Api, ns: string, fields: Omit<Entry, 'hook'>): Promise<Hook> {
  const hook = api.hook(() => admit)
  await register(api, 'validating', { ns, entries: [{ ...fields, hook }] })
  return hook
}
// A namespaceSelector does not keep out what belongs to no namespace: others make such things at the same time.
const namesAsked = (hook: Hook): readonly string[] =>
  hook.asked
    .filter(
      ({ request }) => request.namespace !== undefined && request.resource.resource !== 'serviceaccounts',
    )
    .map(
      ({ request }) =>
        `${request.operation} ${request.resource.resource}${request.subResource === undefined ? '' : `/${request.subResource}`}`,
    )

/**
 * Changes one object, each time from the version that the last answer gave: a server whose watch cache is behind tries a
 * change on its stale copy first, and asks about that one too, unless the change names the version it is for.
 */
function inTurn(api: Api, { metadata }: Json) {
  let { resourceVersion } = metadata
  return {
    change: async (path: string, to: Json): Promise<void> => {
      const named = { ...to, metadata: { ...to.metadata, resourceVersion } }
      const changed = answered(await api.patch(path, named, { type: 'merge' }), 200)
      resourceVersion = changed.metadata.resourceVersion
    },
    remove: async (path: string): Promise<void> => {
      answered(await api.delete(path, { preconditions: { resourceVersion } }), 200)
    },
  }
}

const withStatus = (api: Api): Promise<Kind> =>
  widgets(api, {
    properties: {
      spec: { type: 'object' },
      status: { type: 'object', properties: { p: { type: 'integer' } } },
    },
    subresources: { status: {} },
  })

async function updateBoth(api: Api, widget: Kind, ns: string): Promise<void> {
  const { change } = inTurn(api, answered(await api.post(widget.path(ns), widget.object('a')), 201))
  await change(`${widget.path(ns, 'a')}/status`, { status: { p: 1 } })
  await change(widget.path(ns, 'a'), { metadata: { labels: { x: 'y' } } })
}

/** The rules. */
export const cases = about('webhook matching', [
  inNamespace('rules name operations and resources', async (api, ns) => {
    const hook = await asking(api, ns, { rules: on(['leases'], ['CREATE', 'UPDATE']) })
    const made = answered(await api.post(paths.leases(ns), lease('a')), 201)
    answered(await api.post(paths.configMaps(ns), configMap('a')), 201)
    answered(await api.put(paths.leases(ns, 'a'), { ...made, spec: { holderIdentity: 'x' } }), 200)
    answered(await api.delete(paths.leases(ns, 'a')), 200)
    assert.deepEqual(namesAsked(hook), ['CREATE leases', 'UPDATE leases'])
  }),
  inNamespace('reads ask nobody', async (api, ns) => {
    const hook = await asking(api, ns, { rules: on(['*'], ['*']) })
    await api.get(paths.leases(ns))
    await api.get(paths.leases(ns, 'a'))
    assert.deepEqual(namesAsked(hook), [])
  }),
  inNamespace('a star is every resource but no subresource', async (api, ns) => {
    const widget = await withStatus(api)
    const hook = await asking(api, ns, { rules: on(['*'], ['UPDATE']) })
    await updateBoth(api, widget, ns)
    assert.deepEqual(namesAsked(hook), ['UPDATE widgets'])
  }),
  inNamespace('a subresource is named', async (api, ns) => {
    const widget = await withStatus(api)
    const hook = await asking(api, ns, { rules: on(['widgets/status'], ['UPDATE']) })
    await updateBoth(api, widget, ns)
    assert.deepEqual(namesAsked(hook), ['UPDATE widgets/status'])
  }),
  inNamespace('a star after the slash is every subresource', async (api, ns) => {
    const widget = await withStatus(api)
    const hook = await asking(api, ns, { rules: on(['*/*'], ['UPDATE']) })
    await updateBoth(api, widget, ns)
    assert.deepEqual(namesAsked(hook), ['UPDATE widgets/status', 'UPDATE widgets'])
  }),
  inNamespace('the scope Cluster leaves out what lies in namespaces', async (api, ns) => {
    const hook = await asking(api, ns, { rules: on(['configmaps'], ['CREATE'], { scope: 'Cluster' }) })
    answered(await api.post(paths.configMaps(ns), configMap('a')), 201)
    assert.deepEqual(namesAsked(hook), [])
  }),
  inNamespace('the scope Namespaced lets it in', async (api, ns) => {
    const hook = await asking(api, ns, { rules: on(['configmaps'], ['CREATE'], { scope: 'Namespaced' }) })
    answered(await api.post(paths.configMaps(ns), configMap('a')), 201)
    assert.equal(hook.asked.length, 1)
  }),
  inNamespace('other namespaces are left out by namespaceSelector', async (api, ns) => {
    const other = await api.namespace()
    const hook = await asking(api, ns, {})
    answered(await api.post(paths.configMaps(other), configMap('a')), 201)
    assert.equal(hook.asked.length, 0)
  }),
  rule('namespaceSelector does not keep out what belongs to no namespace', async (api) => {
    const ns = await api.namespace()
    const hook = await asking(api, ns, { rules: on(['clusterroles']) })
    const name = api.name('role')
    await api.borrow(collections.clusterRoles, { metadata: { name } })
    assert.ok(hook.asked.some(({ request }) => request.object.metadata.name === name))
  }),
  rule('namespaceSelector goes by labels of the namespace, as they are now', async (api) => {
    const ns = await api.namespace({ gate: 'on' })
    const matchLabels = { 'kubernetes.io/metadata.name': ns, gate: 'on' }
    const hook = await asking(api, ns, { namespaceSelector: { matchLabels } })
    answered(await api.post(paths.configMaps(ns), configMap('a')), 201)
    assert.equal(hook.asked.length, 1)
    answered(
      await api.patch(
        `/api/v1/namespaces/${ns}`,
        { metadata: { labels: { gate: 'off' } } },
        { type: 'merge' },
      ),
      200,
    )
    await api.eventually(async () => {
      const before = hook.asked.length
      answered(await api.post(paths.configMaps(ns), { metadata: { generateName: 'b-' } }), 201)
      assert.equal(hook.asked.length, before)
    })
  }),
  rule('namespaceSelector judges a namespace itself by its own labels', async (api) => {
    const ns = await api.namespace()
    const gate = api.name('gate')
    const rules = [...on(['namespaces'])]
    const hook = api.hook(() => refuse('no namespace'))
    const entries = [{ hook, rules, namespaceSelector: { matchLabels: { gate } } }]
    await register(api, 'validating', { ns, entries })
    const metadata = { name: api.name('ns'), labels: { gate } }
    const answer = await api.post('/api/v1/namespaces', { metadata })
    assert.equal(answer.status, 400, answer.text)
  }),
  inNamespace('objectSelector asks if the new or the old object matches', async (api, ns) => {
    const hook = await asking(api, ns, {
      rules: on(['configmaps'], ['CREATE', 'UPDATE', 'DELETE']),
      objectSelector: { matchLabels: { x: 'y' } },
    })
    const { change, remove } = inTurn(
      api,
      answered(await api.post(paths.configMaps(ns), configMap('a')), 201),
    )
    const path = paths.configMaps(ns, 'a')
    for (const x of ['y', 'z', 'w', 'y']) await change(path, { metadata: { labels: { x } } })
    await remove(path)
    assert.deepEqual(namesAsked(hook), [
      'UPDATE configmaps',
      'UPDATE configmaps',
      'UPDATE configmaps',
      'DELETE configmaps',
    ])
  }),
  inNamespace('custom kinds are asked about, their status too', async (api, ns) => {
    const widget = await widgets(api, {
      properties: {
        spec: { type: 'object', properties: { n: { type: 'integer', default: 4 } } },
        status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
      subresources: { status: {} },
    })
    const hook = await asking(api, ns, { rules: on(['widgets', 'widgets/status'], ['CREATE', 'UPDATE']) })
    answered(await api.post(widget.path(ns), widget.object('a', { spec: {} })), 201)
    answered(await api.patch(`${widget.path(ns, 'a')}/status`, { status: { p: 1 } }, { type: 'merge' }), 200)
    assert.deepEqual(namesAsked(hook), ['CREATE widgets', 'UPDATE widgets/status'])
    assert.deepEqual(hook.asked[0]?.request.object.spec, { n: 4 })
    assert.equal(hook.asked[0]?.request.kind.kind, 'Widget')
  }),
  inNamespace('deletecollection asks for each object', async (api, ns) => {
    const hook = await asking(api, ns, { rules: on(['leases'], ['DELETE']) })
    for (const name of ['a', 'b']) answered(await api.post(paths.leases(ns), lease(name)), 201)
    answered(await api.delete(paths.leases(ns)), 200)
    assert.deepEqual(hook.asked.map(({ request }) => request.oldObject.metadata.name).sort(), ['a', 'b'])
  }),
])
