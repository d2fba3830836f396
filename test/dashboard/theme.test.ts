/** Light and dark by choice. */
import t from 'tap'
import { aDashboard, get, post } from './support.ts'

t.test('a choice is kept in a cookie, leads back, and needs neither script nor sign-in', async (t) => {
  const dashboard = await aDashboard(t, { signIn: 'token' })
  const answer = await post(dashboard, '/theme', { theme: 'dark', next: '/decisions?verdict=Refused' })
  t.equal(answer.statusCode, 303)
  t.equal(answer.headers['location'], '/decisions?verdict=Refused')
  t.equal(
    answer.headers['set-cookie'],
    'tidewaiter-theme=dark; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax',
  )
  const { body } = await get(dashboard, '/login', { cookie: 'a=b; tidewaiter-theme=dark; c=d' })
  t.match(body, '<html lang="en" data-theme="dark">')
  t.match(body, '<meta name="color-scheme" content="dark"/>')
  t.match(body, /value="dark" aria-pressed="true"/)
  const again = await post(dashboard, '/theme', { theme: 'system' })
  t.match(again.headers['set-cookie'], /Max-Age=0/)
})

t.test('a page says where its choice leads back to, and what is none chooses nothing', async (t) => {
  const dashboard = await aDashboard(t)
  const { body } = await get(dashboard, '/decisions?q=%22%3E%3Cb%3E')
  t.match(body, 'name="next" value="/decisions?q=%22%3E%3Cb%3E"')
  for (const form of [{ theme: '"><b>', next: '//evil.example' }, {}] as readonly Record<string, string>[]) {
    const answer = await post(dashboard, '/theme', form)
    t.equal(answer.headers['location'], '/')
    t.equal(answer.headers['set-cookie'], undefined)
  }
  t.match((await get(dashboard, '/', { cookie: 'tidewaiter-theme="><b>' })).body, 'data-theme="system"')
  const elsewhere = { 'sec-fetch-site': 'cross-site' }
  t.equal((await post(dashboard, '/theme', { theme: 'dark' }, elsewhere)).statusCode, 403)
})
