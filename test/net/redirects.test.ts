import type { RequestListener } from 'node:http'
import t from 'tap'
import { certificate, serve } from './servers.ts'
import { send, textOf } from './support.ts'

const echo: RequestListener = (request, response) => {
  let body = ''
  request.on('data', (chunk) => (body += String(chunk)))
  request.on('end', () =>
    response.end(JSON.stringify({ method: request.method, url: request.url, ...request.headers, body })),
  )
}
const to =
  (location: string, status = 307): RequestListener =>
  (request, response) =>
    request.url === '/end' ? echo(request, response) : response.writeHead(status, { location }).end()

t.test('a redirect is an answer like any other unless it is to be followed', async (t) => {
  const port = await serve(t, to('/end', 302))
  t.match(await send({ url: `http://a.test:${port}/` }), {
    ok: { status: 302, headers: { location: '/end' } },
  })
})
for (const [status, method, wantMethod, wantBody] of [
  [307, 'POST', 'POST', 'x'],
  [308, 'PUT', 'PUT', 'x'],
  [301, 'POST', 'GET', ''],
  [302, 'POST', 'GET', ''],
  [302, 'PUT', 'PUT', 'x'],
  [303, 'PUT', 'GET', ''],
  [303, 'HEAD', undefined, undefined],
] as const) {
  t.test(`${status} makes ${wantMethod ?? 'HEAD'} of ${method}`, async (t) => {
    const port = await serve(t, to('/end', status))
    const body = method === 'HEAD' ? {} : { body: 'x' }
    const answer = await send({
      url: `http://a.test:${port}/`,
      method,
      maxRedirects: 1,
      headers: [['Content-Type', 'text/x']],
      ...body,
    })
    t.match(answer, { ok: { status: 200 } })
    if (wantMethod === undefined) return
    const seen = JSON.parse(textOf(answer))
    t.match(seen, { method: wantMethod, body: wantBody })
    t.equal(seen['content-type'], wantBody === '' ? undefined : 'text/x')
  })
}
t.test('a loop ends at maxRedirects', async (t) => {
  let calls = 0
  const port = await serve(t, (_request, response) => {
    calls += 1
    response.writeHead(307, { location: '/again' }).end()
  })
  t.match(await send({ url: `http://a.test:${port}/`, maxRedirects: 3 }), {
    failed: 'answer',
    message: /more than 3 times/,
    sent: true,
  })
  t.equal(calls, 4)
})
t.test('another origin sees no secret header, nor does the first if it is come back to', async (t) => {
  const second = await serve(t, (request, response) =>
    request.url === '/back'
      ? response.writeHead(307, { location: `http://a.test:${first}/end` }).end()
      : echo(request, response),
  )
  let location = `http://b.test:${second}/end`
  const first = await serve(t, (request, response) => to(location)(request, response))
  const headers = [
    ['X-Token', 's'],
    ['Authorization', 's'],
    ['Cookie', 's'],
    ['X-Open', 'o'],
  ] as const
  const given = { url: `http://a.test:${first}/`, headers, secretHeaders: ['x-token'], maxRedirects: 2 }
  for (const next of [location, `http://b.test:${second}/back`]) {
    location = next
    const seen = JSON.parse(textOf(await send(given)))
    t.match(seen, { 'x-open': 'o' })
    t.same([seen['x-token'], seen.authorization, seen.cookie], [undefined, undefined, undefined])
  }
})
t.test('the same origin keeps the secret headers', async (t) => {
  const port = await serve(t, to('/end'))
  const answer = await send({
    url: `http://a.test:${port}/`,
    headers: [['X-Token', 's']],
    secretHeaders: ['X-Token'],
    maxRedirects: 1,
  })
  t.match(JSON.parse(textOf(answer)), { 'x-token': 's' })
})
for (const [location, message] of Object.entries({
  'http://169.254.169.254/': /link-local/,
  'http://[::ffff:a9fe:a9fe]/': /link-local/,
  'file:///etc/passwd': /only http and https/,
  'gopher://a.test/': /only http and https/,
  'http://user:pass@a.test/': /user information/,
})) {
  t.test(`a redirect to ${location} is judged and refused, and the first server was called`, async (t) => {
    const port = await serve(t, to(location))
    t.match(await send({ url: `http://a.test:${port}/`, maxRedirects: 5 }), {
      refused: 'egress',
      message,
      sent: true,
    })
  })
}
t.test('a redirect to a name of a refused address is refused', async (t) => {
  const port = await serve(t, to('http://evil.test/'))
  const lookup = async (host: string) => (host === 'evil.test' ? ['10.9.9.9'] : ['127.0.0.1'])
  const rules = { refusedAddresses: () => ['10.9.9.9'] }
  t.match(await send({ url: `http://a.test:${port}/`, maxRedirects: 1, lookup, rules }), {
    refused: 'egress',
    message: /node/,
  })
})
t.test('a redirect to no URL is a failure', async (t) => {
  const port = await serve(t, to('http://['))
  t.match(await send({ url: `http://a.test:${port}/`, maxRedirects: 1 }), {
    failed: 'answer',
    message: /no URL/,
  })
})
t.test('a redirect from https to http is not followed', async (t) => {
  const pair = certificate({ name: 'a.test' })
  const port = await serve(t, to('http://a.test/'), pair)
  t.match(await send({ url: `https://a.test:${port}/`, ca: pair.cert, maxRedirects: 1 }), {
    refused: 'egress',
    message: /from https to http:/,
  })
})
