/** Server-sent events: what is told to whom, again after a break, and never to who does not read. */
import { connect, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import type { Dashboard } from '../../src/dashboard/server.ts'
import { createStream } from '../../src/dashboard/stream.ts'
import { eventually } from '../support/asking.ts'
import { aDecision } from '../support/decisions.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { aDashboard, alice } from './support.ts'

type Reader = { readonly text: () => string; readonly isOver: () => boolean; readonly socket: Socket }

async function reader(
  t: Test,
  port: number,
  { path = '/api/v1/stream', headers = '' } = {},
): Promise<Reader> {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  let text = ''
  let over = false
  socket.setEncoding('utf8')
  socket
    .on('data', (chunk: string) => (text += chunk))
    .on('close', () => (over = true))
    .on('error', () => {})
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`)
  await eventually(
    'the stream says hello, or no',
    () => /event: (hello|full)|HTTP\/1.1 [45]/.test(text) || undefined,
  )
  return { text: () => text, isOver: () => over, socket }
}

const listen = async (dashboard: Dashboard) => (await dashboard.listen({ host: '127.0.0.1', port: 0 })).port
const seen = (one: Reader, words: string) => eventually(words, () => one.text().includes(words) || undefined)
const state = { type: 'state', namespace: 'velero' } as const

t.test('changes are told to who asked for them', async (t) => {
  const dashboard = await aDashboard(t)
  const port = await listen(dashboard)
  const all = await reader(t, port)
  const refused = await reader(t, port, { path: '/api/v1/stream?of=decisions&verdict=Refused' })
  const allowed = await reader(t, port, { path: '/api/v1/stream?of=decisions&verdict=Allowed' })
  dashboard.tell({ type: 'decision', record: aDecision() })
  dashboard.tell(state)
  await seen(all, 'event: state')
  await seen(refused, '"id":"d1"')
  dashboard.tell({ type: 'decision', record: aDecision({ spec: { verdict: 'Allowed' } }) })
  await seen(allowed, '"id":"d1"')
  t.equal(allowed.text().split('event: decision').length - 1, 1)
  t.notMatch(refused.text(), 'event: state')
})

t.test('after a break what was missed comes again, or that it cannot', async (t) => {
  const dashboard = await aDashboard(t)
  const port = await listen(dashboard)
  const first = await reader(t, port)
  dashboard.tell(state)
  await seen(first, 'event: state')
  const lastId = [...first.text().matchAll(/^id: (\S+)/gm)].at(-1)?.[1] ?? ''
  first.socket.destroy()
  dashboard.tell({ type: 'decision', record: aDecision() })
  const again = await reader(t, port, { headers: `Last-Event-ID: ${lastId}\r\n` })
  await seen(again, 'event: decision')
  t.notMatch(again.text(), 'event: state', 'what was got already is not told twice')
  for (const unknown of ['other-1', `${lastId}0000`, 'x', '-', '../..'])
    await seen(await reader(t, port, { headers: `Last-Event-ID: ${unknown}\r\n` }), 'event: again').then(() =>
      t.pass(unknown),
    )
})

t.test('what one may not see is not told', async (t) => {
  const dashboard = await aDashboard(t, {
    signIn: 'token',
    may: async (_viewer, { resource }) => resource === 'actions',
  })
  const port = await listen(dashboard)
  const one = await reader(t, port, { headers: 'Authorization: Bearer good\r\n' })
  dashboard.tell({ type: 'decision', record: aDecision() })
  dashboard.tell(state)
  await seen(one, 'event: state')
  t.notMatch(one.text(), 'event: decision')
  const nobody = await reader(t, port)
  t.match(nobody.text(), 'HTTP/1.1 401')
})

t.test('a stream ends when the right is taken away, and with the session', async (t) => {
  let may = true
  const dashboard = await aDashboard(t, { signIn: 'token', may: async () => may })
  const stop = new AbortController()
  const running = dashboard.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await running
  })
  const port = await listen(dashboard)
  const one = await reader(t, port, { headers: 'Authorization: Bearer good\r\n' })
  await dashboard.clock.pass(15_000)
  await seen(one, ': still here')
  may = false
  await dashboard.clock.pass(15_000)
  await seen(one, 'event: over')
})

t.test('who does not read is cut off, and the others are not', async (t) => {
  const dashboard = await aDashboard(t)
  const port = await listen(dashboard)
  const [slow, quick] = [await reader(t, port), await reader(t, port)]
  slow.socket.pause()
  const long = aDecision()
  const record = { ...long, metadata: { ...long.metadata, uid: 'x'.repeat(60_000) } }
  for (let told = 1; told <= 400; told += 1) {
    dashboard.tell({ type: 'decision', record })
    await eventually('the quick one has read it', () => quick.text().length > told * 60_000 || undefined, {
      everyMs: 1,
    })
  }
  slow.socket.resume()
  await eventually('the slow one is cut off', () => slow.isOver() || undefined)
  t.equal(quick.isOver(), false)
  dashboard.tell(state)
  await seen(quick, 'event: state')
})

t.test('one visitor has a few streams, and not all of them', async (t) => {
  const dashboard = await aDashboard(t)
  const port = await listen(dashboard)
  const all = []
  for (let i = 0; i < 9; i += 1) all.push(await reader(t, port))
  t.match(all[8]?.text(), 'event: full')
  all[0]?.socket.destroy()
  await eventually('there is room again', async () => {
    const more = await reader(t, port)
    const hasRoom = more.text().includes('event: hello')
    return hasRoom || undefined
  })
})

t.test('who may see nothing has no stream', async (t) => {
  const dashboard = await aDashboard(t, { signIn: 'token', may: async () => false })
  const port = await listen(dashboard)
  const one = await reader(t, port, { headers: 'Authorization: Bearer good\r\n' })
  t.match(one.text(), 'HTTP/1.1 403')
})

t.test('who goes away before the stream begins keeps no place', async (t) => {
  const answer = Promise.withResolvers<boolean>()
  let asked = 0
  const dashboard = await aDashboard(t, {
    signIn: 'token',
    may: async () => {
      asked += 1
      return answer.promise
    },
  })
  const port = await listen(dashboard)
  for (let i = 0; i < 8; i += 1) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write('GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer good\r\n\r\n')
    await eventually('rights are asked', () => asked >= 7 * (i + 1) || undefined)
    socket.destroy()
  }
  await eventually('the connections are gone', async () => {
    const open = await new Promise((resolve) => dashboard.app.server.getConnections((_, n) => resolve(n)))
    return open === 0 || undefined
  })
  answer.resolve(true)
  const one = await reader(t, port, { headers: 'Authorization: Bearer good\r\n' })
  t.match(one.text(), 'event: hello')
})

t.test('a token that was taken back ends its stream', async (t) => {
  let isGood = true
  const dashboard = await aDashboard(t, {
    signIn: 'token',
    authenticate: async () => (isGood ? alice : undefined),
  })
  const stop = new AbortController()
  const running = dashboard.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await running
  })
  const one = await reader(t, await listen(dashboard), { headers: 'Authorization: Bearer good\r\n' })
  isGood = false
  await dashboard.clock.pass(15_000)
  await seen(one, 'event: over')
})

t.test('an API server that is slow about one listener ends the streams of the others in time', async (t) => {
  const clock = new FakeClock()
  const stream = createStream(clock, 'epoch')
  const ended: string[] = []
  const listener = (owner: string, goesOn: () => Promise<boolean>) => ({
    response: Object.assign(new PassThrough(), { end: () => ended.push(owner) }) as never,
    owner,
    wants: () => true,
    goesOn,
    lastId: undefined,
  })
  stream.listen(listener('slow', () => new Promise(() => {})))
  stream.listen(listener('other', async () => false))
  const stop = new AbortController()
  void stream.run(stop.signal)
  await clock.pass(15_000)
  t.same(ended, ['other'])
})
