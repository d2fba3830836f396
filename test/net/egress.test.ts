import t from 'tap'
import { serve, serveRaw } from './servers.ts'
import { send, soon, textOf } from './support.ts'

t.test('an answer comes with status, lower-case headers, bytes, address and URL', async (t) => {
  const port = await serve(t, (request, response) => {
    response.writeHead(
      201,
      [
        ['X-One', 'a'],
        ['X-Many', 'b'],
        ['X-Many', 'c'],
      ].flat(),
    )
    request.pipe(response)
  })
  const answer = await send({ url: `http://quiesce.test:${port}/a?b=c`, body: 'hällo' })
  t.match(answer, {
    ok: {
      status: 201,
      headers: { 'x-one': 'a', 'x-many': 'b, c' },
      truncated: false,
      address: '127.0.0.1',
      finalUrl: `http://quiesce.test:${port}/a?b=c`,
    },
  })
  t.equal(textOf(answer), 'hällo')
})

t.test('the request carries the host of the URL, its own headers, and asks for no compression', async (t) => {
  const port = await serve(
    t,
    ({ headers, method }, response) => void response.end(JSON.stringify({ method, ...headers })),
  )
  const answer = await send({
    url: `http://quiesce.test:${port}/`,
    method: 'PUT',
    headers: [
      ['X-Mine', 'latin é'],
      ['Accept-Encoding', 'gzip'],
    ],
    body: new Uint8Array([65]),
  })
  t.match(JSON.parse(textOf(answer)), {
    method: 'PUT',
    host: `quiesce.test:${port}`,
    connection: 'close',
    'x-mine': 'latin é',
    'accept-encoding': 'identity',
    'content-length': '1',
  })
})

t.test('a header __proto__ is a header like any other', async (t) => {
  const { port } = await serveRaw(t, (socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n__proto__: x\r\nContent-Length: 0\r\n\r\n'))
  })
  const answer = await send({ url: `http://a.test:${port}/` })
  t.ok('ok' in answer && Object.hasOwn(answer.ok.headers, '__proto__'))
})

t.test('after every call the connection is closed', async (t) => {
  const { port, open } = await serveRaw(t, (socket) => {
    socket.once('data', () =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok'),
    )
  })
  t.equal(textOf(await send({ url: `http://a.test:${port}/` })), 'ok')
  for (const socket of open) await new Promise((resolve) => socket.once('close', resolve))
  t.equal(open.size, 0)
})

const refusedUrls: Readonly<Record<string, RegExp>> = {
  'http://169.254.169.254/latest/meta-data': /169.254.169.254 is a link-local address/,
  'http://[::ffff:169.254.169.254]/': /169.254.169.254, written \[::ffff:a9fe:a9fe\], is a link-local/,
  'http://[::ffff:a9fe:a9fe]/': /link-local/,
  'http://[64:ff9b::a9fe:a9fe]/': /link-local/,
  'http://2852039166/': /169.254.169.254 is/,
  'http://0xa9fea9fe/': /169.254.169.254 is/,
  'http://0251.0376.0251.0376/': /169.254.169.254 is/,
  'http://169.254.43518/': /169.254.169.254 is/,
  'http://０ｘａ９ｆｅａ９ｆｅ/': /169.254.169.254 is/,
  'http://[fe80::1]/': /link-local/,
  'http://0/': /unspecified/,
  'http://[::]/': /unspecified/,
  'ftp://a.test/': /only http and https/,
  'file:///etc/passwd': /only http and https/,
  'http://user:secret@a.test/': /user information/,
  'http://': /cannot be read/,
}
for (const [url, message] of Object.entries(refusedUrls)) {
  t.test(`${url} is refused without a lookup, and nothing is sent`, async (t) => {
    const lookup = async () => t.fail('looked up')
    t.match(await send({ url, lookup: async (host) => [String(await lookup()), host] }), {
      refused: 'egress',
      message,
      sent: false,
    })
  })
}
for (const url of [
  'http://0x7f.1/',
  'http://2130706433/',
  'http://127.1/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::1]/',
]) {
  t.test(`${url} is loopback, and refused in a cluster`, async (t) => {
    t.match(await send({ url, rules: { inCluster: true } }), { refused: 'egress', message: /loopback/ })
  })
}

