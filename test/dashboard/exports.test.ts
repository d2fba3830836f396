/** Exports: only so many at a time, and nobody who has gone or does not read keeps the others from theirs. */
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import type { Dashboard } from '../../src/dashboard/server.ts'
import { eventually } from '../support/asking.ts'
import { aStore } from './history/support.ts'
import { aDashboard, get } from './support.ts'

const listen = async (dashboard: Dashboard) => (await dashboard.listen({ host: '127.0.0.1', port: 0 })).port

function asking(t: Test, port: number, path = '/api/v1/decisions.csv'): Socket {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.on('error', () => {})
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer good\r\n\r\n`)
  return socket
}

t.test('who goes away while rights are asked keeps no place', async (t) => {
  let asked = 0
  const answer = Promise.withResolvers<boolean>()
  const dashboard = await aDashboard(t, {
    signIn: 'token',
    may: async () => {
      asked += 1
      return answer.promise
    },
  })
  const port = await listen(dashboard)
  const gone = [asking(t, port), asking(t, port)]
  await eventually('both are asked about', () => asked === 2 || undefined)
  for (const socket of gone) socket.destroy()
  await eventually('the connections are gone', async () => {
    const open = await new Promise((resolve) => dashboard.app.server.getConnections((_, n) => resolve(n)))
    return open === 0 || undefined
  })
  answer.resolve(true)
  const { statusCode } = await get(dashboard, '/api/v1/decisions.csv', { authorization: 'Bearer good' })
  t.equal(statusCode, 200)
})

t.test('a text that cannot be searched for is a bad request, for pages and for programs', async (t) => {
  const dashboard = await aDashboard(t)
  for (const path of ['/decisions?q=ab', '/api/v1/decisions.csv?q=ab', '/api/v1/decisions.json?q=ab'])
    t.equal((await get(dashboard, path)).statusCode, 400, path)
})

t.test('who does not read is cut off after a minute, and little is read ahead', async (t) => {
  const { store } = await aStore(t)
  let given = 0
  async function* endless(): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      given += 1
      yield new Uint8Array(4 * 1024 * 1024)
    }
  }
  const dashboard = await aDashboard(t, { history: { ...store, export: endless } })
  const port = await listen(dashboard)
  const slow = [asking(t, port), asking(t, port)]
  for (const socket of slow) socket.pause()
  let before = -1
  await eventually('nothing more fits', () => (given > 0 && before === (before = given)) || undefined, {
    everyMs: 100,
  })
  t.ok(given <= 16, `${given} chunks were read for two who do not read`)
  t.equal((await get(dashboard, '/api/v1/decisions.csv')).statusCode, 429)
  await dashboard.clock.pass(60_000)
  await eventually('the slow ones are cut off', async () => {
    const open = await new Promise((resolve) => dashboard.app.server.getConnections((_, n) => resolve(n)))
    return open === 0 || undefined
  })
  t.equal(dashboard.clock.waiting, 0, 'no timer is left')
})
