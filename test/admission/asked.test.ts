import t from 'tap'
import { askedOf } from '../../src/admission/asked.ts'
import { allow } from '../../src/core/verdict.ts'

const endpoint = (path: string) => ({ path, handle: async () => allow('Yes') })
const [backups, hold] = [endpoint('/backups'), endpoint('/hold')]
const ask = (url: string | undefined, { method = 'POST', prefixes = ['new', 'former'] } = {}) =>
  askedOf(
    { method, ...(url === undefined ? {} : { url }) },
    { handlers: [backups, hold], pathPrefix: () => prefixes },
  )

t.test('the question of an API server is found by its path, with its time', async (t) => {
  t.same(ask('/new/backups?timeout=24s'), { endpoint: backups, timeoutMs: 24_000 })
  t.same(ask('/former/hold'), { endpoint: hold, timeoutMs: 10_000 })
  t.match(ask('/new/hold?dryRun=All&timeout=5s'), { timeoutMs: 5_000 })
})

for (const url of [
  undefined,
  '',
  '/',
  '//backups',
  '/new',
  '/new/',
  '/new?timeout=5s',
  '/old/backups',
  '/New/backups',
  '/new/backups/',
  '/new/backupsx',
  '/new//backups',
  '/n%65w/backups',
  '/n\u00e9w/backups',
  '/n\u00e9/backups',
  'https://host/new/backups',
  '/new/x?/new/backups',
  'new/backups',
  '*',
])
  t.test(`anything else is no question: ${url}`, async (t) => {
    t.equal(ask(url), undefined)
  })

t.test('nor is another method, or what comes while no path is known', async (t) => {
  t.equal(ask('/new/backups', { method: 'GET' }), undefined)
  t.equal(ask('/new/backups', { prefixes: [] }), undefined)
  t.equal(ask('//backups', { prefixes: [''] }), undefined)
})
