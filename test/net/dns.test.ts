/** A name server that says something else each time: asked once for a connection, over the wire. */
import dgram from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import t from 'tap'
import type { Lookup } from '../../src/net/ports.ts'
import { serve } from './servers.ts'
import { client, send, sendBy, textOf } from './support.ts'

const label = (name: string) =>
  Buffer.concat([
    ...name.split('.').map((part) => Buffer.from([part.length, ...Buffer.from(part)])),
    Buffer.from([0]),
  ])
/** A record with a time to live of 0 (RFC 1035 4.1.3). */
const record = (name: string, type: number, content: Buffer) =>
  Buffer.concat([label(name), Buffer.from([0, type, 0, 1, 0, 0, 0, 0, 0, content.length]), content])
const a = (name: string, address: string) => record(name, 1, Buffer.from(address.split('.').map(Number)))
const cname = (name: string, to: string) => record(name, 5, label(to))

type Answer = (name: string, asked: number) => readonly Buffer[]

/** Serves answers over UDP; gives how often each name was asked for, and a lookup by it. */
async function nameServer(t: Parameters<typeof serve>[0], answer: Answer) {
  const asked = new Map<string, number>()
  const socket = dgram.createSocket('udp4')
  socket.on('message', (query, from) => {
    const end = query.indexOf(0, 12)
    const parts: string[] = []
    for (let at = 12; at < end; at += (query[at] ?? 0) + 1)
      parts.push(query.toString('latin1', at + 1, at + 1 + (query[at] ?? 0)))
    const name = parts.join('.')
    const before = asked.get(name) ?? 0
    asked.set(name, before + 1)
    const records = answer(name, before)
    if (records.length === 0) return
    const head = Buffer.from([query[0] ?? 0, query[1] ?? 0, 0x81, 0x80, 0, 1, 0, records.length, 0, 0, 0, 0])
    socket.send(Buffer.concat([head, query.subarray(12, end + 5), ...records]), from.port, from.address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  t.teardown(() => void socket.close())
  const resolver = new Resolver({ timeout: 60_000, tries: 1 })
  resolver.setServers([`127.0.0.1:${socket.address().port}`])
  t.teardown(() => resolver.cancel())
  const lookup: Lookup = (host) => resolver.resolve4(host)
  return { asked, lookup }
}

const metadata = '169.254.169.254'
/** Good when asked first, metadata from then on. */
const rebinding: Answer = (name, asked) => [a(name, asked === 0 ? '127.0.0.1' : metadata)]

t.test('a name that is bound anew after it was judged leads to what was judged', async (t) => {
  const port = await serve(t, (_request, response) => void response.end('the judged one'))
  const { asked, lookup } = await nameServer(t, rebinding)
  const egress = client({ lookup })
  const url = `http://rebind.test:${port}/`
  t.equal(textOf(await sendBy(egress, { url })), 'the judged one')
  t.same([...asked], [['rebind.test', 1]])
  t.match(await sendBy(egress, { url }), { refused: 'egress', sent: false, message: /link-local/ })
  t.same([...asked], [['rebind.test', 2]], 'a retry is a call of its own: looked up and judged anew')
})
t.test('a redirect to the same name is looked up and judged anew', async (t) => {
  const paths: (string | undefined)[] = []
  const port = await serve(t, (request, response) => {
    paths.push(request.url)
    response.writeHead(307, { location: '/again' }).end()
  })
  const { asked, lookup } = await nameServer(t, rebinding)
  t.match(await send({ url: `http://rebind.test:${port}/`, lookup, maxRedirects: 3 }), {
    refused: 'egress',
    sent: true,
    message: /link-local/,
  })
  t.same([paths, [...asked]], [['/'], [['rebind.test', 2]]])
})
t.test('names on the way do not count, only the addresses at its end', async (t) => {
  const port = await serve(t, (_request, response) => void response.end('ok'))
  const chain =
    (end: string): Answer =>
    (name) => [cname(name, 'b.test'), cname('b.test', 'c.test'), a('c.test', end)]
  const good = await nameServer(t, chain('127.0.0.1'))
  t.equal(textOf(await send({ url: `http://a.test:${port}/`, lookup: good.lookup })), 'ok')
  const bad = await nameServer(t, chain(metadata))
  t.match(await send({ url: `http://a.test:${port}/`, lookup: bad.lookup }), {
    refused: 'egress',
    message: /169.254.169.254, which a.test resolves to/,
  })
  const rules = { onlyTo: ['b.test', 'c.test'] }
  t.match(await send({ url: `http://a.test:${port}/`, lookup: good.lookup, rules }), { refused: 'egress' })
})
t.test('good and bad addresses in one answer refuse the call, whatever their order', async (t) => {
  let called = 0
  const port = await serve(t, (_request, response) => {
    called += 1
    response.end()
  })
  for (const order of [
    ['127.0.0.1', metadata],
    [metadata, '127.0.0.1'],
    ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5', metadata],
  ]) {
    const { lookup } = await nameServer(t, (name) => order.map((address) => a(name, address)))
    t.match(await send({ url: `http://mixed.test:${port}/`, lookup }), { refused: 'egress', sent: false })
  }
  t.equal(called, 0)
})
t.test('a name server that says nothing is given up in the time for connecting', async (t) => {
  const { asked, lookup } = await nameServer(t, () => [])
  t.match(await send({ url: 'http://silent.test/', lookup, connectTimeoutMs: 60 }), {
    failed: 'timeout',
    sent: false,
    message: /connecting to silent.test/,
  })
  t.same([...asked], [['silent.test', 1]])
})
