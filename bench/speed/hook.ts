/** What actions call while they are measured: a server that answers at once. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { World } from './world.ts'

/** A Backup with this label has one action to be done; its value says nothing else. */
export const actLabel = { bench: 'act' } as const

/** Starts it; its URL. */
export async function startHook(world: World): Promise<string> {
  const server = createServer({ keepAliveTimeout: 95_000 }, (request, response) => {
    request.resume()
    response.setHeader('content-type', 'application/json').end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  world.undo.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/act`
}
