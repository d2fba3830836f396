import { gzipSync } from 'node:zlib'
import t from 'tap'
import { serve, serveRaw } from './servers.ts'
import { send, soon, textOf } from './support.ts'

const ok = 'HTTP/1.1 200 OK\r\n'
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`

/** Writes for ever, as fast as the other side reads. */
function pour(
  socket: {
    write: (text: string) => boolean
    once: (event: string, next: () => void) => void
    destroyed: boolean
  },
  text: string,
) {
  const much = text.repeat(Math.ceil(16_384 / text.length))
  while (!socket.destroyed && socket.write(much)) continue
  if (!socket.destroyed) socket.once('drain', () => pour(socket, text))
}

const endless: Readonly<Record<string, { first: string; more: string; message: RegExp }>> = {
  'an endless header': {
    first: ok,
    more: 'X-More: aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n',
    message: /16 KiB of headers/,
  },
  'an endless header line': { first: `${ok}X-Long: `, more: 'a'.repeat(1000), message: /16 KiB of headers/ },
  'an endless body': {
    first: `${ok}\r\n`,
    more: 'a'.repeat(1000),
    message: /answered 200 with more than 1048576 bytes/,
  },
  'an endless chunked body': {
    first: chunked,
    more: '3e8\r\n' + 'a'.repeat(1000) + '\r\n',
    message: /more than 1048576 bytes/,
  },
  'endless trailers': {
    first: `${chunked}1\r\na\r\n0\r\n`,
    more: 'X-More: aaaaaaaaaaaaaaaaaaaaaaa\r\n',
    message: /16 KiB of headers/,
  },
}
for (const [what, { first, more, message }] of Object.entries(endless)) {
  t.test(`${what} ends with a message about the limit`, async (t) => {
    const { port } = await serveRaw(t, (socket) => {
      socket.once('data', () => {
        socket.write(first)
        pour(socket, more)
      })
    })
    t.match(await send({ url: `http://a.test:${port}/` }), { failed: 'answer', message, sent: true })
  })
}
for (const [what, { first, more, message }] of Object.entries({
  'endless interim answers': {
    first: '',
    more: 'HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n',
    message: /sent more than 262144 bytes before it answered/,
  },
  'endless extensions of chunks': {
    first: chunked,
    more: `1;${'a'.repeat(400)}=b\r\nx\r\n`,
    message: /sent more than 270144 bytes for a body of at most 1000/,
  },
  'an extension of a chunk without end': {
    first: `${chunked}1;`,
    more: 'a'.repeat(1000),
    message: /sent more than 270144 bytes for a body of at most 1000/,
  },
})) {
  t.test(`${what} end with a message about the limit, long before the time`, async (t) => {
    const { port, open } = await serveRaw(t, (socket) => {
      socket.once('data', () => {
        socket.write(first)
        pour(socket, more)
      })
    })
    t.match(await send({ url: `http://a.test:${port}/`, maxResponseBytes: 1000 }), {
      failed: 'answer',
      about: 'size',
      message,
      sent: true,
    })
    for (const socket of open) await new Promise((resolve) => socket.once('close', resolve))
  })
}
t.test('some interim answers before the answer are no harm', async (t) => {
  const { port } = await serveRaw(t, (socket) => {
    socket.once('data', () =>
      socket.end(
        `${'HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n'.repeat(20)}${ok}Content-Length: 2\r\n\r\nok`,
      ),
    )
  })
  t.equal(textOf(await send({ url: `http://a.test:${port}/` })), 'ok')
})
t.test('a body in chunks of one byte is taken up to the limit', async (t) => {
  const { port } = await serveRaw(t, (socket) => {
    socket.once('data', () => socket.end(`${chunked}${'1\r\na\r\n'.repeat(100_000)}0\r\n\r\n`))
  })
  t.equal(textOf(await send({ url: `http://a.test:${port}/`, maxResponseBytes: 100_000 })).length, 100_000)
})
for (const [what, bytes] of Object.entries({
  'an answer that changes the protocol':
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
  'a demand to go on': 'HTTP/1.1 100 Continue\r\n\r\n',
})) {
  t.test(`${what}, which nobody asked for, is a failure`, async (t) => {
    const { port, open } = await serveRaw(t, (socket) => void socket.once('data', () => socket.write(bytes)))
    t.match(await send({ url: `http://a.test:${port}/` }), { failed: /answer|network/, sent: true })
    for (const socket of open) await new Promise((resolve) => socket.once('close', resolve))
  })
}
t.test('a body of exactly the limit is taken, a byte more is not', async (t) => {
  const port = await serve(
    t,
    (request, response) => void response.end('a'.repeat(Number(request.url?.slice(1)))),
  )
  t.equal(textOf(await send({ url: `http://a.test:${port}/100`, maxResponseBytes: 100 })).length, 100)
  t.match(await send({ url: `http://a.test:${port}/101`, maxResponseBytes: 100 }), {
    failed: 'answer',
    about: 'size',
    cause: /more than 100 bytes$/,
    message: /more than 100 bytes\. Answer with less/,
  })
})
t.test('a body that drips is cut off by the signal', async (t) => {
  const { port } = await serveRaw(t, (socket) => {
    socket.once('data', () => {
      socket.write(chunked)
      const drip = setInterval(() => void socket.write('1\r\na\r\n'), 5)
      socket.once('close', () => clearInterval(drip))
    })
  })
  t.match(await send({ url: `http://a.test:${port}/`, signal: soon(60) }), {
    failed: 'timeout',
    message: /reading the answer/,
    sent: true,
  })
})
t.test('a header that drips is cut off by the signal', async (t) => {
  const { port } = await serveRaw(t, (socket) => {
    socket.once('data', () => {
      socket.write(ok)
      const drip = setInterval(() => void socket.write('X'), 5)
      socket.once('close', () => clearInterval(drip))
    })
  })
  t.match(await send({ url: `http://a.test:${port}/`, signal: soon(60) }), {
    failed: 'timeout',
    message: /waiting for the answer/,
    sent: true,
  })
})
t.test('what would unpack to more than the limit is never unpacked', async (t) => {
  const bomb = gzipSync(Buffer.alloc(8_000_000))
  const port = await serve(t, (_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
  })
  const answer = await send({ url: `http://a.test:${port}/`, maxResponseBytes: bomb.byteLength })
  t.ok('ok' in answer && bomb.equals(answer.ok.body))
})
t.test('a compressed answer stays as it came', async (t) => {
  const port = await serve(t, (_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' })
    response.end(Buffer.from([31, 139]))
  })
  const answer = await send({ url: `http://a.test:${port}/` })
  t.match(answer, { ok: { headers: { 'content-encoding': 'gzip' } } })
  t.ok('ok' in answer && Buffer.from(answer.ok.body).equals(Buffer.from([31, 139])))
})

