/** Signing in: tokens, cookies, sessions, rights. */
import t from 'tap'
import { views } from '../../src/dashboard/rights.ts'
import { expiryOf } from '../../src/dashboard/sessions.ts'
import { aDecision } from '../support/decisions.ts'
import { aDashboard, alice, get, post } from './support.ts'

const cookieIn = (answer: { readonly headers: Record<string, unknown> }): string =>
  String(answer.headers['set-cookie']).split(';')[0] ?? ''

t.test('without a session a page leads to the sign-in and back, and a program is told', async (t) => {
  const dashboard = await aDashboard(t, { signIn: 'token' })
  const page = await get(dashboard, '/decisions?verdict=Refused')
  t.equal(page.statusCode, 303)
  t.equal(page.headers['location'], '/login?next=%2Fdecisions%3Fverdict%3DRefused')
  const program = await get(dashboard, '/api/v1/decisions.csv')
  t.equal(program.statusCode, 401)
  t.match(program.json(), { status: 401, reason: 'Unauthorized', detail: /audience tidewaiter/ })
})

t.test('a good token makes a session; the token itself is nowhere afterwards', async (t) => {
  const dashboard = await aDashboard(t, { signIn: 'token', decisions: [aDecision()] })
  const answer = await post(dashboard, '/login', { token: ' go\nod ', next: '/decisions' })
  t.equal(answer.headers['location'], '/decisions')
  t.match(
    answer.headers['set-cookie'],
    /^tidewaiter-session=[\w-]{43}; Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax$/,
  )
  const page = await get(dashboard, '/decisions', { cookie: cookieIn(answer) })
  t.match(page.body, 'Seen as alice')
  t.notMatch(JSON.stringify([page.headers, page.body, answer.headers, dashboard.log.entries]), /"good"|=good/)
})

t.test('by a name of its own the cookie is for this host and TLS alone', async (t) => {
  const dashboard = await aDashboard(t, { signIn: 'token', hosts: ['dash.example.com'] })
  const answer = await post(dashboard, '/login', { token: 'good' }, { host: 'dash.example.com' })
  t.match(
    answer.headers['set-cookie'],
    /^__Host-tidewaiter-session=.*; Path=\/; .*HttpOnly; SameSite=Lax; Secure$/,
  )
})

t.test('a token that is not good, too long or missing signs nobody in', async (t) => {
  const dashboard = await aDashboard(t, { signIn: 'token' })
  for (const [token, status] of [
    ['bad', 401],
    ['', 400],
    ['x'.repeat(8193), 400],
  ] as const) {
    const answer = await post(dashboard, '/login', { token })
    t.equal(answer.statusCode, status)
    t.equal(answer.headers['set-cookie'], undefined)
    t.match(answer.body, 'kubectl create token')
  }
})

t.test('an API server that does not answer is no sign-in, and is said', async (t) => {
  const authenticate = () => Promise.reject(new Error('connection refused'))
  const dashboard = await aDashboard(t, { signIn: 'token', authenticate })
  t.equal((await post(dashboard, '/login', { token: 'good' })).statusCode, 503)
  t.equal((await get(dashboard, '/', { authorization: 'Bearer good' })).statusCode, 503)
})

t.test('a session ends with its time, and by signing out', async (t) => {
  const dashboard = await aDashboard(t, { signIn: 'token' })
  const [first, second] = [
    await post(dashboard, '/login', { token: 'good' }),
    await post(dashboard, '/login', { token: 'good' }),
  ]
  const cookie = cookieIn(first)
  t.equal((await get(dashboard, '/', { cookie })).statusCode, 200)
  const out = await post(dashboard, '/logout', {}, { cookie })
  t.match(out.headers['set-cookie'], /Max-Age=0/)
  t.equal((await get(dashboard, '/', { cookie })).statusCode, 303, 'signed out')
  t.equal(
    (await get(dashboard, '/', { cookie: cookieIn(second) })).statusCode,
    200,
    'the other session goes on',
  )
  await dashboard.clock.pass(3_600_000)
  t.equal((await get(dashboard, '/', { cookie: cookieIn(second) })).statusCode, 303, 'its time is over')
})

