import t from 'tap'
import { aMap, call, eventually, maps, started, watch, type Loose } from '../client.ts'

const names = (events: readonly Loose[]): string[] =>
  events.map((one) => `${one.type} ${one.object.metadata.name ?? ''}`.trim())

t.test('a watch shows what is there, then what happens', async (t) => {
  const api = await started(t)
  api.seed([aMap('a')])
  const watching = await watch(api, `${maps}?watch=1`)
  await watching.until(1)
  await call(api, 'POST', maps, aMap('b'))
  await call(api, 'DELETE', `${maps}/a`)
  t.same(names(await watching.until(3)), ['ADDED a', 'ADDED b', 'DELETED a'])
  watching.close()
})

t.test('a watch from a version sees only what came after', async (t) => {
  const api = await started(t)
  api.seed([aMap('a')])
  const { metadata } = (await call(api, 'GET', maps)).body
  api.seed([aMap('b')])
  const watching = await watch(api, `${maps}?watch=1&resourceVersion=${metadata.resourceVersion}`)
  t.same(names(await watching.until(1)), ['ADDED b'])
  watching.close()
})

t.test('an object that enters or leaves the selection is added or deleted', async (t) => {
  const api = await started(t)
  const watching = await watch(api, `${maps}?watch=1&labelSelector=tier%3Dprod`)
  const merge = { type: 'application/merge-patch+json' }
  await call(api, 'POST', maps, aMap('a'))
  await call(api, 'PATCH', `${maps}/a`, { metadata: { labels: { tier: 'prod' } } }, merge)
  await call(api, 'PATCH', `${maps}/a`, { data: { x: 'y' } }, merge)
  await call(api, 'PATCH', `${maps}/a`, { metadata: { labels: { tier: null } } }, merge)
  const events = await watching.until(3)
  t.same(names(events), ['ADDED a', 'MODIFIED a', 'DELETED a'])
  t.equal(events[2].object.metadata.labels.tier, 'prod')
  watching.close()
})

t.test('a version that is forgotten ends the watch with a 410', async (t) => {
  const api = await started(t)
  api.seed([aMap('a'), aMap('b')])
  api.compact()
  const watching = await watch(api, `${maps}?watch=1&resourceVersion=1`)
  t.match(await watching.until(1), [
    {
      type: 'ERROR',
      object: { code: 410, reason: 'Expired', message: /^too old resource version: 1 \(\d+\)$/ },
    },
  ])
  await watching.ended
})

t.test('sendInitialEvents ends what is there with an annotated bookmark', async (t) => {
  const api = await started(t)
  api.seed([aMap('a')])
  const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
  const watching = await watch(api, `${maps}?${query}`)
  const events = await watching.until(2)
  t.match(events[1], {
    type: 'BOOKMARK',
    object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
  })
  watching.close()
  t.equal((await call(api, 'GET', `${maps}?watch=1&sendInitialEvents=true`)).code, 422)
})

t.test('bookmarks and the end of a watch come by the clock', async (t) => {
  const timers: { at: number; call: () => void }[] = []
  const clock = {
    now: () => Date.UTC(2026, 0, 1),
    after: (ms: number, call: () => void) => {
      const timer = { at: ms, call }
      timers.push(timer)
      return () => void timers.splice(timers.indexOf(timer), 1)
    },
  }
  const api = await started(t, { clock, bookmarkMs: 60_000 })
  const watching = await watch(api, `${maps}?watch=1&allowWatchBookmarks=true&timeoutSeconds=5`)
  timers.find((one) => one.at === 60_000)?.call()
  t.match(await watching.until(1), [{ type: 'BOOKMARK' }])
  timers.find((one) => one.at === 5000)?.call()
  await watching.ended
})

t.test('a dropped watch ends, and can be resumed without a gap', async (t) => {
  const api = await started(t)
  const watching = await watch(api, `${maps}?watch=1`)
  api.seed([aMap('a')])
  const [event] = await watching.until(1)
  await eventually(async () => (api.faults.dropWatches({ resource: 'configmaps' }) === 1 ? true : undefined))
  await watching.ended
  api.seed([aMap('b')])
  const resumed = await watch(api, `${maps}?watch=1&resourceVersion=${event.object.metadata.resourceVersion}`)
  t.same(names(await resumed.until(1)), ['ADDED b'])
  resumed.close()
})
