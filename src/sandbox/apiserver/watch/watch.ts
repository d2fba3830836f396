/** watch: what is there, then every change, seen through the selectors of the watcher. */
import { ApiError, statusOf } from '../errors/status.ts'
import { own, setAt, textAt, type JsonObject } from '../json.ts'
import type { Resource } from '../resources/resource.ts'
import type { Change } from '../storage/history.ts'
import { listOptions, type ListOptions } from '../rest/list-options.ts'
import { viewOf } from '../rest/list.ts'
import type { Answer, Request, Sink } from '../rest/request.ts'
import { table, type View } from '../rest/table.ts'
import { showObject } from '../rest/table.ts'
import type { World } from '../world.ts'

type Watching = {
  readonly resource: Resource
  readonly namespace: string
  readonly options: ListOptions
  readonly view: View
  readonly sink: Sink
  tableShown: boolean
}

// The real server picks a time between 30 and 60 minutes.
const longestSeconds = 2700

/** Starts a watch; it ends with its time, with its client, or with an ERROR event. */
export function watch(world: World, request: Request, resource: Resource): Answer {
  const view = viewOf(world, request)
  const options = listOptions(request.query, resource, true)
  const named = request.info.name === '' ? options : onlyNamed(options, request.info.name)
  const namespace = resource.namespaced ? request.info.namespace : ''
  return {
    as: 'stream',
    start: (sink) => run(world, { resource, namespace, options: named, view, sink, tableShown: false }),
  }
}

function onlyNamed(options: ListOptions, name: string): ListOptions {
  return {
    ...options,
    selects: (object) => textAt(object, 'metadata', 'name') === name && options.selects(object),
  }
}

function run(world: World, watching: Watching): () => void {
  const stops: (() => void)[] = []
  const stop = (): void => {
    for (const one of stops.splice(0)) one()
    watching.sink.end()
  }
  if (!catchUp(world, watching)) {
    stop()
    return stop
  }
  stops.push(
    world.store.listen((storage, change) => {
      if (storage === watching.resource.storage && !deliver(watching, change)) stop()
    }),
  )
  const seconds = watching.options.timeoutSeconds === 0 ? longestSeconds : watching.options.timeoutSeconds
  stops.push(world.clock.after(seconds * 1000, stop))
  if (watching.options.bookmarks)
    stops.push(bookmarkOften(world, watching), bookmarkBefore(world, watching, seconds * 1000))
  return stop
}

const mark = (world: World, watching: Watching): boolean =>
  send(watching, 'BOOKMARK', bookmark(watching.resource, world.store.revision))

function bookmarkOften(world: World, watching: Watching): () => void {
  let cancel = (): void => {}
  const next = (): void => {
    cancel = world.clock.after(world.bookmarkMs, () => {
      mark(world, watching)
      next()
    })
  }
  next()
  return () => cancel()
}

// apiserver pkg/storage/cacher: a watch that is about to end gets a last bookmark two seconds before.
const lastBookmarkMs = 2000

function bookmarkBefore(world: World, watching: Watching, ms: number): () => void {
  return ms > lastBookmarkMs ? world.clock.after(ms - lastBookmarkMs, () => mark(world, watching)) : () => {}
}

/** What the watcher must see before the changes to come; false where the watch ends here. */
function catchUp(world: World, watching: Watching): boolean {
  const { store } = world
  const { options, resource } = watching
  const wanted = options.resourceVersion
  if (options.sendInitialEvents || wanted === '' || wanted === '0') return showAll(world, watching)
  const missed = store.changesAfter(resource.storage, Number(wanted))
  if (missed !== undefined) return missed.every((change) => deliver(watching, change))
  const message = `too old resource version: ${wanted} (${store.knownAfter(resource.storage)})`
  watching.sink.send(line('ERROR', statusOf(new ApiError({ code: 410, reason: 'Expired', message }))))
  return false
}

function showAll({ store }: World, watching: Watching): boolean {
  const { options, resource } = watching
  const shown = store.keys(resource.storage).every((key) => {
    const object = store.get(resource.storage, key)
    return (
      object === undefined ||
      deliver(watching, { revision: 0, type: 'ADDED', key, object, before: undefined })
    )
  })
  if (!shown || !options.sendInitialEvents || !options.bookmarks) return shown
  return send(watching, 'BOOKMARK', endOfInitial(resource, store.revision))
}

const line = (type: string, object: JsonObject): string => `${JSON.stringify({ type, object })}\n`

function bookmark(resource: Resource, revision: number): JsonObject {
  const apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`
  return {
    kind: resource.kind,
    apiVersion,
    metadata: { resourceVersion: String(revision), creationTimestamp: null },
  }
}

function endOfInitial(resource: Resource, revision: number): JsonObject {
  return setAt(bookmark(resource, revision), ['metadata', 'annotations'], {
    'k8s.io/initial-events-end': 'true',
  })
}

/** Sends a change as this watcher sees it: what enters its selection is ADDED, what leaves it is DELETED. */
function deliver(watching: Watching, change: Change): boolean {
  const { namespace, options, resource } = watching
  if (namespace !== '' && !change.key.startsWith(`${namespace}\0`)) return true
  const selected = change.type !== 'DELETED' && options.selects(change.object)
  const was = change.before !== undefined && options.selects(change.before)
  if (!selected && !was) return true
  const type = typeOf(selected, was)
  // What leaves the selection is shown as it was, with the version at which it left.
  const shown =
    type === 'DELETED' && change.before !== undefined ? leaving(change.before, change.object) : change.object
  return send(watching, type, resource.shown(shown))
}

function typeOf(selected: boolean, was: boolean): Change['type'] {
  if (!selected) return 'DELETED'
  return was ? 'MODIFIED' : 'ADDED'
}

function leaving(before: JsonObject, after: JsonObject): JsonObject {
  const version = textAt(after, 'metadata', 'resourceVersion')
  return own(before, 'metadata') === undefined
    ? before
    : setAt(before, ['metadata', 'resourceVersion'], version)
}

function send(watching: Watching, type: string, object: JsonObject): boolean {
  const { view, resource, sink } = watching
  if (view.wanted !== 'table')
    return sink.send(
      line(
        type,
        type === 'BOOKMARK' && view.wanted === 'object' ? object : showObject(resource, object, view),
      ),
    )
  const metadata = { resourceVersion: textAt(object, 'metadata', 'resourceVersion') }
  const shown = table(resource, { items: [object], metadata, view, columns: !watching.tableShown })
  watching.tableShown = true
  return sink.send(line(type, shown))
}
