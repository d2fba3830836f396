import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import t from 'tap'
import { createKubeClient } from '../../src/kube/client.ts'
import { resource } from '../../src/kube/resource.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { mint } from './minted.ts'
import { aClient, aLog, anAccess, aStatus, json, serve, until } from './scripted-server.ts'

/** What is answered while time goes on, some milliseconds at a look. */
async function answerOf(asking: Promise<unknown>, clock: FakeClock, everyMs: number): Promise<unknown> {
  let got: unknown
  void asking.then((answer) => (got = answer))
  await until(
    () => got !== undefined,
    () => clock.pass(everyMs),
  )
  return got
}

t.test('a call sends JSON and gives JSON', async (t) => {
  const { url, seen } = await serve(t, (_, response) => json(response, 201, { ok: true }))
  const { client } = aClient(t, `${url}/prefix`)
  t.same(
    await client.request({
      method: 'POST',
      path: '/api/v1/x',
      query: { a: 1, b: undefined },
      body: { c: 2 },
    }),
    { ok: true },
  )
  t.match(seen[0], {
    method: 'POST',
    body: '{"c":2}',
    headers: { 'content-type': 'application/json', 'user-agent': 'tidewaiter/test' },
  })
  t.equal(seen[0]?.url.href, 'http://x/prefix/api/v1/x?a=1')
})

t.test('a read is made again after 503 and a broken connection, with growing waits', async (t) => {
  let times = 0
  const { url } = await serve(t, (_, response) => {
    times++
    if (times === 1) json(response, 503, aStatus(503, 'ServiceUnavailable'))
    else if (times === 2) response.destroy()
    else json(response, 200, { times })
  })
  const { client, clock } = aClient(t, url)
  t.same(await answerOf(client.request({ method: 'GET', path: '/x' }), clock, 10), { times: 3 })
})

t.test('a write is made once, unless 429 with Retry-After says it was not looked at', async (t) => {
  let times = 0
  const { url } = await serve(t, (seen, response) => {
    times++
    if (seen.url.pathname === '/503')
      json(response, 503, { ...aStatus(503, 'ServiceUnavailable'), retryAfter: '1' })
    else if (times < 3) json(response, 429, { ...aStatus(429, 'TooManyRequests'), retryAfter: '1' })
    else json(response, 200, { times })
  })
  const { client, clock } = aClient(t, url)
  await t.rejects(client.request({ method: 'POST', path: '/503', body: {} }), {
    code: 'UNAVAILABLE',
    retryAfterMs: 1000,
    sent: true,
  })
  t.equal(times, 1)
  t.same(await answerOf(client.request({ method: 'POST', path: '/429', body: {} }), clock, 50), { times: 3 })
})

t.test('a read whose answer is cut off in the middle is made again, a write is not', async (t) => {
  let times = 0
  const { url } = await serve(t, (seen, response) => {
    times++
    if (seen.method === 'GET' && times > 1) return json(response, 200, { times })
    response.writeHead(200, { 'content-length': 100 })
    response.write('{"a":', () => response.destroy())
  })
  const { client, clock } = aClient(t, url)
  t.same(await answerOf(client.request({ method: 'GET', path: '/x' }), clock, 10), { times: 2 })
  await t.rejects(client.request({ method: 'PUT', path: '/x', body: {} }), { code: 'NETWORK', sent: true })
  t.equal(times, 3)
})

t.test(
  'a kept connection that ends as the next call comes: a read goes by another, a write is told',
  async (t) => {
    let times = 0
    const { url } = await serve(t, (_, response) => {
      times++
      // Of what came on a connection that was used before nothing is answered.
      if (times % 2 === 0) response.destroy()
      else json(response, 200, { times })
    })
    const { client, clock } = aClient(t, url)
    const read = async () => {
      let got: unknown
      void client.request({ method: 'GET', path: '/x' }).then((answer) => (got = answer))
      await until(
        () => got !== undefined,
        () => clock.pass(10),
      )
      return got
    }
    t.same([await read(), await read()], [{ times: 1 }, { times: 3 }])
    await t.rejects(client.request({ method: 'POST', path: '/x', body: {} }), { code: 'NETWORK', sent: true })
    t.equal(times, 4)
  },
)