const broken: Readonly<Record<string, { bytes: string; want: object }>> = {
  'an answer that is not HTTP': {
    bytes: 'SSH-2.0-OpenSSH_9\r\n',
    want: { failed: 'answer', message: /not HTTP\/1.1/ },
  },
  'a body shorter than it was said to be': {
    bytes: `${ok}Content-Length: 9\r\n\r\nabc`,
    want: { failed: 'network', message: /before the answer was complete/ },
  },
  'a chunk with a broken size': { bytes: `${chunked}zz\r\n`, want: { failed: 'answer' } },
  'two lengths that contradict each other': {
    bytes: `${ok}Content-Length: 1\r\nContent-Length: 2\r\n\r\na`,
    want: { failed: 'answer' },
  },
  'a length beside chunks': {
    bytes: `${ok}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    want: { failed: 'answer' },
  },
  'nothing at all': { bytes: '', want: { failed: 'network' } },
}
for (const [what, { bytes, want }] of Object.entries(broken)) {
  t.test(`${what} fails, and something may have been sent`, async (t) => {
    const { port } = await serveRaw(t, (socket) => void socket.once('data', () => socket.end(bytes)))
    t.match(await send({ url: `http://a.test:${port}/` }), { ...want, sent: true })
  })
}
t.test('a reset after the request was read fails, and it may have had an effect', async (t) => {
  const { port } = await serveRaw(t, (socket) => void socket.once('data', () => socket.resetAndDestroy()))
  t.match(await send({ url: `http://a.test:${port}/` }), {
    failed: 'network',
    sent: true,
    message: /lost a.test/,
  })
})
t.test('a reset before TLS was spoken sent nothing', async (t) => {
  const { port } = await serveRaw(t, (socket) => void socket.resetAndDestroy())
  t.match(await send({ url: `https://a.test:${port}/` }), {
    failed: 'network',
    sent: false,
    message: /could not connect/,
  })
})
t.test('a call is never made twice, even if the server closes at once', async (t) => {
  let connections = 0
  const { port } = await serveRaw(t, (socket) => {
    connections += 1
    socket.destroy()
  })
  t.match(await send({ url: `http://a.test:${port}/`, method: 'GET' }), { failed: 'network' })
  t.equal(connections, 1)
})
