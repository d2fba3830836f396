import t from 'tap'
import type { Test } from 'tap'
import { createReflector } from '../../src/kube/reflector.ts'
import type { ReflectorOptions } from '../../src/kube/reflector-options.ts'
import { aClient, aLog, aStatus, json, until } from './scripted-server.ts'
import { WatchServer } from './watch-server.ts'

type Raw = { readonly metadata: { readonly name: string }; readonly spec: string }

/** A reflector of a served collection, started, and ended with the test. */
const reflect = async (t: Test, server: WatchServer, more: Partial<ReflectorOptions<string>> = {}) => {
  const { client, clock } = aClient(t, server.url)
  const log = aLog()
  const changes: string[] = []
  const reflector = createReflector<string>({
    client,
    clock,
    log,
    path: '/apis/velero.io/v1/namespaces/velero/backups',
    project: (raw) => (raw as Raw).spec,
    onChange: ({ type, key, object }) => changes.push(`${type} ${key} ${object}`),
    ...more,
  })
  const stop = new AbortController()
  const ended = reflector.start(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await ended
    if (clock.waiting !== 0) throw new Error('a timer is left running')
  })
  const calm = () => clock.pass(100)
  const has = (name: string, spec: string | undefined) =>
    until(() => reflector.get('velero', name) === spec, calm)
  return {
    reflector,
    clock,
    log,
    changes,
    stop,
    ended,
    calm,
    has,
    synced: () => until(() => reflector.synced(), calm),
  }
}

t.test('a watch-list shows what is there, then what changes', async (t) => {
  const server = await WatchServer.start(t)
  server.put('a', '1')
  const { reflector, changes, has, synced } = await reflect(t, server, {
    labelSelector: 'x=y',
    indexes: { spec: (spec) => [spec] },
  })
  t.equal(reflector.synced(), false)
  t.equal(reflector.silentMs(), Number.POSITIVE_INFINITY)
  await synced()
  t.equal(reflector.silentMs() < 1000, true)
  server.put('a', '2')
  server.put('b', '2')
  await has('b', '2')
  t.equal(reflector.byIndex('spec', '2').length, 2)
  server.delete('a')
  await has('a', undefined)
  t.same(changes, ['added velero/a 1', 'modified velero/a 2', 'added velero/b 2', 'deleted velero/a 2'])
  t.same(reflector.list(), ['2'])
  t.match(
    server.seen[0]?.url.search,
    /labelSelector=x%3Dy.*allowWatchBookmarks=true.*sendInitialEvents=true&resourceVersionMatch=NotOlderThan/,
  )
})

for (const [name, watchList] of [
  ['a server that refuses watch-lists is listed in pages', false],
  ['a server that ignores sendInitialEvents is listed in pages once it falls silent', 'ignored'],
] as const) {
  t.test(name, async (t) => {
    const server = await WatchServer.start(t)
    server.watchList = watchList
    for (let n = 0; n < 5; n++) server.put(`n${n}`, String(n))
    const { reflector, has, synced } = await reflect(t, server, { pageSize: 2 })
    await synced()
    t.equal(reflector.list().length, 5)
    t.equal(server.seen.filter(({ url }) => url.searchParams.has('limit')).length, 3)
    server.put('late', 'x')
    await has('late', 'x')
  })
}

t.test('pages that expire in the middle are begun again, larger', async (t) => {
  const server = await WatchServer.start(t)
  server.watchList = false
  for (let n = 0; n < 5; n++) server.put(`n${n}`, String(n))
  server.intercept = ({ url }) => {
    if (url.searchParams.has('continue') && url.searchParams.get('limit') === '2') server.compact()
    return false
  }
  const { reflector, synced } = await reflect(t, server, { pageSize: 2 })
  await synced()
  t.equal(reflector.list().length, 5)
  t.same(
    server.seen.flatMap(({ url }) => url.searchParams.get('limit') ?? []),
    ['2', '2', '8'],
  )
})

