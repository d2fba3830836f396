/** Watches on all objects of the kinds, shared by all sequences of a run: a watch for each of them would cost a connection. */
import type { Api } from './api.ts'
import { pathOf, type Customs, type KindName } from './random-kinds.ts'
import type { Watch, WatchEvent } from './watch.ts'

/** The watches of a run. */
export type Feeds = {
  /** What each of the watches of a kind saw in a namespace, up to the object that ends it. */
  readonly of: (kind: KindName, ns: string) => readonly Promise<readonly WatchEvent[]>[]
}

const kindNames: readonly KindName[] = ['secret', 'configmap', 'lease', 'widget', 'gadget']
const selections: readonly Readonly<Record<string, string>>[] = [{}, { labelSelector: 'tier=x' }]

/** Begins to watch; `last` is the name of the object that ends what a namespace sees. */
export async function openFeeds(api: Api, kinds: Customs, last: string): Promise<Feeds> {
  const entries = await Promise.all(
    kindNames.map(async (kind) => {
      const path = pathOf(kinds, kind, {})
      const opened = await Promise.all(
        selections.map((selection) => openFeed(api, { path, selection, last })),
      )
      return [kind, opened] as const
    }),
  )
  const feeds = new Map(entries)
  return { of: (kind, ns) => (feeds.get(kind) ?? []).map((feed) => feed(ns)) }
}

type Feed = (ns: string) => Promise<readonly WatchEvent[]>
type Place = { readonly events: WatchEvent[]; readonly all: PromiseWithResolvers<readonly WatchEvent[]> }
type What = {
  readonly path: string
  readonly selection: Readonly<Record<string, string>>
  readonly last: string
}

async function openFeed(api: Api, { path, selection, last }: What): Promise<Feed> {
  // From now on: who asks for no version is shown what other runs have left, too.
  const { metadata } = (await api.get(path, { limit: 1 })).body
  const watchFrom = (version: string): Promise<Watch> =>
    api.watch(path, { ...selection, resourceVersion: version, timeoutSeconds: 7200 })
  const watch = await watchFrom(metadata.resourceVersion)
  const places = new Map<string, Place>()
  let ended: { readonly because: unknown } | undefined
  const placeOf = (ns: string): Place => {
    const found = places.get(ns)
    if (found !== undefined) return found
    const place: Place = { events: [], all: Promise.withResolvers() }
    if (ended !== undefined) place.all.reject(ended.because)
    // Who does not wait yet need not hear of the end of the run.
    place.all.promise.catch(() => {})
    places.set(ns, place)
    return place
  }
  void follow({ watch, watchFrom, version: metadata.resourceVersion }, (event) => {
    const { name, namespace } = event.object.metadata
    const { events, all } = placeOf(namespace)
    events.push(event)
    if (name === last) all.resolve(events)
  }).catch((error: unknown) => {
    // Whoever comes later would wait for ever.
    ended = { because: error }
    for (const { all } of places.values()) all.reject(error)
  })
  return async (ns) => {
    const events = await placeOf(ns).all.promise
    places.delete(ns)
    return events
  }
}

type Followed = {
  readonly watch: Watch
  readonly watchFrom: (version: string) => Promise<Watch>
  readonly version: string
}

// The real server ends the watch of a client that is slow; nothing is missed if it is taken up again where it was.
async function follow(
  { watch, watchFrom, version }: Followed,
  see: (event: WatchEvent) => void,
): Promise<never> {
  let [current, last] = [watch, version]
  for (;;) {
    const event = await current.next(longestSilenceMs)
    if (event === undefined) current = await watchFrom(last)
    else {
      last = event.object.metadata.resourceVersion
      see(event)
    }
  }
}

// A kind that no sequence of a while works on is silent.
const longestSilenceMs = 3_600_000
