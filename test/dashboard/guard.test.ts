/** Who may call at all: hosts, addresses, other pages, pace; and the headers of every answer. */
import t from 'tap'
import { isOurs } from '../../src/dashboard/hosts.ts'
import { aDashboard, get, post } from './support.ts'

t.test('only names of this machine are answered, and those that were configured', async (t) => {
  const dashboard = await aDashboard(t, { hosts: ['Dash.example.com'] })
  const cases = {
    'localhost:8081': 200,
    '127.0.0.1': 200,
    '127.8.9.10:1': 200,
    '[::1]:8081': 200,
    'dash.example.com': 200,
    'DASH.example.com:443': 200,
    'evil.example': 421,
    'localhost.evil.example': 421,
    '127.0.0.1.evil.example': 421,
    'dash.example.com.evil.example': 421,
    '10.0.0.1': 421,
    'localhost:8081@evil.example': 421,
  }
  for (const [host, status] of Object.entries(cases))
    for (const path of ['/', '/api/v1/decisions.csv', '/assets/dashboard.js', '/login'])
      t.equal((await get(dashboard, path, { host })).statusCode === 421, status === 421, `${host} ${path}`)
})

t.test('a Host header that is none is no name of this machine', async (t) => {
  for (const host of [undefined, '', ' ', ':80', '[', '[::1', 'localhost:', 'localhost:port', 'local host'])
    t.equal(isOurs(host, []), false, String(host))
})

t.test('every answer forbids scripts of others, frames, guesses of types, and being kept', async (t) => {
  const dashboard = await aDashboard(t)
  for (const path of [
    '/',
    '/nowhere',
    '/api/v1/nowhere',
    '/api/v1/decisions.json',
    '/assets/none',
    '/decisions?from=never',
  ]) {
    const { headers, body } = await get(dashboard, path)
    t.match(headers, {
      'content-security-policy':
        /default-src 'none'; script-src 'self'; style-src 'self';.*frame-ancestors 'none'/,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
    })
    t.notMatch(headers['content-security-policy'], 'unsafe')
    t.notMatch(body, /<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=/i, `${path} has nothing inline`)
  }
})

t.test('a form that another page sends is not taken', async (t) => {
  const dashboard = await aDashboard(t, { signIn: 'token' })
  for (const headers of [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { origin: 'http://localhost:9999' },
  ])
    t.equal(
      (await post(dashboard, '/login', { token: 'good' }, headers)).statusCode,
      403,
      JSON.stringify(headers),
    )
  // What a browser sends from our own pages.
  const origin = 'http://localhost:8081'
  t.equal((await post(dashboard, '/login', { token: 'good' }, { origin })).statusCode, 303)
})

t.test('assets lead nowhere else', async (t) => {
  const dashboard = await aDashboard(t)
  for (const path of [
    '/assets/..%2f..%2fserver.ts',
    '/assets/../server.ts',
    '/assets/%2e%2e/server.ts',
    '/assets/..%5cserver.ts',
    '/assets/__proto__',
    '/assets/dashboard.js%00',
  ])
    t.equal((await get(dashboard, path)).statusCode, 404, path)
  t.match((await get(dashboard, '/assets/dashboard.js')).headers, { 'cache-control': /immutable/ })
})

t.test('a long address, a large body and a broken escape are answered without looking', async (t) => {
  const dashboard = await aDashboard(t, { signIn: 'token' })
  t.equal((await get(dashboard, `/decisions?q=${'x'.repeat(5000)}`)).statusCode, 414)
  t.equal((await post(dashboard, '/login', { token: 'x'.repeat(20_000) })).statusCode, 413)
  t.equal((await get(dashboard, '/backups/%zz/x')).statusCode, 400)
})

t.test('who calls too often waits, and others do not', async (t) => {
  const dashboard = await aDashboard(t)
  const codes = new Set<number>()
  for (let i = 0; i < 201; i += 1) codes.add((await get(dashboard, '/assets/icon.svg')).statusCode)
  t.same([...codes], [200, 429])
  await dashboard.clock.pass(1000)
  t.equal((await get(dashboard, '/assets/icon.svg')).statusCode, 200, 'a second later again')
})