t.test('a call that gets no answer ends at its deadline, and the connection with it', async (t) => {
  let closed = false
  const { url, seen } = await serve(t, (_, response) => void response.on('close', () => (closed = true)))
  const { client, clock } = aClient(t, url)
  const call = t.rejects(client.request({ method: 'POST', path: '/x', timeoutMs: 2000 }), {
    code: 'TIMEOUT',
    message: /within 2 s/,
  })
  await until(() => seen.length === 1)
  await clock.pass(2000)
  await call
  await until(() => closed)
  t.equal(clock.waiting, 0, 'no timer is left')
})

t.test('a body that trickles ends at the deadline too', async (t) => {
  const { url, seen } = await serve(t, (_, response) => void response.writeHead(200).write('{"a":'))
  const { client, clock } = aClient(t, url)
  const call = t.rejects(client.request({ method: 'GET', path: '/x' }), { code: 'TIMEOUT' })
  await until(() => seen.length === 1)
  await clock.pass(10_000)
  await call
})

t.test("the caller's signal ends a call with its own reason", async (t) => {
  const { url, seen } = await serve(t, () => {})
  const { client, clock } = aClient(t, url)
  const stop = new AbortController()
  const call = t.rejects(client.request({ method: 'GET', path: '/x', signal: stop.signal }), {
    message: 'enough',
  })
  await until(() => seen.length === 1)
  stop.abort(new Error('enough'))
  await call
  t.equal(clock.waiting, 0)
  await t.rejects(client.request({ method: 'GET', path: '/x', signal: stop.signal }), { message: 'enough' })
  t.equal(seen.length, 1, 'and nothing is sent after it')
})

t.test('401 re-reads the credentials once', async (t) => {
  const { url, seen } = await serve(t, ({ headers }, response) =>
    headers.authorization === 'Bearer new'
      ? json(response, 200, {})
      : json(response, 401, aStatus(401, 'Unauthorized')),
  )
  let good = 'Bearer new'
  const auth = async (fresh?: boolean) => ({ authorization: fresh === true ? good : 'Bearer old' })
  const { client } = aClient(t, url, { auth })
  t.same(await client.request({ method: 'POST', path: '/x' }), {})
  t.equal(seen.length, 2)
  good = 'Bearer wrong'
  await t.rejects(client.request({ method: 'POST', path: '/x' }), { code: 'UNAUTHORIZED' })
  t.equal(seen.length, 4, 'and not again')
})

t.test('credentials that cannot be read are UNAUTHORIZED, and nothing was sent', async (t) => {
  const { client } = aClient(t, 'http://127.0.0.1:1', { auth: () => Promise.reject(new Error('no token')) })
  await t.rejects(client.request({ method: 'POST', path: '/x' }), {
    code: 'UNAUTHORIZED',
    sent: false,
    message: /no token/,
  })
})

t.test('a connection that is refused is NETWORK, and nothing was sent', async (t) => {
  const { client } = aClient(t, 'http://127.0.0.1:1')
  await t.rejects(client.request({ method: 'POST', path: '/x' }), { code: 'NETWORK', sent: false })
})

t.test('an answer that is no JSON, too long, or elsewhere is refused', async (t) => {
  const { url, seen } = await serve(t, ({ url: { pathname } }, response) => {
    if (pathname === '/html') response.end('<html>')
    else if (pathname === '/long') response.end('x'.repeat(5000))
    else response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()
  })
  const { client } = aClient(t, url, { auth: async () => ({ authorization: 'Bearer secret' }) })
  await t.rejects(client.request({ method: 'GET', path: '/html' }), { code: 'BAD_ANSWER' })
  await t.rejects(client.request({ method: 'GET', path: '/long', maxBytes: 4000 }), { code: 'TOO_LARGE' })
  await t.rejects(client.request({ method: 'GET', path: '/elsewhere' }), { code: 'BAD_ANSWER', status: 302 })
  t.equal(seen.length, 3)
  t.equal(
    (await client.requestText({ method: 'GET', path: '/html' })).length,
    6,
    'text is text where text is asked for',
  )
})

