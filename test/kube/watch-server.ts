/** The part of an API server that lists and watches, over real sockets: with every way to break off that the real one has. */
import type { ServerResponse } from 'node:http'
import type { Test } from 'tap'
import { aStatus, json, serve } from './scripted-server.ts'
import type { Seen } from './scripted-server.ts'

type Stored = {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly uid: string
    readonly resourceVersion: string
  }
  readonly spec: string
}
type Event = { readonly type: string; readonly object: Stored; readonly version: number }

/** A collection in memory that is served. */
export class WatchServer {
  readonly objects = new Map<string, Stored>()
  readonly seen: Seen[]
  readonly url: string
  /** Whether sendInitialEvents is known: true, refused with 422, or ignored. */
  watchList: boolean | 'ignored' = true
  /** Answers requests in place of the server, as long as it gives true. */
  intercept: (seen: Seen, response: ServerResponse) => boolean = () => false
  #version = 10
  #compacted = 0
  #uids = 0
  #history: Event[] = []
  #watches = new Set<ServerResponse>()
  #snapshots = new Map<string, { readonly items: readonly Stored[]; readonly version: number }>()

  constructor(url: string, seen: Seen[]) {
    this.url = url
    this.seen = seen
  }

  static async start(t: Test): Promise<WatchServer> {
    let server: WatchServer | undefined
    const { url, seen } = await serve(t, (one, response) => server?.answer(one, response))
    server = new WatchServer(url, seen)
    return server
  }

  get watching(): number {
    return this.#watches.size
  }

  put(name: string, spec: string): void {
    const former = this.objects.get(name)
    const uid = former?.metadata.uid ?? `u${++this.#uids}`
    const object = {
      metadata: { name, namespace: 'velero', uid, resourceVersion: String(++this.#version) },
      spec,
    }
    this.objects.set(name, object)
    this.#publish({ type: former === undefined ? 'ADDED' : 'MODIFIED', object, version: this.#version })
  }

  delete(name: string): void {
    const former = this.objects.get(name)
    if (former === undefined) return
    this.objects.delete(name)
    const object = { ...former, metadata: { ...former.metadata, resourceVersion: String(++this.#version) } }
    this.#publish({ type: 'DELETED', object, version: this.#version })
  }

  bookmark(): void {
    this.raw(
      `${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: String(this.#version) } } })}\n`,
    )
  }

  /** Sends bytes to every watch. */
  raw(bytes: string | Uint8Array): void {
    for (const watch of this.#watches) watch.write(bytes)
  }

  /** Forgets the history, as etcd's compaction does: places before now are gone, and pages of lists too. */
  compact(): void {
    this.#compacted = this.#version
    this.#history = []
    this.#snapshots.clear()
  }

  /** Ends every watch with an ERROR event. */
  fail(code: number, reason: string): void {
    this.raw(`${JSON.stringify({ type: 'ERROR', object: aStatus(code, reason) })}\n`)
    this.close()
  }

  /** Ends every watch cleanly. */
  close(): void {
    for (const watch of this.#watches) watch.end()
    this.#watches.clear()
  }

  /** Resets every connection of a watch. */
  drop(): void {
    for (const watch of this.#watches) watch.destroy()
    this.#watches.clear()
  }

  answer(seen: Seen, response: ServerResponse): void {
    if (this.intercept(seen, response)) return
    if (seen.url.searchParams.get('watch') === 'true') this.#watch(seen.url.searchParams, response)
    else this.#list(seen.url.searchParams, response)
  }

  #publish(event: Event): void {
    this.#history.push(event)
    const line = `${JSON.stringify({ type: event.type, object: event.object })}\n`
    for (const watch of this.#watches) watch.write(line)
  }

  #watch(query: URLSearchParams, response: ServerResponse): void {
    const initial = query.get('sendInitialEvents') === 'true'
    if (initial && this.watchList === false) {
      json(
        response,
        422,
        aStatus(
          422,
          'Invalid',
          'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled',
        ),
      )
      return
    }
    const from = Number(query.get('resourceVersion') ?? 0)
    if (!initial && from < this.#compacted) {
      json(response, 410, aStatus(410, 'Expired', 'too old resource version'))
      return
    }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    if (initial) this.#sendInitial(response)
    else
      for (const event of this.#history)
        if (event.version > from)
          response.write(`${JSON.stringify({ type: event.type, object: event.object })}\n`)
    this.#watches.add(response)
    response.on('close', () => this.#watches.delete(response))
  }

  #sendInitial(response: ServerResponse): void {
    for (const object of this.objects.values())
      response.write(`${JSON.stringify({ type: 'ADDED', object })}\n`)
    if (this.watchList === 'ignored') return
    const metadata = {
      resourceVersion: String(this.#version),
      annotations: { 'k8s.io/initial-events-end': 'true' },
    }
    response.write(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata } })}\n`)
  }

  #list(query: URLSearchParams, response: ServerResponse): void {
    const next = query.get('continue')
    const snapshot =
      next === null
        ? { items: [...this.objects.values()], version: this.#version }
        : this.#snapshots.get(next)
    if (snapshot === undefined) {
      json(response, 410, aStatus(410, 'Expired', 'the continue token is too old'))
      return
    }
    const limit = Number(query.get('limit'))
    const rest = snapshot.items.slice(limit)
    const token = `t${this.#snapshots.size}-${this.#version}-${rest.length}`
    if (rest.length > 0) this.#snapshots.set(token, { items: rest, version: snapshot.version })
    const metadata = {
      resourceVersion: String(snapshot.version),
      ...(rest.length > 0 ? { continue: token } : {}),
    }
    json(response, 200, { kind: 'List', metadata, items: snapshot.items.slice(0, limit) })
  }
}
