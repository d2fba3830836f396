/** What is bounded over all calls, and in the time before there is a connection. */
import net from 'node:net'
import t from 'tap'
import { createLookup, mostLookups, systemLookup } from '../../src/net/lookup.ts'
import { serve, serveRaw } from './servers.ts'
import { client, send, sendBy, soon, textOf } from './support.ts'

const never = new AbortController().signal
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** A server whose answers the test gives, one by one, and how many calls have reached it. */
async function holding(t: Parameters<typeof serve>[0]) {
  const waiting: (() => void)[] = []
  const arrived = { count: 0, most: 0 }
  const changed = new Set<() => void>()
  const port = await serve(t, (_request, response) => {
    arrived.count += 1
    arrived.most = Math.max(
      arrived.most,
      waiting.push(() => void response.end('ok')),
    )
    for (const tell of changed) tell()
  })
  const until = async (count: number) => {
    while (arrived.count < count) await new Promise<void>((resolve) => changed.add(resolve))
  }
  return { port, arrived, until, answer: () => waiting.shift()?.() }
}

t.test('what is not wanted any more when the connection stands is not sent', async (t) => {
  const { port, arrived } = await holding(t)
  const stop = new AbortController()
  const isWanted = () => {
    stop.abort(new Error('another leads'))
    return false
  }
  const answer = await send({ url: `http://a.test:${port}/`, signal: stop.signal, isWanted })
  t.match(answer, { failed: 'aborted', sent: false, message: /about to call a\.test/ })
  for (let i = 0; i < 20; i += 1) await turn()
  t.equal(arrived.count, 0)
})

