/** Calls through the proxy that an install names, and none through any other. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import type { EgressRules } from '../../src/core/egress.ts'
import { plainNode } from '../support/plain-node.ts'
import { certificate, listening, serve, serveRaw } from './servers.ts'
import { client, send, sendBy, textOf, type ClientGiven } from './support.ts'

type Tests = Parameters<typeof serve>[0]

/** A proxy that tunnels every host to this machine, and what it was asked. */
async function aProxy(t: Tests) {
  const asked: { readonly url: string | undefined; readonly authorization: string | undefined }[] = []
  const server = http.createServer((request, response) => {
    asked.push({ url: request.url, authorization: request.headers['proxy-authorization'] })
    response.end('from the proxy')
  })
  server.on('connect', (request, socket: net.Socket) => {
    asked.push({ url: request.url, authorization: request.headers['proxy-authorization'] })
    socket.on('error', () => {})
    const there = net.connect(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n')
      there.pipe(socket).pipe(there)
    })
    there.on('error', () => socket.destroy())
    socket.once('close', () => there.destroy())
  })
  const sockets = new Set<net.Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => void server.close(() => resolve()))
  })
  return { port: await listening(server), asked, sockets }
}

const through = (
  port: number,
  hosts: readonly string[] = ['*.outside.test'],
  more: Partial<EgressRules> = {},
) => ({ proxy: { host: 'proxy.test', port, authorization: undefined, hosts }, ...more })

/** Only the proxy has an address here. */
const lookup: ClientGiven['lookup'] = async (host) => {
  if (host === 'proxy.test' || host === 'inside.test') return ['127.0.0.1']
  throw Object.assign(new Error('no'), { code: 'ENOTFOUND' })
}

t.test('a listed host is called through the proxy, which looks it up; others directly', async (t) => {
  const port = await serve(t, (request, response) => void response.end(request.headers.host))
  const proxy = await aProxy(t)
  const egress = client({ lookup, rules: through(proxy.port) })
  t.equal(textOf(await sendBy(egress, { url: `http://a.outside.test:${port}/` })), `a.outside.test:${port}`)
  t.same(proxy.asked, [{ url: `a.outside.test:${port}`, authorization: undefined }])
  t.equal(textOf(await sendBy(egress, { url: `http://inside.test:${port}/` })), `inside.test:${port}`)
  t.equal(proxy.asked.length, 1)
  const [socket] = proxy.sockets
  if (socket !== undefined && !socket.destroyed) await once(socket, 'close')
})
t.test('TLS through the proxy is with the host, and checked', async (t) => {
  const pair = certificate({ name: 'a.outside.test' })
  const names: unknown[] = []
  const port = await serve(
    t,
    (request, response) => {
      names.push((request.socket as { servername?: string }).servername)
      response.end('ok')
    },
    pair,
  )
  const { port: proxied } = await aProxy(t)
  const egress = client({ lookup, rules: through(proxied) })
  t.equal(textOf(await sendBy(egress, { url: `https://a.outside.test:${port}/`, ca: pair.cert })), 'ok')
  t.same(names, ['a.outside.test'])
  t.match(await sendBy(egress, { url: `https://b.outside.test:${port}/`, ca: pair.cert }), {
    failed: 'answer',
    about: 'tls',
    sent: false,
    message: /by the proxy 127.0.0.1:\d+.* is not for b.outside.test/,
  })
})
t.test('who asks is told to the proxy alone', async (t) => {
  const port = await serve(t, (request, response) => void response.end(JSON.stringify(request.headers)))
  const { port: proxied, asked } = await aProxy(t)
  const proxy = { ...through(proxied).proxy, authorization: 'Basic dTpw' }
  const answer = await send({ url: `http://a.outside.test:${port}/`, lookup, rules: { proxy } })
  t.equal(asked[0]?.authorization, 'Basic dTpw')
  t.notMatch(textOf(answer), /dTpw|proxy-auth/)
})

for (const [what, { url, refused }] of Object.entries({
  'an address in the URL': { url: 'http://169.254.169.254/', refused: /link-local/ },
  'an address in another notation': { url: 'http://2852039166/', refused: /link-local/ },
  'an IPv6 address': { url: 'http://[fe80::1]/', refused: /link-local/ },
})) {
  t.test(`${what} is never given to the proxy, whatever is listed`, async (t) => {
    const proxy = await aProxy(t)
    const hosts = ['169.254.169.254', '[fe80::1]', '*.254', '*.outside.test']
    t.match(await send({ url, lookup, rules: through(proxy.port, hosts) }), {
      refused: 'egress',
      message: refused,
    })
    t.same(proxy.asked, [])
  })
}
t.test('where --egress-only is given, only names that it lists are asked of the proxy', async (t) => {
  const port = await serve(t, (_request, response) => void response.end('ok'))
  const proxy = await aProxy(t)
  const url = `http://a.outside.test:${port}/`
  for (const onlyTo of [['0.0.0.0/0', '::/0'], ['b.outside.test'], ['a.outside.test:1']]) {
    t.match(await send({ url, lookup, rules: through(proxy.port, undefined, { onlyTo }) }), {
      refused: 'egress',
      sent: false,
      message:
        /a.outside.test, which --egress-proxy looks up, is not among the names that --egress-only lists/,
    })
  }
  t.same(proxy.asked, [])
  for (const onlyTo of [['*.outside.test'], [`a.outside.test:${port}`]])
    t.equal(textOf(await send({ url, lookup, rules: through(proxy.port, undefined, { onlyTo }) })), 'ok')
})
t.test(
  'the proxy may be inside, as the install names it, but not where nothing is ever called',
  async (t) => {
    const port = await serve(t, (_request, response) => void response.end('ok'))
    const proxy = await aProxy(t)
    const url = `http://a.outside.test:${port}/`
    const inCluster = through(proxy.port, undefined, { inCluster: true })
    t.equal(textOf(await send({ url, lookup, rules: inCluster })), 'ok')
    const metadata = async () => ['169.254.169.254']
    t.match(await send({ url, lookup: metadata, rules: inCluster }), {
      refused: 'egress',
      message: /169.254.169.254, which proxy.test resolves to, is a link-local/,
    })
  },
)
t.test('a redirect from a host behind the proxy to one that is not is judged as ever', async (t) => {
  const targets = ['http://127.0.0.1:1/', 'http://inside.test:1/']
  const port = await serve(t, (_request, response) =>
    response.writeHead(307, { location: targets.shift() }).end(),
  )
  const { port: proxied } = await aProxy(t)
  const rules = through(proxied, undefined, { inCluster: true })
  for (const want of [/127.0.0.1 is a loopback/, /127.0.0.1, which inside.test resolves to, is a loopback/]) {
    t.match(await send({ url: `http://a.outside.test:${port}/`, lookup, rules, maxRedirects: 1 }), {
      refused: 'egress',
      message: want,
      sent: true,
    })
  }
})

