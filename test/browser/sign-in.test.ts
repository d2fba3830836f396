/** Signing in with a real browser: what it sends of itself decides whether a form is taken. */
import t from 'tap'
import { startCluster } from '../support/cluster.ts'
import { seriousIn } from './axe.ts'
import { startBrowser } from './browser.ts'

const viewer = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'viewer', namespace: 'velero' } }

t.test('a token is taken from the form, a wrong one is not, and signing out ends it', async (t) => {
  const system = await startCluster(t, {
    objects: [viewer],
    flags: { roles: 'webhook,controller,dashboard', 'dashboard-listen': '127.0.0.1:0' },
  })
  const { body } = await system.call('POST', '/api/v1/namespaces/velero/serviceaccounts/viewer/token', {
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: ['tidewaiter'], expirationSeconds: 600 },
    },
  })
  const open = await startBrowser(t)
  const url = `http://localhost:${system.service.ports.dashboard}`

  for (const javaScriptEnabled of [true, false]) {
    const page = await open(`${url}/system`, { javaScriptEnabled })
    t.equal(page.url(), `${url}/login?next=%2Fsystem`)
    if (javaScriptEnabled) t.same(await seriousIn(page), [])
    await page.getByLabel('Kubernetes token').fill(body.status.token)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL(`${url}/system`)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL(`${url}/login`)
    await page.goto(`${url}/system`)
    t.equal(page.url(), `${url}/login?next=%2Fsystem`, 'the session is over')
  }
})