t.test(
  'so many calls go to one host at once; the next waits, and calls to another host do not',
  async (t) => {
    const { port, arrived, until, answer } = await holding(t)
    const egress = client({ limits: { inAll: 10, perHost: 2, large: 1 } })
    const call = (host: string) => sendBy(egress, { url: `http://${host}:${port}/` })
    const calls = [call('a.test'), call('a.test'), call('a.test'), call('b.test')]
    await until(3)
    for (let i = 0; i < 20; i += 1) await turn()
    t.equal(arrived.count, 3, 'the third of a.test has not left')
    answer()
    await until(4)
    for (let i = 0; i < 3; i += 1) answer()
    t.same((await Promise.all(calls)).map(textOf), ['ok', 'ok', 'ok', 'ok'])
    t.equal(arrived.most, 3)
  },
)
t.test('so many calls are under way in all', async (t) => {
  const { port, arrived, until, answer } = await holding(t)
  const egress = client({ limits: { inAll: 2, perHost: 2, large: 1 } })
  const calls = ['a.test', 'b.test', 'c.test'].map((host) =>
    sendBy(egress, { url: `http://${host}:${port}/` }),
  )
  await until(2)
  for (let i = 0; i < 20; i += 1) await turn()
  t.equal(arrived.count, 2)
  answer()
  await until(3)
  answer()
  answer()
  t.same((await Promise.all(calls)).map(textOf), ['ok', 'ok', 'ok'])
})
t.test(
  'a call that waits for a place ends with its own time, sends nothing and leaves no hole',
  async (t) => {
    const { port, arrived, until, answer } = await holding(t)
    const egress = client({ limits: { inAll: 1, perHost: 1, large: 1 } })
    const url = `http://a.test:${port}/`
    const first = sendBy(egress, { url })
    await until(1)
    t.match(await sendBy(egress, { url, signal: soon(20) }), {
      failed: 'timeout',
      sent: false,
      message: /waiting for one of the calls to a.test/,
    })
    t.match(await sendBy(egress, { url: `http://b.test:${port}/`, signal: AbortSignal.abort() }), {
      failed: 'aborted',
      sent: false,
    })
    const third = sendBy(egress, { url })
    answer()
    t.equal(textOf(await first), 'ok')
    await until(2)
    answer()
    t.equal(textOf(await third), 'ok')
    t.equal(arrived.count, 2)
  },
)
t.test('large answers are read few at once, and small ones beside them', async (t) => {
  const slow: net.Socket[] = []
  const large = Buffer.alloc(70_000, 'a')
  const { port } = await serveRaw(t, (socket) => {
    socket.once('data', (request) => {
      const path = /^POST (\S+)/.exec(request.toString())?.[1]
      const length = path === '/small' ? 2 : 2 * large.byteLength
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`)
      if (path === '/small') return socket.end('ok')
      socket.write(large)
      if (path === '/slow') return slow.push(socket)
      return socket.end(large)
    })
  })
  const egress = client({ limits: { inAll: 10, perHost: 10, large: 1 } })
  const at = (path: string, signal = never) => sendBy(egress, { url: `http://a.test:${port}${path}`, signal })
  const first = at('/slow')
  // Until the first has the place for large ones, others get it.
  let waited: unknown
  for (let tries = 0; tries < 50 && waited === undefined; tries += 1) {
    const answer = await at('/fast', soon(200))
    // On a busy machine one may end before its answer began.
    if ('failed' in answer && answer.message.includes('reading')) waited = answer
  }
  t.match(waited, {
    failed: 'timeout',
    message: /reading the answer of a.test .* \(\d+ bytes so far\)/,
    sent: true,
  })
  t.equal(textOf(await at('/small')), 'ok')
  const third = at('/fast')
  slow[0]?.end(large)
  t.equal(textOf(await first).length, 140_000)
  t.equal(textOf(await third).length, 140_000)
})

for (const [what, say] of Object.entries({
  'says nothing': () => {},
  'begins TLS and goes on one byte at a time, for ever': (socket: net.Socket) => {
    // The head of a handshake record of 16 KiB (RFC 8446 5.1) with a ServerHello in it.
    socket.write(Buffer.from([22, 3, 3, 64, 0, 2, 0, 63, 252]))
    const drip = setInterval(() => void socket.write(Buffer.from([0])), 2)
    socket.once('close', () => clearInterval(drip))
  },
})) {
  t.test(`a server that ${what} instead of TLS is given up in the time for connecting`, async (t) => {
    const { port, open } = await serveRaw(t, (socket) => {
      // Reads, so that it sees the end.
      socket.resume()
      say(socket)
    })
    const answer = await send({ url: `https://a.test:${port}/`, connectTimeoutMs: 60 })
    t.match(answer, { failed: /timeout|network/, sent: false })
    for (const socket of open) await new Promise((resolve) => socket.once('close', resolve))
  })
}
t.test(
  'a server that never ends TLS is not waited for longer because its name has more addresses',
  async (t) => {
    const { port } = await serveRaw(t, () => {})
    const lookup = async () => ['127.0.0.1', '127.0.0.1', '127.0.0.1', '127.0.0.1']
    const startedAt = performance.now()
    t.match(await send({ url: `https://a.test:${port}/`, lookup, connectTimeoutMs: 80 }), {
      failed: 'timeout',
    })
    t.ok(performance.now() - startedAt < 4000)
  },
)
t.test('a name that is being looked up is not looked up again, and holds one place of few', async (t) => {
  const asked: string[] = []
  const answers = new Map<string, (addresses: string[]) => void>()
  const lookup = createLookup((host) => {
    asked.push(host)
    return new Promise((resolve) => answers.set(host, resolve))
  }, 2)
  const silent = [lookup('silent.test', never), lookup('silent.test', never)]
  const other = lookup('a.test', never)
  await turn()
  t.same(asked, ['silent.test', 'a.test'])
  answers.get('a.test')?.(['10.1.1.1'])
  t.same(await other, ['10.1.1.1'])
  answers.get('silent.test')?.(['10.1.1.2'])
  t.same(await Promise.all(silent), [['10.1.1.2'], ['10.1.1.2']])
  const again = lookup('a.test', never)
  await turn()
  answers.get('a.test')?.(['10.1.1.3'])
  t.same(asked.length, 3, 'nothing is kept once it was answered')
  t.same(await again, ['10.1.1.3'])
})
t.test('a lookup that nobody waits for any more is not begun', async (t) => {
  const asked: string[] = []
  const answers: ((addresses: string[]) => void)[] = []
  const lookup = createLookup((host) => {
    asked.push(host)
    return new Promise((resolve) => answers.push(resolve))
  }, 1)
  const first = lookup('silent.test', never)
  await t.rejects(lookup('given-up.test', soon(10)), { name: 'TimeoutError' })
  const gone = new AbortController()
  const two = [lookup('b.test', gone.signal), lookup('b.test', never)]
  gone.abort()
  await t.rejects(Promise.all(two), { name: 'AbortError' })
  answers[0]?.(['10.1.1.1'])
  t.same(await first, ['10.1.1.1'])
  await turn()
  t.same(asked, ['silent.test', 'b.test'], 'one of two still waits for b.test')
  answers[1]?.(['10.1.1.2'])
  t.same(await two[1], ['10.1.1.2'])
})
t.test('half of the threads look names up, as libuv has it', async (t) => {
  const sizes = { '1': 1, '4': 2, '5': 3, '16': 8, '5000': 512, '0': 1, many: 1 }
  for (const [size, most] of Object.entries(sizes))
    t.equal(mostLookups({ UV_THREADPOOL_SIZE: size }), most, size)
  t.equal(mostLookups({}), 2)
})
t.test('names are looked up as everything on the machine does, each address once', async (t) => {
  const found = await systemLookup()('localhost', never)
  t.ok(found.length > 0 && found.every((address) => net.isIP(address) > 0))
  t.equal(new Set(found).size, found.length)
})
