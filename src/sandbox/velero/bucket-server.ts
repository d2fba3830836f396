/** Serves files of the bucket to the velero CLI, by URLs that nobody can guess and that end after ten minutes, as signed ones do. */
import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '../apiserver/clock.ts'
import type { ObjectStore } from './object-store.ts'

/** A running server. */
export type BucketServer = {
  /** A URL for a file, good for ten minutes. */
  readonly urlOf: (key: string) => string
  readonly stop: () => Promise<void>
}

const urlTtlMs = 600_000
const mostUrls = 10_000

/** Starts on a free port of the loopback. */
export async function serveBucket(store: ObjectStore, clock: Clock): Promise<BucketServer> {
  const urls = new Map<string, { readonly key: string; readonly until: number }>()
  const server = createServer((incoming, response) => {
    const found = urls.get((incoming.url ?? '').slice(1))
    const file = found === undefined || found.until < clock.now() ? undefined : store.get(found.key)
    if (incoming.method !== 'GET' || file === undefined) return void response.writeHead(404).end()
    response
      .writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': file.length })
      .end(file)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    urlOf: (key) => {
      const secret = randomBytes(24).toString('base64url')
      urls.set(secret, { key, until: clock.now() + urlTtlMs })
      for (const oldest of urls.keys()) {
        if (urls.size <= mostUrls) break
        urls.delete(oldest)
      }
      return `http://127.0.0.1:${port}/${secret}`
    },
    stop: () => stopServer(server),
  }
}

async function stopServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeAllConnections()
  await closed
}