t.test('a name is refused if only one of its addresses is', async (t) => {
  const answer = await send({ url: 'http://a.test/', lookup: async () => ['8.8.8.8', 'fe80::1'] })
  t.match(answer, { refused: 'egress', message: /fe80::1, which a.test resolves to/ })
})
t.test('a name is looked up once, so a second answer of the name server counts for nothing', async (t) => {
  const port = await serve(t, (_request, response) => void response.end('the judged one'))
  const answers = [['127.0.0.1'], ['169.254.169.254']]
  let asked = 0
  const lookup = async () => answers[asked++] ?? []
  const answer = await send({ url: `http://rebind.test:${port}/`, lookup })
  t.equal(textOf(answer), 'the judged one')
  t.equal(asked, 1)
})
t.test('an address that the resolver writes oddly is not connected to', async (t) => {
  for (const odd of ['0x7f.1', 'fe80::1%eth0', 'localhost', '']) {
    t.match(await send({ url: 'http://a.test/', lookup: async () => [odd] }), {
      failed: 'network',
      message: /usable addresses/,
    })
  }
})
t.test('a name with no or with very many addresses is a failure', async (t) => {
  t.match(await send({ url: 'http://a.test/', lookup: async () => [] }), { failed: 'network', sent: false })
  const many = Array.from({ length: 33 }, (_, i) => `10.0.0.${i}`)
  t.match(await send({ url: 'http://a.test/', lookup: async () => many }), {
    failed: 'network',
    message: /got 33/,
  })
})
t.test('a name that does not exist is a failure in words', async (t) => {
  const lookup = async () => {
    throw Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' })
  }
  t.match(await send({ url: 'http://a.test/', lookup }), {
    failed: 'network',
    message: 'could not look up a.test: the name does not exist',
  })
})
t.test('a lookup that never ends is a timeout', async (t) => {
  const lookup = () => new Promise<never>(() => {})
  t.match(await send({ url: 'http://a.test/', lookup, connectTimeoutMs: 20 }), {
    failed: 'timeout',
    sent: false,
    message: /connecting to a.test/,
  })
})
t.test('if one address does not answer, the next is tried', async (t) => {
  const port = await serve(t, (_request, response) => void response.end('second'))
  // Port by port: nothing listens on 127.0.0.2 at this port.
  const answer = await send({ url: `http://a.test:${port}/`, lookup: async () => ['127.0.0.2', '127.0.0.1'] })
  t.equal(textOf(answer), 'second')
})
t.test('where nothing listens the call fails, nothing is sent, and the message says where', async (t) => {
  const answer = await send({ url: 'http://a.test:1/' })
  t.same(answer, {
    failed: 'network',
    message: 'could not connect to a.test (127.0.0.1:1): nothing listens there',
    sent: false,
  })
})
t.test('a signal that aborted before sends nothing', async (t) => {
  const { port, open } = await serveRaw(t, () => {})
  t.match(await send({ url: `http://a.test:${port}/`, signal: AbortSignal.abort() }), {
    failed: 'aborted',
    sent: false,
  })
  t.equal(open.size, 0)
})
t.test('a signal that aborts during the wait for an answer closes the socket at once', async (t) => {
  const controller = new AbortController()
  const { port, open } = await serveRaw(t, (socket) => void socket.once('data', () => controller.abort()))
  t.match(await send({ url: `http://a.test:${port}/`, signal: controller.signal }), {
    failed: 'aborted',
    sent: true,
    message: /waiting for the answer/,
  })
  for (const socket of open) await new Promise((resolve) => socket.once('close', resolve))
})
t.test('a signal that aborts in the middle of a body says how far it came', async (t) => {
  const controller = new AbortController()
  const { port, open } = await serveRaw(t, (socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789')
      setTimeout(() => controller.abort(), 30)
    })
  })
  t.match(await send({ url: `http://a.test:${port}/`, signal: controller.signal }), {
    failed: 'aborted',
    sent: true,
    message: /10 bytes so far/,
  })
  for (const socket of open) await new Promise((resolve) => socket.once('close', resolve))
})
t.test('a server that never answers is a timeout', async (t) => {
  const { port } = await serveRaw(t, () => {})
  t.match(await send({ url: `http://a.test:${port}/`, signal: soon(30) }), { failed: 'timeout', sent: true })
})
