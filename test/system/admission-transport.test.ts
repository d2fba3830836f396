// The webhook server on real sockets and real TLS: what a hostile or unlucky client does to the transport.
import { once } from 'node:events'
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import type { Endpoint, ServerLimits } from '../../src/admission/ports.ts'
import { buildAdmission } from '../../src/admission/server.ts'
import type { AdmissionRequest } from '../../src/core/admission-request.ts'
import { allow, type Verdict } from '../../src/core/verdict.ts'
import { mintAuthority, mintLeaf } from '../../src/tls/authority.ts'
import { FakeClock } from '../support/fake-clock.ts'

const token = '0123456789abcdef0123456789abcdef'
const now = Date.now()
const authority = await mintAuthority({ name: 'test', now })
const leaf = await mintLeaf({ authority, names: ['localhost', '127.0.0.1'], now })
const host = '127.0.0.1'

const body = JSON.stringify({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: 'u-1',
    kind: { group: 'velero.io', version: 'v1', kind: 'Backup' },
    resource: { group: 'velero.io', version: 'v1', resource: 'backups' },
    operation: 'CREATE',
    userInfo: { username: 'ann' },
    object: {},
  },
})
const head = (length: number | string, path = `/${token}/backups?timeout=10s`): string =>
  `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`

type Answer = {
  readonly status: number
  readonly headers: Record<string, unknown>
  readonly text: string
  readonly reused: boolean
}
type Given = {
  readonly handle?: Endpoint['handle']
  readonly limits?: Partial<ServerLimits>
  readonly mutualTls?: boolean
}

async function serving(
  t: Test,
  { handle = async () => allow('Yes'), limits = {}, mutualTls = false }: Given = {},
) {
  const clock = new FakeClock()
  const lines: { readonly level: string; readonly message: string }[] = []
  const say = (level: string) => (_fields: object, message: string) => void lines.push({ level, message })
  const log = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
  const asked: AdmissionRequest[] = []
  const server = buildAdmission({
    handlers: [{ path: '/backups', handle: async (request) => (asked.push(request), handle(request)) }],
    log,
    clock,
    pathPrefix: () => [token],
    limits: { drainMs: 0, graceMs: 1000, ...limits },
    mutualTls,
  })
  const tls = { ...leaf, ...(mutualTls ? { clientCa: authority.cert } : {}) }
  const { port } = await server.listen({ host, port: 0, tls })
  t.teardown(() => driven(clock, server.close()))
  const agent = new Agent({ keepAlive: true, ca: authority.cert })
  t.teardown(() => agent.destroy())
  const post = (text: string | Buffer = body, options: RequestOptions = {}) =>
    send({ port, agent, ...options }, text)
  const socket = (options: object = {}) => tlsSocket(t, { port, ...options })
  return { clock, lines, asked, server, port, agent, post, socket }
}

function send(options: RequestOptions, text: string | Buffer): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
  const path = `/${token}/backups?timeout=10s`
  const request = httpsRequest({ host, path, method: 'POST', headers, ...options }, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('end', () => {
      const { statusCode: status = 0, headers } = response
      resolve({ status, headers, text: Buffer.concat(chunks).toString(), reused: request.reusedSocket })
    })
  })
  request.on('error', reject)
  request.end(text)
  return promise
}

async function tlsSocket(
  t: Test,
  options: { readonly port: number; readonly ALPNProtocols?: string[] },
): Promise<TLSSocket> {
  const socket = connect({ host, ca: authority.cert, ...options })
  t.teardown(() => socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'secureConnect')
  return socket
}

/** Everything that comes until the other side closes. */
async function untilClosed(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
  await once(socket, 'close')
  return text
}

/** Turns of the event loop until `fits`: sockets take some that a still clock does not wait for. */
async function until(clock: FakeClock, fits: () => boolean): Promise<void> {
  while (!fits()) await clock.pass(0)
}

