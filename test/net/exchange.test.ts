import net from 'node:net'
import t from 'tap'
import { exchange } from '../../src/net/exchange.ts'
import { semaphore } from '../../src/net/semaphore.ts'
import { serveRaw } from './servers.ts'

t.test('a connection that was never used is closed, too', async (t) => {
  const { port } = await serveRaw(t, () => {})
  const connection = net.connect(port, '127.0.0.1')
  await new Promise((resolve) => connection.once('connect', resolve))
  const sending = {
    url: new URL('http://a.test/'),
    method: 'GET',
    headers: [],
    large: semaphore(1),
    onProgress: () => {},
  }
  await t.rejects(exchange(connection, { ...sending, signal: AbortSignal.abort(new Error('enough')) }), {
    message: 'enough',
  })
  t.ok(connection.destroyed)
})
