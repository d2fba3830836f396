/** The pages: what they say, what users can put into them, and how large they are. */
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { aBackup, aRun } from '../support/build.ts'
import { aDecision } from '../support/decisions.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { aStore, newYear, record } from './history/support.ts'
import { aDashboard, get } from './support.ts'

const nasty = `"'><img src=x onerror=alert(1)><script>alert(2)</script>&amp;\u202e\u0000{{7*7}}`

t.test('whatever users write stands in a page as text', async (t) => {
  const plain = aDecision()
  const { last } = plain.status
  const event = { ...last, message: nasty, run: nasty, uid: nasty, name: nasty }
  const decision = aDecision({
    spec: {
      user: nasty,
      schedule: nasty,
      action: nasty,
      reason: nasty,
      webhook: nasty,
      operation: nasty,
      kind: nasty,
    },
    status: {
      first: event,
      last: event,
      groups: [nasty],
      considered: [{ action: nasty, stage: nasty, found: 'Matched', because: nasty }],
      calls: [{ action: nasty, phase: nasty, attempts: 1, request: nasty, answer: nasty }],
      cut: nasty,
    },
  })
  const run = aRun({
    name: 'r1',
    requestedBy: nasty,
    status: {
      phase: 'Refused',
      reason: nasty,
      message: nasty,
      actions: [{ name: '10-a', phase: 'Failed', attempts: 1, message: nasty }],
    },
  })
  const dashboard = await aDashboard(t, {
    decisions: [decision],
    runs: [run],
    backups: [aBackup({ name: 'b1', labels: { 'velero.io/schedule-name': nasty } })],
    known: {
      actions: () => [{ name: nasty, problem: nasty }],
      schedules: () => [{ name: nasty, cron: nasty, paused: false, lastAt: 0 }],
      unreadRuns: () => [nasty],
      plugins: () => [
        {
          metadata: { name: nasty },
          spec: { image: nasty },
          status: {
            digest: nasty,
            conditions: [{ type: 'Ready', status: nasty, reason: nasty, message: nasty }],
          },
        },
      ],
    },
  })
  const q = encodeURIComponent(nasty)
  for (const path of [
    '/',
    '/decisions',
    '/decisions/d1',
    '/backups',
    '/backups/velero/b1',
    '/actions',
    '/plugins',
    '/system',
    `/decisions?ns=${q}&user=${q}&q=${q}&from=${q}&verdict=${q}`,
    `/backups?q=${q}&phase=${q}`,
    `/backups/velero/${q}`,
  ]) {
    const { body } = await get(dashboard, path)
    t.notMatch(body, /<img src=x|<script>|<[^>]*\sonerror=[^>]*>/, path)
    t.match(body, '</html>', path)
  }
  t.match((await get(dashboard, '/decisions/d1')).body, '&lt;script>alert(2)&lt;/script>')
})

t.test('every link of a page leads to a page of this dashboard', async (t) => {
  const dashboard = await aDashboard(t, {
    decisions: [aDecision()],
    backups: [aBackup({ name: 'a%2f..#?b' })],
  })
  for (const path of ['/', '/decisions', '/decisions/d1', '/backups', '/actions', '/system', '/nowhere']) {
    const { body } = await get(dashboard, path)
    for (const [, href = ''] of body.matchAll(/ href="([^"]*)"/g)) {
      const url = href.replaceAll('&amp;', '&')
      if (url.startsWith('#') || url === '') continue
      t.match(url, /^\/(?!\/)/, `${path} leads to ${url}`)
      t.equal((await get(dashboard, url)).statusCode, 200, `${url}, from ${path}`)
      await dashboard.clock.pass(1000)
    }
  }
})

t.test('the first page says the state in words', async (t) => {
  const said = async (given: Parameters<typeof aDashboard>[1]) =>
    /<p class="state[^>]*>.*?<span>([^<]*)<\/span><\/p>/.exec(
      (await get(await aDashboard(t, given), '/')).body,
    )?.[1]
  t.equal(await said({}), 'Nothing needs anybody, and nothing was refused in the last 24 hours.')
  const refused = aDecision({ status: { count: 3 } })
  t.equal(await said({ decisions: [refused] }), 'The last 3 Backups of Schedule nightly were refused.')
  t.equal(
    await said({
      runs: [
        aRun({
          stage: 'PostBackup',
          status: { phase: 'Failed', completionTimestamp: '2026-01-01T00:00:00Z' },
        }),
      ],
    }),
    '1 run failed.',
  )
})