/** Lets time go by until `settled`. */
async function driven<T>(clock: FakeClock, settled: Promise<T>): Promise<T> {
  const waiting = new Set([settled])
  const over = () => waiting.delete(settled)
  settled.then(over, over)
  while (waiting.size > 0) await clock.pass(50)
  return settled
}

const held = () => {
  const { promise, resolve } = Promise.withResolvers<Verdict>()
  return { handle: () => promise, answer: () => resolve(allow('Yes')) }
}

t.test('a keep-alive connection is used again, also after a long pause', async (t) => {
  const { post, clock } = await serving(t)
  t.match(await post(), { status: 200, reused: false })
  await clock.pass(90_000)
  const again = await post()
  t.match(again, { status: 200, reused: true })
  t.not(again.headers['connection'], 'close')
})

t.test('HTTP/2 is not offered', async (t) => {
  const { socket } = await serving(t)
  t.equal((await socket({ ALPNProtocols: ['h2', 'http/1.1'] })).alpnProtocol, 'http/1.1')
  await t.rejects(socket({ ALPNProtocols: ['h2'] }))
})

const junk: Readonly<Record<string, { readonly bytes: string; readonly says: RegExp }>> = {
  'an HTTP/2 preface': {
    bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
    says: /^HTTP\/1\.1 400 /,
  },
  'bytes that are no HTTP': { bytes: '\0\x01\x02 hello\r\n\r\n', says: /^HTTP\/1\.1 400 / },
  'heads without end': {
    bytes: `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`,
    says: /^HTTP\/1\.1 431 /,
  },
  'a length that is a lie': { bytes: head('12abc'), says: /^HTTP\/1\.1 400 / },
  'a length and chunks at once': {
    bytes: head('5').replace('\r\n\r\n', '\r\nTransfer-Encoding: chunked\r\n\r\n'),
    says: /^HTTP\/1\.1 400 /,
  },
}

for (const [name, { bytes, says }] of Object.entries(junk)) {
  t.test(
    `what is no HTTP/1.1 is closed with a word, and a good request still succeeds: ${name}`,
    async (t) => {
      const { post, socket } = await serving(t)
      const client = await socket()
      client.write(bytes, 'latin1')
      t.match(await untilClosed(client), says)
      t.equal((await post()).status, 200)
    },
  )
}

t.test('junk after a good request does not mix with its answer', async (t) => {
  const { handle, answer } = held()
  const { socket, asked, clock, post } = await serving(t, { handle })
  const client = await socket()
  client.write(`${head(body.length)}${body}junk\r\n\r\n`)
  const text = untilClosed(client)
  await until(clock, () => asked.length === 1)
  answer()
  t.notMatch(await text, / 400 /)
  t.equal((await post()).status, 200)
})

t.test('what is no TLS is closed, and a good request still succeeds', async (t) => {
  const { post, port } = await serving(t)
  for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '\x16\x03\x01\xff\xff', '\0'.repeat(1000)]) {
    const client = connectTcp({ host, port })
    client.on('error', () => {})
    client.end(bytes, 'latin1')
    await untilClosed(client)
  }
  t.equal((await post()).status, 200)
})

t.test(
  'a body of 9 MB is told that it is too large, with and without a length, and the next request succeeds',
  async (t) => {
    const { post } = await serving(t)
    const large = Buffer.alloc(9_000_000, ' ')
    t.match(await post(large), { status: 413, text: /at most 8388608 bytes/ })
    const chunked = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }
    t.match(await post(large, { headers: chunked }), { status: 413, text: /at most 8388608 bytes/ })
    t.equal((await post()).status, 200)
  },
)

t.test('a body of 6 MB is read', async (t) => {
  const { post, asked } = await serving(t)
  const large = body.replace('"object":{}', `"object":{"a":"${'x'.repeat(6_000_000)}"}`)
  t.equal((await post(large)).status, 200)
  t.equal(JSON.stringify(asked[0]?.object).length, 6_000_008)
})