t.test('the session goes with the token, and is never longer than eight hours', async (t) => {
  const jwt = (claims: unknown) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.sig`
  t.equal(expiryOf(jwt({ exp: 1000 }), 0), 1_000_000)
  t.equal(expiryOf(jwt({ exp: 1_000_000 }), 0), 8 * 3_600_000)
  for (const odd of ['opaque', jwt({ exp: 'soon' }), jwt(null), 'a.!.c', 'a.b'])
    t.equal(expiryOf(odd, 5), 3_600_005, odd)
})

t.test('the sign-in leads back to nothing but this dashboard', async (t) => {
  const dashboard = await aDashboard(t, { signIn: 'token' })
  for (const next of [
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    'javascript:alert(1)',
    '/\r\nx: y',
    '',
  ])
    t.equal((await post(dashboard, '/login', { token: 'good', next })).headers['location'], '/', next)
})

t.test('a token may come with each request, and is asked about once in ten seconds', async (t) => {
  let asked = 0
  const authenticate = async () => {
    asked += 1
    return { user: 'ci', groups: [] }
  }
  const dashboard = await aDashboard(t, { signIn: 'token', authenticate })
  const headers = { authorization: 'Bearer good' }
  for (let i = 0; i < 3; i += 1)
    t.equal((await get(dashboard, '/api/v1/decisions.json', headers)).statusCode, 200)
  t.equal(asked, 1)
  await dashboard.clock.pass(10_001)
  await get(dashboard, '/api/v1/decisions.json', headers)
  t.equal(asked, 2)
})

const pages = {
  '/decisions': 'decisions',
  '/decisions/d1': 'decisions',
  '/backups': 'backups',
  '/backups/velero/monday': 'backups',
  '/restores': 'restores',
  '/actions': 'actions',
} as const

t.test('a page of something that one may not list is 403, and says the command that grants it', async (t) => {
  const dashboard = await aDashboard(t, { signIn: 'token', may: async () => false, decisions: [aDecision()] })
  for (const [path, view] of Object.entries(pages)) {
    const answer = await get(dashboard, path, { authorization: 'Bearer good' })
    t.equal(answer.statusCode, 403, path)
    const { resource, group } = views[view]
    t.match(answer.body, `${resource}.${group}`)
    t.match(answer.body, '</strong> in namespace velero.')
    t.match(answer.body, '--user=alice -n velero')
  }
  t.match(await get(dashboard, '/api/v1/decisions.csv', { authorization: 'Bearer good' }), {
    statusCode: 403,
  })
  t.match(
    (await get(dashboard, '/', { authorization: 'Bearer good' })).body,
    'alice may not list admissiondecisions.tidewaiter.io',
  )
})

t.test('no answer about a right is no', async (t) => {
  const dashboard = await aDashboard(t, {
    signIn: 'token',
    may: () => Promise.reject(new Error('no answer')),
  })
  t.equal((await get(dashboard, '/decisions', { authorization: 'Bearer good' })).statusCode, 403)
})

t.test('what is in a namespace that one may not see does not exist', async (t) => {
  const mine = aDecision({ name: 'mine' })
  const other = aDecision({ name: 'other' })
  const theirs = { ...other, metadata: { ...other.metadata, uid: 'd2', namespace: 'theirs' } }
  const dashboard = await aDashboard(t, {
    signIn: 'token',
    namespaces: ['velero', 'theirs'],
    decisions: [mine, theirs],
    may: async (_viewer, { namespace }) => namespace === 'velero',
  })
  const headers = { authorization: 'Bearer good' }
  t.equal((await get(dashboard, '/decisions/d1', headers)).statusCode, 200)
  t.equal((await get(dashboard, '/decisions/d2', headers)).statusCode, 404)
  t.equal((await get(dashboard, '/api/v1/decisions/d2', headers)).statusCode, 404)
  for (const path of [
    '/decisions',
    '/decisions?ns=theirs',
    '/api/v1/decisions.ndjson',
    '/api/v1/decisions.csv?ns=theirs',
    '/',
  ])
    t.notMatch((await get(dashboard, path, headers)).body, /\/d2|theirs\/|"name":"other"|,theirs,/, path)
})

t.test('a token is believed for ten seconds, also by a clock that was set back', async (t) => {
  let isGood = true
  const dashboard = await aDashboard(t, {
    signIn: 'token',
    authenticate: async () => (isGood ? alice : undefined),
  })
  const status = async () =>
    (await get(dashboard, '/api/v1/decisions.csv', { authorization: 'Bearer good' })).statusCode
  t.equal(await status(), 200)
  isGood = false
  await dashboard.clock.pass(9_000)
  t.equal(await status(), 200)
  await dashboard.clock.pass(-3_600_000)
  t.equal(await status(), 401)
})

t.test('a page tells nothing of kinds that one may not see', async (t) => {
  const backup = {
    metadata: {
      namespace: 'velero',
      name: 'nightly-1',
      uid: 'u1',
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
  }
  const dashboard = await aDashboard(t, {
    signIn: 'token',
    decisions: [aDecision()],
    backups: [backup],
    known: { unreadRuns: () => ['run-of-a-newer-version'] },
    may: async (viewer, { resource }) => viewer.user === 'all' || resource === 'admissiondecisions',
    authenticate: async (token) => ({ user: token, groups: [] }),
  })
  const [some, all] = [{ authorization: 'Bearer some' }, { authorization: 'Bearer all' }]
  t.match((await get(dashboard, '/decisions/d1', all)).body, '/backups/velero/nightly-1')
  t.notMatch(
    (await get(dashboard, '/decisions/d1', some)).body,
    '/backups/velero/nightly-1',
    'that a Backup is there',
  )
  t.match((await get(dashboard, '/system', all)).body, 'run-of-a-newer-version')
  t.notMatch((await get(dashboard, '/system', some)).body, 'run-of-a-newer-version', 'names of runs')
})

t.test('a user whose name is a command is quoted in the command that grants', async (t) => {
  const dashboard = await aDashboard(t, {
    signIn: 'token',
    authenticate: async () => ({ user: "x'; rm -rf ~ #", groups: [] }),
    may: async () => false,
  })
  const { body } = await get(dashboard, '/decisions', { authorization: 'Bearer good' })
  t.match(body.replaceAll('&#39;', "'"), String.raw`--user='x'\''; rm -rf ~ #'`)
})

t.test('the command that grants makes a binding of its own for each user', async (t) => {
  const dashboard = await aDashboard(t, {
    signIn: 'token',
    authenticate: async (token) => ({ user: token, groups: [] }),
    may: async () => false,
  })
  const commandFor = async (user: string, path: string) =>
    /<pre class="command"[^>]*><code>([^<]*)</.exec(
      (await get(dashboard, path, { authorization: `Bearer ${user}` })).body,
    )?.[1]
  t.equal(
    await commandFor('alice@example.com', '/decisions'),
    'kubectl create rolebinding tidewaiter-viewer:alice@example.com --clusterrole=tidewaiter-viewer --user=alice@example.com -n velero',
  )
  t.equal(
    await commandFor('https://id/bob', '/backups'),
    [
      'kubectl create role tidewaiter-sees-backups --verb=list --resource=backups.velero.io -n velero --dry-run=client -o yaml | kubectl apply -f -',
      'kubectl create rolebinding tidewaiter-sees-backups:https:--id-bob --role=tidewaiter-sees-backups --user=https://id/bob -n velero',
    ].join('\n'),
  )
})
