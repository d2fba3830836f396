/** Watching. */
import assert from 'node:assert/strict'
import { about, inNamespace } from '../case.ts'
import type { Api } from '../api.ts'
import { answered, has, says } from '../expected.ts'
import { lease, paths } from '../objects.ts'
import { brief } from '../watch.ts'

const made = async (api: Api, ns: string, [name, metadata]: readonly [string, object?]) =>
  answered(await api.post(paths.leases(ns), lease(name, {}, { ...metadata })), 201)
const label = async (api: Api, path: string, labels: object) =>
  answered(await api.patch(path, { metadata: { labels } }, { type: 'merge' }), 200)
const versionOf = async (api: Api, path: string): Promise<string> =>
  answered(await api.get(path), 200).metadata.resourceVersion
const endMark = 'k8s.io/initial-events-end'

/** The rules. */
export const cases = about('watch', [
  inNamespace('from a version gives what came after it, in order', async (api, ns) => {
    const resourceVersion = await versionOf(api, paths.leases(ns))
    const watch = await api.watch(paths.leases(ns), { resourceVersion })
    await made(api, ns, ['a'])
    await label(api, paths.leases(ns, 'a'), { x: 'y' })
    answered(await api.delete(paths.leases(ns, 'a')), 200)
    assert.deepEqual(await watch.take(3), ['ADDED a', 'MODIFIED a', 'DELETED a'])
  }),
  inNamespace('from a version gives also what came before the watch began', async (api, ns) => {
    const first = await made(api, ns, ['a'])
    await made(api, ns, ['b'])
    const { resourceVersion } = first.metadata
    const watch = await api.watch(paths.leases(ns), { resourceVersion })
    assert.deepEqual(await watch.take(1), ['ADDED b'])
  }),
  inNamespace('without a version begins with what is there', async (api, ns) => {
    await made(api, ns, ['a'])
    await made(api, ns, ['b'])
    const watch = await api.watch(paths.leases(ns))
    assert.deepEqual([...(await watch.take(2))].sort(), ['ADDED a', 'ADDED b'])
    await made(api, ns, ['c'])
    assert.deepEqual(await watch.take(1), ['ADDED c'])
  }),
  inNamespace('version 0 begins with what is there', async (api, ns) => {
    await made(api, ns, ['a'])
    const watch = await api.watch(paths.leases(ns), { resourceVersion: '0' })
    assert.deepEqual(await watch.take(1), ['ADDED a'])
  }),
  inNamespace('an event carries the whole object, with apiVersion and kind', async (api, ns) => {
    const watch = await api.watch(paths.leases(ns))
    const object = await made(api, ns, ['a'])
    const event = await watch.next()
    assert.deepEqual(event, { type: 'ADDED', object })
  }),
  inNamespace('what is deleted is shown as it was, with the version of its end', async (api, ns) => {
    const object = await made(api, ns, ['a', { labels: { x: 'y' } }])
    const { resourceVersion } = object.metadata
    const watch = await api.watch(paths.leases(ns), { resourceVersion })
    answered(await api.delete(paths.leases(ns, 'a')), 200)
    const event = await watch.next()
    has(event, { type: 'DELETED', object: { metadata: { name: 'a', labels: { x: 'y' } } } })
    assert.ok(BigInt(event?.object.metadata.resourceVersion) > BigInt(resourceVersion))
  }),
  inNamespace('a deletion that waits for a finalizer is MODIFIED, then DELETED', async (api, ns) => {
    const object = await made(api, ns, ['a', { finalizers: ['example.com/keep'] }])
    const { resourceVersion } = object.metadata
    const watch = await api.watch(paths.leases(ns), { resourceVersion })
    answered(await api.delete(paths.leases(ns, 'a')), 200)
    answered(
      await api.patch(paths.leases(ns, 'a'), { metadata: { finalizers: null } }, { type: 'merge' }),
      200,
    )
    assert.deepEqual(await watch.take(2), ['MODIFIED a', 'DELETED a'])
  }),
  inNamespace('a write that changes nothing is no event', async (api, ns) => {
    const object = await made(api, ns, ['a'])
    const { resourceVersion } = object.metadata
    const watch = await api.watch(paths.leases(ns), { resourceVersion })
    answered(await api.put(paths.leases(ns, 'a'), object), 200)
    await made(api, ns, ['b'])
    assert.deepEqual(await watch.take(1), ['ADDED b'])
  }),
  inNamespace('a dry run is no event', async (api, ns) => {
    const watch = await api.watch(paths.leases(ns))
    answered(await api.post(paths.leases(ns), lease('a'), { dryRun: 'All' }), 201)
    await made(api, ns, ['b'])
    assert.deepEqual(await watch.take(1), ['ADDED b'])
  }),
  inNamespace(
    'an object that comes to match a selector is ADDED, one that ceases to is DELETED',
    async (api, ns) => {
      const watch = await api.watch(paths.leases(ns), { labelSelector: 'x=y' })
      await made(api, ns, ['a'])
      await label(api, paths.leases(ns, 'a'), { x: 'y' })
      await label(api, paths.leases(ns, 'a'), { x: 'y', more: '1' })
      await label(api, paths.leases(ns, 'a'), { x: 'z' })
      answered(await api.delete(paths.leases(ns, 'a')), 200)
      await made(api, ns, ['b', { labels: { x: 'y' } }])
      assert.deepEqual(await watch.take(4), ['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED b'])
    },
  ),
  inNamespace('what ceases to match is shown as it was, with the new version', async (api, ns) => {
    const watch = await api.watch(paths.leases(ns), { labelSelector: 'x=y' })
    await made(api, ns, ['a', { labels: { x: 'y' } }])
    const after = await label(api, paths.leases(ns, 'a'), { x: 'z' })
    const event = await watch.until(({ type }) => type === 'DELETED')
    assert.deepEqual(event.object.metadata.labels, { x: 'y' })
    assert.equal(event.object.metadata.resourceVersion, after.metadata.resourceVersion)
  }),
  inNamespace('a field selector watches one name', async (api, ns) => {
    const watch = await api.watch(paths.leases(ns), { fieldSelector: 'metadata.name=b' })
    await made(api, ns, ['a'])
    await made(api, ns, ['b'])
    assert.deepEqual(await watch.take(1), ['ADDED b'])
  }),
  inNamespace('the path of one object gives the object, not a watch', async (api, ns) => {
    const object = await made(api, ns, ['a'])
    assert.deepEqual(answered(await api.get(paths.leases(ns, 'a'), { watch: 'true' }), 200), object)
  }),
  inNamespace('the old path of one object watches it', async (api, ns) => {
    const watch = await api.watch(`/apis/coordination.k8s.io/v1/watch/namespaces/${ns}/leases/b`)
    await made(api, ns, ['a'])
    await made(api, ns, ['b'])
    assert.deepEqual(await watch.take(1), ['ADDED b'])
  }),
  inNamespace('other namespaces are not seen', async (api, ns) => {
    const other = await api.namespace()
    const watch = await api.watch(paths.leases(ns))
    await made(api, other, ['a'])
    await made(api, ns, ['b'])
    assert.deepEqual(await watch.take(1), ['ADDED b'])
  }),
  inNamespace('over all namespaces all are seen', async (api, ns) => {
    const other = await api.namespace()
    const tag = api.name('tag')
    const watch = await api.watch('/apis/coordination.k8s.io/v1/leases', { labelSelector: `tag=${tag}` })
    await made(api, other, ['a', { labels: { tag } }])
    await made(api, ns, ['b', { labels: { tag } }])
    assert.deepEqual(await watch.take(2), ['ADDED a', 'ADDED b'])
  }),
  inNamespace('timeoutSeconds ends it without an error', async (api, ns) => {
    const watch = await api.watch(paths.leases(ns), { timeoutSeconds: 1 })
    await made(api, ns, ['a'])
    assert.deepEqual((await watch.rest()).map(brief), ['ADDED a'])
  }),
  inNamespace('a bookmark ends a watch that allows them', async (api, ns) => {
    const { metadata } = await made(api, ns, ['a'])
    const query = {
      timeoutSeconds: 3,
      allowWatchBookmarks: 'true',
      resourceVersion: metadata.resourceVersion,
    }
    const watch = await api.watch(paths.leases(ns), query)
    const events = await watch.rest()
    const last = events.at(-1)
    has(last, { type: 'BOOKMARK', object: { kind: 'Lease', apiVersion: 'coordination.k8s.io/v1' } })
    assert.ok(BigInt(last?.object.metadata.resourceVersion) >= BigInt(metadata.resourceVersion))
    assert.equal(last?.object.metadata.name, undefined)
  }),
  inNamespace('sendInitialEvents gives what is there, then a bookmark that says so', async (api, ns) => {
    await made(api, ns, ['a'])
    const watch = await api.watch(paths.leases(ns), {
      sendInitialEvents: 'true',
      allowWatchBookmarks: 'true',
      resourceVersionMatch: 'NotOlderThan',
    })
    assert.deepEqual(await watch.take(1), ['ADDED a'])
    const mark = await watch.next()
    has(mark, {
      type: 'BOOKMARK',
      object: { kind: 'Lease', metadata: { annotations: { [endMark]: 'true' } } },
    })
    await made(api, ns, ['b'])
    // The real server may send another bookmark at any time.
    assert.equal(brief(await watch.until(({ type }) => type !== 'BOOKMARK')), 'ADDED b')
  }),
  inNamespace('sendInitialEvents of nothing is the bookmark alone', async (api, ns) => {
    const watch = await api.watch(paths.leases(ns), {
      sendInitialEvents: 'true',
      allowWatchBookmarks: 'true',
      resourceVersionMatch: 'NotOlderThan',
    })
    has(await watch.next(), {
      type: 'BOOKMARK',
      object: { metadata: { annotations: { [endMark]: 'true' } } },
    })
  }),
  inNamespace('sendInitialEvents without resourceVersionMatch is a 422', async (api, ns) => {
    const answer = await api.get(paths.leases(ns), { watch: 'true', sendInitialEvents: 'true' })
    says(answer, 422, [
      'Invalid',
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    ])
  }),
  inNamespace('sendInitialEvents without a watch is a 422', async (api, ns) => {
    says(await api.get(paths.leases(ns), { sendInitialEvents: 'true' }), 422, [
      'Invalid',
      /sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list/,
    ])
  }),
  inNamespace('resourceVersionMatch with a watch is a 422', async (api, ns) => {
    const query = { watch: 'true', resourceVersion: '1', resourceVersionMatch: 'NotOlderThan' }
    says(await api.get(paths.leases(ns), query), 422, [
      'Invalid',
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
    ])
  }),
  inNamespace('a version long gone is one ERROR event, a Status of 410 Expired', async (api, ns) => {
    const watch = await api.watch(paths.leases(ns), { resourceVersion: '1', timeoutSeconds: 2 })
    const [event, ...more] = await watch.rest()
    // A server that just began still knows all since its first version.
    if (event === undefined) return
    has(event, { type: 'ERROR', object: { kind: 'Status', status: 'Failure', code: 410, reason: 'Expired' } })
    assert.match(event.object.message, /^too old resource version: 1 \(\d+\)$/)
    assert.deepEqual(more, [])
  }),
  inNamespace('a version that is no number is refused before it begins', async (api, ns) => {
    const answer = await api.get(paths.leases(ns), { watch: 'true', resourceVersion: 'x' })
    assert.ok(answer.status >= 400, answer.text)
  }),
  inNamespace('a bad label selector is a 400', async (api, ns) => {
    says(await api.get(paths.leases(ns), { watch: 'true', labelSelector: 'a=(' }), 400, ['BadRequest', /./])
  }),
  inNamespace('the old path with /watch/ works', async (api, ns) => {
    await made(api, ns, ['a'])
    const watch = await api.watch(`/apis/coordination.k8s.io/v1/watch/namespaces/${ns}/leases`)
    assert.deepEqual(await watch.take(1), ['ADDED a'])
  }),
  inNamespace('two watches see the same in the same order', async (api, ns) => {
    const watches = await Promise.all([api.watch(paths.leases(ns)), api.watch(paths.leases(ns))])
    await Promise.all(['a', 'b', 'c', 'd'].map((name) => made(api, ns, [name])))
    const [one, two] = await Promise.all(watches.map((watch) => watch.take(4)))
    assert.deepEqual(one, two)
  }),
])