t.test('a body that does not arrive in time is told so, and its connection closes', async (t) => {
  const { socket, clock, lines, post, asked } = await serving(t)
  const client = await socket()
  client.write(head(body.length) + body.slice(0, 10))
  const text = untilClosed(client)
  await until(clock, () => clock.waiting > 0)
  await clock.pass(9_500)
  t.match(await text, /^HTTP\/1\.1 408 [^]*connection: close[^]*the body did not arrive in time/i)
  t.match(lines, [{ level: 'warn' }])
  t.equal(asked.length, 0)
  t.equal((await post()).status, 200)
})

t.test('a body that never ends after it was refused is cut off', async (t) => {
  const { socket, clock } = await serving(t)
  const client = await socket()
  client.write(head(1e9, '/unknown/backups'))
  const text = untilClosed(client)
  await once(client, 'data')
  await clock.pass(30_000)
  t.match(await text, /^HTTP\/1\.1 404 /)
})

t.test('half a body is never taken for a whole one', async (t) => {
  const { socket, clock, asked, lines } = await serving(t)
  const client = await socket()
  client.write(head(body.length + 10) + body)
  await until(clock, () => clock.waiting > 0)
  client.destroy()
  await until(clock, () => lines.length > 0)
  t.equal(asked.length, 0)
  t.equal(clock.waiting, 0)
})

for (const [how, leave] of Object.entries({
  'resets the connection': (_: TLSSocket, raw: Socket) => raw.resetAndDestroy(),
  'closes the connection': (socket: TLSSocket) => socket.destroy(),
  'closes its half of it': (socket: TLSSocket) => socket.end(),
})) {
  t.test(`when the API server ${how} before the answer, the signal of its request aborts`, async (t) => {
    const { handle, answer } = held()
    const { socket, asked, clock, post, port } = await serving(t, { handle })
    const raw = connectTcp({ host, port })
    const client = await socket({ socket: raw })
    client.write(head(body.length) + body)
    await until(clock, () => asked.length === 1)
    t.equal(asked[0]?.signal().aborted, false)
    leave(client, raw)
    await until(clock, () => asked[0]?.signal().aborted === true)
    t.match(asked[0]?.signal().reason, { name: 'AbortError' })
    answer()
    t.equal((await post()).status, 200)
  })
}

t.test('the signal of an answered request never aborts', async (t) => {
  const { post, asked, agent, clock } = await serving(t)
  await post()
  agent.destroy()
  await clock.pass(20_000)
  t.equal(asked[0]?.signal().aborted, false)
})

t.test('a hundred slow connections do not stop a good one', async (t) => {
  const { socket, post } = await serving(t)
  const slow = await Promise.all(Array.from({ length: 100 }, () => socket()))
  for (const client of slow) client.write('POST / HTTP/1.1\r\nHo')
  t.equal((await post()).status, 200)
})

t.test(
  'connections are bounded: who is silent makes room, who is being answered or was answered stays',
  async (t) => {
    const { handle, answer } = held()
    const { socket, post, asked, server, clock, port } = await serving(t, {
      handle,
      limits: { connections: 10 },
    })
    const pending = post()
    await until(clock, () => asked.length === 1)
    const silent = await Promise.all(Array.from({ length: 9 }, () => socket()))
    const closed = silent.map((client) => once(client, 'close'))
    t.equal(server.connections(), 10)
    const flood = Array.from({ length: 30 }, () => connectTcp({ host, port }))
    for (const client of flood) client.on('error', () => {})
    t.teardown(() => flood.forEach((client) => client.destroy()))
    await Promise.all(closed)
    t.ok(server.connections() <= 10)
    answer()
    t.match(await pending, { status: 200 })
    t.match(await post(), { status: 200, reused: true })
  },
)