const answers: Readonly<Record<string, { bytes: string; want: object }>> = {
  'does not let the host through': {
    bytes: 'HTTP/1.1 403 Forbidden\r\n\r\n',
    want: {
      failed: 'answer',
      message: /the proxy for a.outside.test:1 .* answered CONNECT with 403. Let it/,
    },
  },
  'wants to know who asks': {
    bytes: 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n',
    want: { failed: 'answer', message: /with 407. Give --egress-proxy the user and password/ },
  },
  'could not reach the server': {
    bytes: 'HTTP/1.1 502 Bad Gateway\r\n\r\n',
    want: { failed: 'network', message: /with 502: it could not reach it/ },
  },
  'is none': { bytes: 'SSH-2.0-OpenSSH_9\r\n\r\n', want: { failed: 'answer', message: /HTTP\/1.1 proxy/ } },
  'sends a head without end': {
    bytes: `HTTP/1.1 200 OK\r\n${'X-More: a\r\n'.repeat(2000)}`,
    want: { failed: 'answer', message: /HTTP\/1.1 proxy/ },
  },
  'answers with an interim answer': {
    bytes: 'HTTP/1.1 100 Continue\r\n\r\n',
    want: { failed: 'answer', message: /with 100/ },
  },
  'speaks for the server before it was spoken to': {
    bytes: 'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly',
    want: { failed: 'answer', message: /HTTP\/1.1 proxy/ },
  },
  'says nothing': { bytes: '', want: { failed: 'timeout' } },
}
for (const [what, { bytes, want }] of Object.entries(answers)) {
  t.test(`a proxy that ${what} is told, and nothing was sent`, async (t) => {
    const { port, open } = await serveRaw(t, (socket) => void socket.on('data', () => socket.write(bytes)))
    const answer = await send({
      url: 'http://a.outside.test:1/',
      lookup,
      rules: through(port),
      connectTimeoutMs: 150,
    })
    t.match(answer, { ...want, sent: false })
    for (const socket of open) await new Promise((resolve) => socket.once('close', resolve))
  })
}
t.test('a proxy that closes the connection is told, and nothing was sent', async (t) => {
  const { port } = await serveRaw(t, (socket) => void socket.once('data', () => socket.end()))
  t.match(await send({ url: 'http://a.outside.test:1/', lookup, rules: through(port) }), {
    failed: 'network',
    sent: false,
    message: /by the proxy/,
  })
})
t.test('a proxy of the environment is not used, whoever else would use it', async (t) => {
  const pair = certificate({ name: '127.0.0.1' })
  const plain = await serve(t, (_request, response) => void response.end('direct'))
  const secure = await serve(t, (_request, response) => void response.end('direct'), pair)
  const proxy = await aProxy(t)
  const urls = [`http://127.0.0.1:${plain}/`, `https://127.0.0.1:${secure}/`]
  const file = join(t.testdir(), 'calls.ts')
  const support = join(import.meta.dirname, 'support.ts')
  writeFileSync(
    file,
    // First the control: fetch, which is not ours, goes by them.
    `await (await fetch(${JSON.stringify(urls[0])})).text()
const { send, textOf } = await import(${JSON.stringify(support)})
const ca = process.env['TEST_CA']
const [plain, secure] = ${JSON.stringify(urls)}
const ours = [await send({ url: plain }), await send({ url: secure, ca })].map(textOf)
console.log(JSON.stringify({ ours }))`,
  )
  const url = `http://127.0.0.1:${proxy.port}`
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy']
  const child = spawn('env', [...plainNode, file], {
    env: {
      ...process.env,
      ...Object.fromEntries(names.map((name) => [name, url])),
      NO_PROXY: '',
      no_proxy: '',
      NODE_USE_ENV_PROXY: '1',
      TEST_CA: pair.cert,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => void child.kill())
  const said = JSON.parse(await text(child.stdout))
  t.same(said.ours, ['direct', 'direct'])
  // fetch went there, once: the variables were heard.
  t.same(proxy.asked, [{ url: `127.0.0.1:${plain}`, authorization: undefined }])
})