const breaks: Record<string, (server: WatchServer) => void> = {
  'a reset': (server) => server.drop(),
  'a clean close': (server) => server.close(),
  'an ERROR event of 410': (server) => server.fail(410, 'Expired'),
  'an ERROR event of 500': (server) => server.fail(500, 'InternalError'),
  'bad JSON': (server) => server.raw('{"type":"ADDED","object":\n'),
  'an event of no known type': (server) => server.raw('{"type":"HELLO"}\n'),
  'an object without a name': (server) => server.raw('{"type":"ADDED","object":{"metadata":{}}}\n'),
  'half an event, then a reset': (server) => {
    server.raw('{"type":"DELETED","object":{"metadata":{"name":"a","names')
    server.drop()
  },
  'a compaction while away': (server) => {
    server.drop()
    server.compact()
  },
}
for (const [name, breakOff] of Object.entries(breaks)) {
  t.test(`after ${name} nothing is lost and nothing told twice`, async (t) => {
    const server = await WatchServer.start(t)
    server.put('a', '1')
    server.put('b', '1')
    const { reflector, changes, has, synced, calm } = await reflect(t, server)
    await synced()
    breakOff(server)
    server.delete('a')
    server.put('b', '2')
    server.put('c', '1')
    await has('c', '1')
    await until(() => reflector.list().length === 2, calm)
    t.same(
      new Set(changes.slice(2)),
      new Set(['deleted velero/a 1', 'modified velero/b 2', 'added velero/c 1']),
    )
    t.equal(changes.length, 5)
  })
}

for (const [code, reason] of [
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'NotFound'],
  [410, 'Expired'],
  [429, 'TooManyRequests'],
  [500, 'InternalError'],
  [503, 'ServiceUnavailable'],
] as const) {
  t.test(`HTTP ${code} is waited out, with one warning`, async (t) => {
    const server = await WatchServer.start(t)
    server.put('a', '1')
    let refusals = 0
    server.intercept = (_, response) => {
      if (refusals++ >= 6) return false
      json(response, code, { ...aStatus(code, reason), retryAfter: '1' })
      return true
    }
    const { reflector, clock, log, calm, synced } = await reflect(t, server)
    const startedAt = clock.now()
    if (code !== 410) {
      await until(() => reflector.trouble() !== undefined, calm)
      t.match(reflector.trouble(), new RegExp(`/namespaces/velero/backups.* answered ${code}: `))
    }
    await synced()
    t.ok(clock.now() - startedAt >= 3_000, 'with a backoff that grows')
    t.equal(reflector.trouble(), undefined, 'which is over')
    t.ok(log.lines.filter((line) => line.startsWith('warn')).length <= 1)
  })
}

t.test('a half-open connection is torn down by our own clock, and the place is kept', async (t) => {
  const server = await WatchServer.start(t)
  server.put('a', '1')
  const { reflector, clock, calm, has, synced } = await reflect(t, server)
  await synced()
  const before = server.seen.length
  // The server believes it sends, and nothing arrives: an event that no watch is told of.
  const lost = server.watching
  t.equal(lost, 1)
  await clock.pass(300_000)
  t.equal(server.seen.length, before, 'silence up to timeoutSeconds and a margin is borne')
  t.ok(reflector.silentMs() >= 300_000, 'and is told')
  await clock.pass(600_000)
  await until(() => server.seen.length > before, calm)
  t.match(server.seen.at(-1)?.url.searchParams.get('resourceVersion'), '11')
  server.put('a', '2')
  await has('a', '2')
})

for (const [name, step] of Object.entries({ back: -5 * 3_600_000, forth: 600_000 }))
  t.test(
    `a clock that is set ${name} hides no silence: it is told, and the watch is begun again`,
    async (t) => {
      const server = await WatchServer.start(t)
      const { reflector, clock, calm, has, synced } = await reflect(t, server)
      await synced()
      const before = server.seen.length
      clock.step(step)
      t.equal(
        reflector.silentMs() >= 600_000,
        step > 0,
        'set forth, it may be the machine that was suspended',
      )
      await clock.pass(640_000)
      await until(() => server.seen.length > before, calm)
      server.put('a', '1')
      await has('a', '1')
      t.ok(reflector.silentMs() < 1_000)
    },
  )