t.test('a new certificate is shown from the next connection on, and the open ones live on', async (t) => {
  const { socket, post, server } = await serving(t)
  await post()
  const renewed = await mintLeaf({ authority, names: ['localhost', '127.0.0.1'], now })
  server.setTls(renewed)
  t.match(await post(), { status: 200, reused: true })
  t.equal((await socket()).getPeerX509Certificate()?.toString(), renewed.cert)
  t.throws(() => server.setTls({ cert: renewed.cert, key: leaf.key }))
  t.throws(() => server.setTls({ cert: 'junk', key: 'junk' }))
  t.equal(
    (await socket()).getPeerX509Certificate()?.toString(),
    renewed.cert,
    'an unusable pair changes nothing',
  )
})

t.test('with a client CA only its certificates are let in', async (t) => {
  const { post, port } = await serving(t, { mutualTls: true })
  const client = await mintLeaf({ authority, names: [], now, use: 'client' })
  const strange = await mintLeaf({
    authority: await mintAuthority({ name: 'x', now }),
    names: [],
    now,
    use: 'client',
  })
  const asking = (pair: object) => post(body, { agent: new Agent({ ca: authority.cert, ...pair }), port })
  t.equal((await asking(client)).status, 200)
  await t.rejects(asking(strange))
  await t.rejects(asking({}))
})

t.test('mutual TLS without a CA is refused, because Node would then trust every public one', async (t) => {
  const { server } = await serving(t, { mutualTls: true })
  t.throws(() => server.setTls(leaf), TypeError)
})

t.test('draining answers what is and still comes in, each time saying goodbye, and then ends', async (t) => {
  const { handle, answer } = held()
  const { post, asked, clock, server, port, agent } = await serving(t, {
    handle,
    limits: { drainMs: 5000, graceMs: 30_000 },
  })
  const before = post()
  await until(clock, () => asked.length === 1)
  const closing = server.close()
  const during = post()
  await until(clock, () => asked.length === 2)
  await clock.pass(5000)
  let refused = false
  await until(clock, () => {
    send({ port, agent }, body).catch(() => (refused = true))
    return refused
  })
  await clock.pass(1000)
  answer()
  for (const pending of [before, during])
    t.match(await pending, { status: 200, headers: { connection: 'close' } })
  await driven(clock, closing)
  await until(clock, () => server.connections() === 0)
  t.equal(clock.waiting, 0)
})

t.test('under load no request is lost by draining', async (t) => {
  const { post, clock, server } = await serving(t, { limits: { drainMs: 2000 } })
  await post()
  const closing = server.close()
  const answers: Answer[] = []
  for (let round = 0; round < 15; round += 1) {
    answers.push(...(await Promise.all([post(), post(), post()])))
    await clock.pass(100)
  }
  await driven(clock, closing)
  t.equal(answers.length, 45)
  for (const { status, headers } of answers) t.match([status, headers['connection']], [200, 'close'])
})

t.test('draining ends even if a handler never does', async (t) => {
  const { post, asked, clock, server } = await serving(t, { handle: () => new Promise(() => {}) })
  const pending = post()
  pending.catch(() => {})
  await until(clock, () => asked.length === 1)
  await driven(clock, server.close())
  await t.rejects(pending)
  t.equal(server.connections(), 0)
})

t.test('closing twice is closing once, and closing what never listened is quiet', async (t) => {
  const { server, clock } = await serving(t)
  await Promise.all([driven(clock, server.close()), server.close()])
  const idle = buildAdmission({
    handlers: [],
    log: { debug() {}, info() {}, warn() {}, error() {} },
    clock,
    pathPrefix: () => [],
  })
  await idle.close()
})

t.test('a port that is taken rejects', async (t) => {
  const { port, clock } = await serving(t)
  const other = buildAdmission({
    handlers: [],
    log: { debug() {}, info() {}, warn() {}, error() {} },
    clock,
    pathPrefix: () => [],
  })
  await t.rejects(other.listen({ host, port, tls: leaf }), { code: 'EADDRINUSE' })
  await other.close()
})
