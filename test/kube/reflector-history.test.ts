import * as fc from 'fast-check'
import t from 'tap'
import { createReflector } from '../../src/kube/reflector.ts'
import type { Change } from '../../src/kube/store.ts'
import { aClient, aLog, until } from './scripted-server.ts'
import { WatchServer } from './watch-server.ts'

const names = ['a', 'b', 'c', 'd', 'e', 'f']

/** What may happen to a server. */
const deeds: Record<string, (server: WatchServer, name: string, n: number) => void> = {
  put: (server, name, n) => server.put(name, String(n)),
  'put another': (server, name, n) => server.put(name, String(n)),
  delete: (server, name) => server.delete(name),
  recreate: (server, name, n) => {
    server.delete(name)
    server.put(name, String(n))
  },
  bookmark: (server) => server.bookmark(),
  drop: (server) => server.drop(),
  close: (server) => server.close(),
  compact: (server) => server.compact(),
  'drop and compact': (server) => {
    server.drop()
    server.compact()
  },
  410: (server) => server.fail(410, 'Expired'),
  500: (server) => server.fail(500, 'InternalError'),
  garbage: (server) => server.raw('nonsense\n'),
  'change of server': (server) => void (server.watchList = server.watchList !== true),
}

/** Plays the changes again, and fails where they do not follow from one another. */
const replay = (changes: readonly Change<string>[]): Map<string, string> => {
  const known = new Map<string, string>()
  for (const change of changes) {
    const { type, key } = change
    if (type === 'added' ? known.has(key) : known.get(key) !== change.old)
      throw new Error(`${type} ${key} does not follow`)
    if (type === 'deleted') known.delete(key)
    else known.set(key, change.object)
  }
  return known
}

t.test(
  'after any events, drops and expiries the copy equals the server, and its changes are a consistent history',
  async (t) => {
    const server = await WatchServer.start(t)
    const { client, clock } = aClient(t, server.url)
    const deed = fc.tuple(
      fc.constantFrom(...Object.keys(deeds)),
      fc.constantFrom(...names),
      fc.nat(3),
      fc.nat(3000),
    )
    const check = async (script: readonly (readonly [string, string, number, number])[]) => {
      server.watchList = true
      const stop = new AbortController()
      const changes: Change<string>[] = []
      const reflector = createReflector<string>({
        client,
        clock,
        log: aLog(),
        path: '/x',
        pageSize: 2,
        project: (raw) => (raw as { spec: string }).spec,
        onChange: (change) => changes.push(change),
      })
      const ended = reflector.start(stop.signal)
      let n = 0
      for (const [name, key, turns, ms] of script) {
        deeds[name]?.(server, key, n++)
        for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
        await clock.pass(ms)
      }
      const wanted = () =>
        JSON.stringify([...server.objects].map(([name, { spec }]) => `velero/${name} ${spec}`).toSorted())
      const got = () => JSON.stringify([...replay(changes)].map(([key, spec]) => `${key} ${spec}`).toSorted())
      await until(
        () => reflector.synced() && got() === wanted(),
        () => clock.pass(200),
      )
      stop.abort()
      await ended
      t.equal(
        JSON.stringify(reflector.list().toSorted()),
        JSON.stringify([...replay(changes).values()].toSorted()),
      )
      server.drop()
    }
    await fc.assert(fc.asyncProperty(fc.array(deed, { maxLength: 25 }), check), {
      seed: 7,
      numRuns: 100,
      endOnFailure: true,
    })
  },
)