t.test('where bookmarks are seen to come, their absence is noticed sooner', async (t) => {
  const server = await WatchServer.start(t)
  const { reflector, clock, calm, synced } = await reflect(t, server)
  await synced()
  server.put('a', '1')
  await until(() => reflector.list().length === 1)
  await clock.pass(50_000)
  server.bookmark()
  await until(() => reflector.silentMs() === 0)
  const before = server.seen.length
  await clock.pass(140_000)
  t.equal(server.seen.length, before)
  await clock.pass(30_000)
  await until(() => server.seen.length > before, calm)
  t.ok(reflector.silentMs() < 200_000, 'a new watch, long before timeoutSeconds would end')
})

t.test('a bookmark moves the place, so that a compaction does not force a list', async (t) => {
  const server = await WatchServer.start(t)
  server.put('a', '1')
  const { reflector, calm, has, synced, clock } = await reflect(t, server)
  await synced()
  await clock.pass(1000)
  server.bookmark()
  await until(() => reflector.silentMs() === 0)
  server.drop()
  server.compact()
  await until(() => server.watching === 1, calm)
  server.put('a', '2')
  await has('a', '2')
  t.equal(reflector.counts().lists, 1)
})

t.test('a character that is split between two packets arrives whole', async (t) => {
  const server = await WatchServer.start(t)
  const { has, synced } = await reflect(t, server)
  await synced()
  const line = Buffer.from(
    '{"type":"ADDED","object":{"metadata":{"name":"u","namespace":"velero","uid":"x","resourceVersion":"99"},"spec":"😀"}}\n',
  )
  for (const byte of line) {
    server.raw(Uint8Array.of(byte))
    await new Promise((resolve) => setImmediate(resolve))
  }
  await has('u', '😀')
})

t.test('a listener that throws stalls nobody', async (t) => {
  const server = await WatchServer.start(t)
  server.put('a', '1')
  const { has, log, synced } = await reflect(t, server, {
    onChange: () => {
      throw new Error('bug')
    },
  })
  await synced()
  server.put('b', '1')
  await has('b', '1')
  t.same(log.lines, ['error a listener failed on a change', 'error a listener failed on a change'])
})

t.test('what the projection leaves out is not there, and one that throws is logged', async (t) => {
  const server = await WatchServer.start(t)
  for (const spec of ['keep', 'drop', 'throw']) server.put(spec, spec)
  const { reflector, changes, has, synced, calm } = await reflect(t, server, {
    project: (raw) => {
      const { spec } = raw as Raw
      if (spec === 'throw') throw new Error('bug')
      return spec === 'drop' ? undefined : spec
    },
  })
  await synced()
  t.same(reflector.list(), ['keep'])
  t.equal(reflector.counts().unprojected, 1)
  server.put('keep', 'drop')
  await has('keep', undefined)
  t.same(changes, ['added velero/keep keep', 'deleted velero/keep keep'])
  server.compact()
  server.fail(410, 'Expired')
  await until(() => reflector.counts().lists === 2, calm)
  server.put('keep', 'again')
  await has('keep', 'again')
})

t.test('while everything is seen anew, the copy does not count as heard of', async (t) => {
  const server = await WatchServer.start(t)
  server.put('a', '1')
  const { reflector, calm, synced } = await reflect(t, server)
  await synced()
  server.watchList = 'ignored'
  server.compact()
  server.fail(410, 'Expired')
  await until(() => reflector.counts().lists === 2, calm)
  const before = reflector.silentMs()
  for (let n = 0; n < 20; n++) await calm()
  t.ok(reflector.silentMs() >= before + 2000)
  t.equal(reflector.synced(), true, 'what was known is still there')
})

t.test('a stop ends everything at once, wherever it is', async (t) => {
  for (const turns of [0, 1, 2, 3, 5, 8, 20]) {
    const server = await WatchServer.start(t)
    server.watchList = turns % 2 === 0
    for (let n = 0; n < 20; n++) server.put(`n${n}`, 'x')
    const { reflector, stop, ended, clock } = await reflect(t, server, { pageSize: 3 })
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
    stop.abort()
    await ended
    // What was on its way may still arrive.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    const { length } = server.seen
    await clock.pass(60_000)
    t.equal(server.seen.length, length, 'nothing is asked any more')
    await t.rejects(reflector.whenSynced(stop.signal))
  }
})

t.test('a reflector starts once', async (t) => {
  const server = await WatchServer.start(t)
  const { reflector, stop } = await reflect(t, server)
  await t.rejects(reflector.start(stop.signal), TypeError)
})