t.test('another identity is taken on by headers, on the same connection', async (t) => {
  const { url, seen } = await serve(t, (_, response) => json(response, 200, {}))
  const { client } = aClient(t, url)
  await client
    .as({ user: 'system:serviceaccount:a:b', groups: ['g1', 'g2'], uid: '7', extra: { Scopes: ['x'] } })
    .request({ method: 'GET', path: '/' })
  t.match(seen[0]?.headers, {
    'impersonate-user': 'system:serviceaccount:a:b',
    'impersonate-group': 'g1, g2',
    'impersonate-uid': '7',
    'impersonate-extra-scopes': 'x',
  })
  await client.request({ method: 'GET', path: '/' })
  t.notMatch(seen[1]?.headers, { 'impersonate-user': String })
  await t.rejects(client.as({ user: 'a\r\nx: y' }).request({ method: 'POST', path: '/' }), {
    code: 'NETWORK',
    sent: false,
  })
})

t.test('the time is taken from answers to ourselves, not from those to another identity', async (t) => {
  // What is asked for another may be answered by an API server behind the API server, with a clock of its own.
  const { url } = await serve(t, ({ headers }, response) => {
    response.setHeader('date', new Date(headers['impersonate-user'] === undefined ? 1_000 : 0).toUTCString())
    json(response, 200, {})
  })
  const heard: number[] = []
  const client = createKubeClient({
    access: anAccess(url),
    clock: new FakeClock(),
    log: aLog(),
    userAgent: 'tidewaiter/test',
    onDate: (ms) => heard.push(ms),
  })
  t.teardown(() => client.close())
  await client.request({ method: 'GET', path: '/x' })
  await client.as({ user: 'ann' }).request({ method: 'GET', path: '/x' })
  t.same(heard, [1_000])
})

t.test(
  'over TLS the server must be signed by the authority, and sees our certificate; a rotated one is used next',
  async (t) => {
    const [server, first, second] = [mint(), mint(), mint()]
    const https = createServer(
      { cert: server.cert, key: server.key, ca: [first.cert, second.cert], requestCert: true },
      (request, response) => {
        const { serialNumber, fingerprint256 } = (request.socket as TLSSocket).getPeerCertificate()
        response.end(JSON.stringify({ serialNumber, fingerprint256, protocol: request.httpVersion }))
      },
    )
    await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve))
    t.teardown(() => https.close())
    const url = `https://127.0.0.1:${(https.address() as AddressInfo).port}`
    let mine = first
    const { client } = aClient(t, url, {
      ca: server.cert,
      auth: async () => ({ cert: mine.cert, key: mine.key }),
    })
    const ask = () =>
      client.request<{ fingerprint256: string; protocol: string }>({ method: 'GET', path: '/' })
    const before = await ask()
    t.equal(before.protocol, '1.1')
    mine = second
    t.not((await ask()).fingerprint256, before.fingerprint256)
    const { client: stranger } = aClient(t, url, { ca: first.cert })
    await t.rejects(stranger.request({ method: 'POST', path: '/' }), { code: 'NETWORK' })
  },
)

t.test('warnings of the access are logged, and every attempt is counted', async (t) => {
  const { url } = await serve(t, (_, response) => json(response, 404, aStatus(404, 'NotFound')))
  const log = aLog()
  const counted: string[] = []
  const client = createKubeClient({
    access: anAccess(url, { warnings: ['careful'] }),
    clock: new FakeClock(),
    log,
    userAgent: 'x',
    metrics: { called: ({ method, code }) => counted.push(`${method} ${code}`) },
  })
  t.teardown(() => client.close())
  await t.rejects(client.request({ method: 'GET', path: '/' }), { code: 'NOT_FOUND' })
  t.same(log.lines, ['warn careful'])
  t.same(counted, ['GET NOT_FOUND'])
})