/** The numbers of the first page by their words, with what is said of each. */
const tilesIn = (body: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [
      ...body.matchAll(
        /class="word">([^<]*)<\/span><span class="value">([^<]*)<\/span\s*><span class="quiet">([^<]*)</g,
      ),
    ].map(([, word, value, hint]) => [word, `${value}: ${hint}`]),
  )

const stateIn = (body: string) =>
  /<p class="state ([^"]*)">.*?<span>([^<]*)<\/span><\/p>/.exec(body)?.slice(1)

t.test('who may see nothing is told so, and not that all is well', async (t) => {
  const dashboard = await aDashboard(t, { signIn: 'token', may: async () => false })
  const { body } = await get(dashboard, '/', { authorization: 'Bearer good' })
  t.same(stateIn(body), [
    'unclear',
    'Nothing that is known here needs anybody, but you may not list runs, backups, restores, schedules, decisions.',
  ])
  for (const [word, said] of Object.entries(tilesIn(body))) t.equal(said, '–: you may not see it', word)
  t.equal(Object.keys(tilesIn(body)).length, 6)
  t.match(body, 'alice may not list schedules.velero.io')
  t.notMatch(body, 'No Schedule is known yet')
})

t.test('what one may see in part is a number of that part', async (t) => {
  const dashboard = await aDashboard(t, {
    signIn: 'token',
    namespaces: ['velero', 'other'],
    may: async (_viewer, { resource, namespace }) => resource !== 'restores' && namespace === 'velero',
  })
  const { body } = await get(dashboard, '/', { authorization: 'Bearer good' })
  t.same(stateIn(body), [
    'unclear',
    'Nothing that is known here needs anybody, but you may not list restores; you may not list runs, backups, schedules, decisions in other.',
  ])
  t.equal(tilesIn(body)['Unguarded'], '0: began without their actions, of what is known here')
})

t.test('what was not read yet is no number', async (t) => {
  const dashboard = await aDashboard(t, { known: { synced: () => false } })
  const { body } = await get(dashboard, '/')
  t.equal(tilesIn(body)['Stuck'], '–: not read yet')
  t.match(stateIn(body), ['unclear', /but not all of namespace velero is known\.$/])
})

t.test('what is not known yet is said before anything else', async (t) => {
  const dashboard = await aDashboard(t, { known: { synced: () => false } })
  t.match((await get(dashboard, '/')).body, 'Still reading what the cluster has')
  const silent = await aDashboard(t, { known: { silentMs: () => 90_000 } })
  t.match((await get(silent, '/')).body, 'The API server has not been heard of for')
})

t.test('a namespace that cannot be read is told of by its name, and the others are shown', async (t) => {
  const why = 'GET /apis/velero.io/v1/namespaces/other/backups answered 403: backups.velero.io is forbidden'
  const dashboard = await aDashboard(t, {
    namespaces: ['velero', 'other'],
    decisions: [record(1)],
    knownOf: { other: { synced: () => false, trouble: () => why, silentMs: () => Number.POSITIVE_INFINITY } },
    progress: () => ({ reading: ['other'], written: 1, waiting: 0, lost: 0 }),
  })
  const { body } = await get(dashboard, '/decisions')
  t.match(body, '/decisions/uid-1')
  t.match(
    body,
    `Not everything of namespace other can be read, and it is tried again: what is missing here may be there. ${why}`,
  )
  t.notMatch(body, 'Still reading')
  const system = (await get(dashboard, '/system')).body
  t.match(system, 'Not readable')
  t.match(system, why)
})

t.test('decisions that nobody read while they were there are named where the others are', async (t) => {
  const { status } = record(9)
  const gap = record(9, { status: { seqs: '9', chain: { ...status.chain, seq: 9 } } })
  const clock = new FakeClock(newYear)
  const { store: history } = await aStore(t, { clock })
  await clock.pass(3_600_000)
  await history.insert([gap])
  const reading = await aDashboard(t, {
    history,
    progress: () => ({ reading: ['velero'], written: 0, waiting: 1, lost: 0 }),
  })
  t.notMatch((await get(reading, '/decisions')).body, '8 decisions', 'they may be on their way')
  const dashboard = await aDashboard(t, { history })
  for (const path of ['/', '/decisions?ns=velero'])
    t.match(
      (await get(dashboard, path)).body.replaceAll(/<[^>]*>|\s+/g, ' ').replaceAll(/ +/g, ' '),
      /8 decisions of replica tidewaiter-0-1a2b3c4d between 1 Jan 2026, 00:00:00 UTC and 1 Jan 2026, 00:00:09 UTC were not recorded here/,
      path,
    )
  t.notMatch((await get(dashboard, '/decisions?ns=other')).body, '8 decisions')
  t.match((await get(dashboard, '/system')).body, /Known to be missing<\/dt><dd>8 decisions/)
})

