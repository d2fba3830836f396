/**
 * The other side of the actions, in a process of its own: what it was asked to do, counted by Idempotency-Key.
 * POST /PATH?status=N&first=M answers M to the first call of a key, then N (200 unless told), with a number of its own; GET /count?of=PREFIX gives the counts of the keys that begin so.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const counts = new Map<string, number>()
let lsn = 0

function answer(incoming: IncomingMessage, response: ServerResponse): void {
  const url = new URL(incoming.url ?? '/', 'http://effects')
  const of = url.searchParams.get('of') ?? ''
  if (url.pathname === '/count') {
    response.end(JSON.stringify(Object.fromEntries([...counts].filter(([key]) => key.startsWith(of)))))
  } else if (url.pathname === '/forget') {
    for (const key of counts.keys()) if (key.startsWith(of)) counts.delete(key)
    response.end()
  } else {
    const key = String(incoming.headers['idempotency-key'] ?? '')
    const before = counts.get(key) ?? 0
    counts.set(key, before + 1)
    const asked = url.searchParams
    const status = (before === 0 ? asked.get('first') : undefined) ?? asked.get('status') ?? 200
    response.writeHead(Number(status), { 'content-type': 'application/json' })
    response.end(JSON.stringify({ ok: true, lsn: (lsn += 1) }))
  }
}

const server = createServer((incoming, response) => {
  incoming.resume().once('end', () => answer(incoming, response))
})
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))
// Whoever started it is gone.
process.stdin.resume().once('end', () => process.exit(0))