t.test('a resource knows its paths, content types and queries', async (t) => {
  const { url, seen } = await serve(t, ({ url: { pathname } }, response) =>
    pathname.endsWith('/gone') ? json(response, 404, aStatus(404, 'NotFound')) : json(response, 200, {}),
  )
  const { client } = aClient(t, url)
  const runs = resource(client, {
    group: 'tidewaiter.io',
    version: 'v1beta1',
    plural: 'actionruns',
    namespace: 'velero',
  })
  await runs.get('a')
  await runs.create({}, { dryRun: true })
  await runs.replaceStatus('a', {})
  await runs.mergePatch('a', {}, { subresource: 'status', fieldManager: 'tw' })
  await runs.jsonPatch('a', [])
  await runs.apply('a', {}, { fieldManager: 'tw', force: true })
  await runs.delete('a', { uid: 'u', resourceVersion: '1', propagationPolicy: 'Background' })
  await resource(client, { group: '', version: 'v1', plural: 'namespaces' }).replace('velero', {})
  t.equal(await runs.find('gone'), undefined)
  const base = '/apis/tidewaiter.io/v1beta1/namespaces/velero/actionruns'
  t.same(
    seen.map(
      ({ method, url, headers }) =>
        `${method} ${url.pathname}${url.search} ${headers['content-type'] ?? '-'}`,
    ),
    [
      `GET ${base}/a -`,
      `POST ${base}?dryRun=All application/json`,
      `PUT ${base}/a/status application/json`,
      `PATCH ${base}/a/status?fieldManager=tw application/merge-patch+json`,
      `PATCH ${base}/a application/json-patch+json`,
      `PATCH ${base}/a?force=true&fieldManager=tw application/apply-patch+yaml`,
      `DELETE ${base}/a application/json`,
      'PUT /api/v1/namespaces/velero application/json',
      `GET ${base}/gone -`,
    ],
  )
  t.match(JSON.parse(seen[6]?.body ?? ''), {
    preconditions: { uid: 'u', resourceVersion: '1' },
    propagationPolicy: 'Background',
  })
})

t.test('a name that is no segment of a path is refused before anything is sent', async (t) => {
  const { url, seen } = await serve(t, (_, response) => json(response, 200, {}))
  const { client } = aClient(t, url)
  const pods = resource(client, { group: '', version: 'v1', plural: 'pods', namespace: 'a' })
  for (const name of ['', '.', '..', 'a/b', 'a%2fb']) {
    await t.rejects(pods.get(name), { code: 'INVALID', sent: false })
    await t.rejects(pods.delete(name), { code: 'INVALID', sent: false })
  }
  t.throws(() => resource(client, { group: '', version: 'v1', plural: 'pods', namespace: '../x' }), {
    code: 'INVALID',
  })
  t.equal(seen.length, 0)
})

t.test('a list is read in pages, begun again when they expire, and bounded', async (t) => {
  let expire = true
  const { url, seen } = await serve(t, ({ url: { searchParams } }, response) => {
    const from = Number(searchParams.get('continue') ?? 0)
    if (from === 2 && expire) {
      expire = false
      return json(response, 410, aStatus(410, 'Expired'))
    }
    const items = [{ n: from }, { n: from + 1 }]
    json(response, 200, {
      metadata: { resourceVersion: '9', ...(from < 4 ? { continue: String(from + 2) } : {}) },
      items,
    })
  })
  const { client } = aClient(t, url)
  const pods = resource<number>(client, {
    group: '',
    version: 'v1',
    plural: 'pods',
    parse: (raw) => (raw as { n: number }).n,
  })
  t.same(await pods.list({ pageSize: 2, labelSelector: 'a=b' }), {
    items: [0, 1, 2, 3, 4, 5],
    resourceVersion: '9',
  })
  t.equal(seen[0]?.url.search, '?labelSelector=a%3Db&limit=2')
  await t.rejects(pods.list({ maxItems: 3 }), { code: 'TOO_LARGE' })
})

t.test('what is not wanted any more when its turn on a connection comes is not sent', async (t) => {
  const busy: (() => void)[] = []
  const { url, seen } = await serve(t, (_, response) => {
    if (seen.length > 16) json(response, 200, {})
    else busy.push(() => json(response, 200, {}))
  })
  const { client } = aClient(t, url)
  const others = Array.from({ length: 16 }, () => client.request({ method: 'GET', path: '/busy' }))
  await until(() => busy.length === 16)
  let isWanted = true
  const asked: boolean[] = []
  const ask = () => {
    asked.push(isWanted)
    return isWanted
  }
  const waiting = client
    .request({ method: 'PATCH', path: '/late', body: {}, retry: false, isWanted: ask })
    .catch((error: unknown) => error)
  const wanted = client.request({ method: 'PATCH', path: '/good', body: {}, isWanted: () => true })
  isWanted = false
  for (const answer of busy) answer()
  await Promise.all(others)
  t.match(await waiting, { message: /it was not wanted any more/ })
  t.same(asked, [false], 'it is asked once, when a connection is free')
  t.same(await wanted, {})
  t.same(
    seen.slice(16).map(({ url }) => url.pathname),
    ['/good'],
  )
})