t.test('filters stand in the URL, and chips take them away', async (t) => {
  const dashboard = await aDashboard(t, {
    decisions: [record(1, { spec: { verdict: 'Refused' } }), record(2, { spec: { verdict: 'Allowed' } })],
  })
  const { body } = await get(dashboard, '/decisions?verdict=refused&schedule=nightly')
  t.match(body, '/decisions/uid-1')
  t.notMatch(body, '/decisions/uid-2')
  t.match(body, 'href="/decisions?schedule=nightly"')
  t.match(body, 'href="/api/v1/decisions.csv?verdict=Refused&amp;schedule=nightly"')
  const wrong = await get(dashboard, '/decisions?from=yesterday')
  t.equal(wrong.statusCode, 400)
  t.match(wrong.body, 'Since must be how long ago')
})

t.test('pages go on where the last one ended, in both directions', async (t) => {
  const all = Array.from({ length: 120 }, (_, i) => record(i + 1))
  const dashboard = await aDashboard(t, { decisions: all })
  const rowsOf = (body: string) => [...body.matchAll(/href="\/decisions\/([^"?]+)"/g)].map(([, id]) => id)
  const linkOf = (body: string, rel: string) =>
    new RegExp(`rel="${rel}" href="([^"]+)"`).exec(body)?.[1]?.replaceAll('&amp;', '&')
  const first = (await get(dashboard, '/decisions')).body
  const second = (await get(dashboard, linkOf(first, 'next') ?? '')).body
  const third = (await get(dashboard, linkOf(second, 'next') ?? '')).body
  t.equal(new Set([first, second, third].flatMap(rowsOf)).size, 120)
  t.equal(linkOf(third, 'next'), undefined)
  t.same(rowsOf((await get(dashboard, linkOf(third, 'prev') ?? '')).body), rowsOf(second))
  t.equal((await get(dashboard, '/decisions?cursor=1%20or%201')).statusCode, 400)
})

t.test(
  'the first page has less than 60 KB over the wire, with all that it loads, when there is much to say',
  async (t) => {
    const decisions = Array.from({ length: 200 }, (_, i) =>
      record(i + 1, {
        spec: { schedule: `schedule-${i % 100}`, verdict: 'Refused' },
        last: { message: `it said no ${i} `.repeat(40) },
      }),
    )
    const annotations = { 'tidewaiter.io/hold': 'pre-actions' }
    const backups = Array.from({ length: 500 }, (_, i) =>
      aBackup({ name: `backup-${i}`, uid: `uid-${i}`, annotations }),
    )
    const dashboard = await aDashboard(t, { decisions, backups })
    const page = await get(dashboard, '/', { 'accept-encoding': 'gzip' })
    t.equal(page.headers['content-encoding'], 'gzip')
    const assets = ['dashboard.css', 'dashboard.js', 'icon.svg'].map((name) => `/assets/${name}`)
    const sizes = await Promise.all(
      assets.map(
        async (path) => (await get(dashboard, path, { 'accept-encoding': 'gzip' })).rawPayload.length,
      ),
    )
    const total = page.rawPayload.length + sizes.reduce((sum, one) => sum + one, 0)
    t.ok(total < 60_000, `${total} bytes`)
    const script = (await get(dashboard, '/assets/dashboard.js')).rawPayload
    t.ok(gzipSync(script).length < 15_000, 'the script')
  },
)

t.test('an export carries what matches, and no formula', async (t) => {
  const dashboard = await aDashboard(t, {
    decisions: [record(1, { spec: { schedule: '=cmd()' } }), record(2, { spec: { schedule: 'other' } })],
  })
  const csv = await get(dashboard, `/api/v1/decisions.csv?schedule=${encodeURIComponent('=cmd()')}`)
  t.match(csv.headers, {
    'content-type': /^text\/csv/,
    'content-disposition': /^attachment; filename="tidewaiter-decisions-2026-01-01T0000\.csv"$/,
  })
  t.match(csv.body, `"'=cmd()"`)
  t.notMatch(csv.body, 'other')
  t.equal((await get(dashboard, '/api/v1/decisions.ndjson')).body.trim().split('\n').length, 2)
  t.equal((await get(dashboard, '/api/v1/decisions.json')).json().length, 2)
  t.equal((await get(dashboard, '/api/v1/decisions.csv?from=never')).statusCode, 400)
})
