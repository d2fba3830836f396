/** The dashboard as every overlay installs it, reached as a person does: a port-forward, a token of a ServiceAccount, a browser. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { seriousIn } from '../browser/axe.ts'
import { startBrowser } from '../browser/browser.ts'
import {
  aBackupName,
  aMark,
  aName,
  apply,
  backUp,
  emptyNamespace,
  ended,
  eventually,
  grant,
  kubectl,
  kubectlJson,
  must,
  ready,
  run,
} from './support.ts'
import { ops, ownNamespace } from './z-install.ts'

const root = join(import.meta.dirname, '../..')
/** Each view, and the right that it needs. */
const views = {
  '/decisions': ['tidewaiter.io', 'admissiondecisions'],
  '/actions': ['tidewaiter.io', 'actions'],
  '/backups': ['velero.io', 'backups'],
  '/restores': ['velero.io', 'restores'],
} as const

t.before(async () => {
  await ready()
  must(
    await kubectl([
      '-n',
      ownNamespace,
      'rollout',
      'status',
      'deployment/tidewaiter-dashboard',
      '--timeout=120s',
    ]),
  )
})

/** `tidewaiter dashboard` as a process; the address that it tells. */
async function forwarded(
  t: Test,
): Promise<{ readonly url: string; readonly stop: () => Promise<number | null> }> {
  const args = ['dashboard', '--port', '0', '--kubeconfig', process.env['TIDEWAITER_E2E_KUBECONFIG'] ?? '']
  const child = spawn(process.execPath, [join(root, 'src/main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => void child.kill('SIGKILL'))
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve))
  const url = await eventually(async () => /http:\/\/localhost:\d+(?=\/)/.exec(out)?.[0], {
    ms: 60_000,
    what: `tidewaiter dashboard to say where it is; it said ${err}`,
  })
  return {
    url,
    stop: () => {
      child.kill('SIGINT')
      return closed
    },
  }
}

/** A ServiceAccount that may list these. */
async function account(t: Test, ...rights: readonly (readonly [string, string])[]): Promise<string> {
  const name = aName('viewer')
  await apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: emptyNamespace } })
  t.teardown(() => kubectl(['-n', emptyNamespace, 'delete', 'serviceaccount', name, '--ignore-not-found']))
  const user = `system:serviceaccount:${emptyNamespace}:${name}`
  if (rights.length > 0)
    await grant(
      t,
      { user },
      rights.map(([group, resource]) => [group, resource, 'list'] as const),
    )
  return name
}

/** As the page tells people to make it. */
const tokenOf = async (name: string, ...more: readonly string[]): Promise<string> =>
  must(
    await kubectl(['-n', emptyNamespace, 'create', 'token', name, '--duration', '1h', ...more]),
  ).stdout.trim()
const forUs = ['--audience', 'tidewaiter'] as const

t.test('through the port-forward each account sees what it may list, and nothing else', async (t) => {
  const { url, stop } = await forwarded(t)
  const get = (path: string, token: string) =>
    fetch(`${url}${path}`, {
      headers: { authorization: `Bearer ${token}` },
      redirect: 'manual',
      signal: AbortSignal.timeout(20_000),
    })
  const status = async (path: string, token: string): Promise<number> => {
    const answer = await get(path, token)
    await answer.arrayBuffer()
    return answer.status
  }

  await t.test(
    'a token that is not for it leads to the sign-in, and so does one whose account is gone',
    async (t) => {
      const name = await account(t, views['/decisions'])
      const gone = await tokenOf(name, ...forUs)
      t.equal(await status('/decisions', await tokenOf(name)), 303, 'for the API server')
      t.equal(await status('/decisions', await tokenOf(name, '--audience', 'vault')), 303)
      t.equal(await status('/decisions', 'made-up'), 303)
      must(await kubectl(['-n', emptyNamespace, 'delete', 'serviceaccount', name]))
      // Whose token it is may be known for ten seconds here, and as long to the API server.
      await eventually(async () => (await status('/decisions', gone)) === 303, {
        ms: 60_000,
        what: 'the account that is gone to be unknown',
      })
    },
  )

  await t.test('who may list nothing is told which right is missing, for each view', async (t) => {
    const token = await tokenOf(await account(t), ...forUs)
    for (const [path, [group, resource]] of Object.entries(views)) {
      const answer = await get(path, token)
      t.equal(answer.status, 403, path)
      t.match(await answer.text(), `list ${resource}.${group}`)
    }
    for (const path of ['/api/v1/decisions.csv', '/api/v1/decisions.json'])
      t.equal(await status(path, token), 403, path)
  })

  for (const [own, right] of Object.entries(views))
    await t.test(`who may list ${right[1]} sees ${own} and no other view`, async (t) => {
      const token = await tokenOf(await account(t, right), ...forUs)
      // A right takes a moment to be known, and a no is believed for ten seconds.
      await eventually(async () => (await status(own, token)) === 200, { what: `${own} to be shown` })
      for (const path of Object.keys(views)) if (path !== own) t.equal(await status(path, token), 403, path)
    })

  await t.test('a Backup is told to who listens as it is decided, and stands in the export', async (t) => {
    const token = await tokenOf(await account(t, views['/decisions']), ...forUs)
    await eventually(async () => (await status('/decisions', token)) === 200, {
      what: 'the right to be known',
    })
    const heard = new AbortController()
    t.teardown(() => heard.abort())
    const stream = await fetch(`${url}/api/v1/stream`, {
      headers: { authorization: `Bearer ${token}` },
      signal: heard.signal,
    })
    t.match(stream.headers.get('content-type'), 'text/event-stream')
    let text = ''
    const reading = (async () => {
      for await (const chunk of stream.body ?? []) text += Buffer.from(chunk).toString()
    })().catch(() => undefined)
    const name = aBackupName()
    must(await backUp(name, aMark().mark))
    await eventually(async () => /^event: decision$/m.test(text), { what: 'an event of the decision' })
    heard.abort()
    await reading
    // Who listens is told at once, the history takes it in a moment later.
    const rows = async () => (await get(`/api/v1/decisions.csv?q=${name}`, token)).text()
    await eventually(async () => (await rows()).includes(`,${name},`), { what: `${name} in the export` })
  })

  t.equal(await stop(), 0, 'Ctrl-C is how it ends')
})

t.test('in a browser: sign in with a token, see a Backup come, sign out', async (t) => {
  const { url } = await forwarded(t)
  const rights = [
    ...Object.values(views),
    ['tidewaiter.io', 'actionruns'],
    ['velero.io', 'schedules'],
  ] as const
  const name = await account(t, ...rights)
  const open = await startBrowser(t)
  const token = await tokenOf(name, ...forUs)
  // A right takes a moment to be known, and a no is believed for ten seconds.
  await eventually(
    async () =>
      (await fetch(`${url}/backups`, { headers: { authorization: `Bearer ${token}` } })).status === 200,
    { what: 'the rights to be known' },
  )
  const page = await open(`${url}/backups`)
  t.match(page.url(), '/login?next=%2Fbackups')
  t.same(await seriousIn(page), [])
  await page.getByLabel('Kubernetes token').fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL(`${url}/backups`)
  await page.getByText('Live', { exact: true }).waitFor()
  const backup = aBackupName()
  must(await backUp(backup, aMark().mark))
  await page.getByRole('link', { name: backup, exact: true }).waitFor()
  await ended('backup', backup)
  const row = page.getByRole('row').filter({ hasText: backup })
  await row.getByText('Completed').waitFor({ timeout: 60_000 })
  for (const path of ['/', '/decisions', '/backups', `/backups/velero/${backup}`, '/actions', '/system']) {
    await page.goto(`${url}${path}`)
    t.same(await seriousIn(page), [], path)
    t.ok((await page.locator('main').innerText()).length > 20, path)
  }
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.waitForURL(`${url}/login`)
  await page.goto(`${url}/backups`)
  t.match(page.url(), '/login?next=%2Fbackups', 'the session is over')
})

t.test('its metrics say that the history has all that the cluster has', async (t) => {
  const { items } = await kubectlJson([
    '-n',
    ownNamespace,
    'get',
    'pods',
    '-l',
    'app.kubernetes.io/name=tidewaiter-dashboard',
  ])
  const text = await eventually(
    async () => {
      const { text } = await ops(items[0].status.podIP, '/metrics')
      return /^tidewaiter_history_current 1$/m.test(text) ? text : undefined
    },
    { what: 'a history that is current' },
  )
  t.ok(Number(/^tidewaiter_history_records (\d+)$/m.exec(text)?.[1]) > 0)
  t.match(text, /^tidewaiter_history_lost_total 0$/m)
})

t.test('the overlay for another namespace moves the dashboard along', async (t) => {
  const { stdout } = must(await run('kubectl', ['kustomize', join(root, 'deploy/overlays/other-namespace')]))
  const documents = stdout.split(/^---$/m).filter((text) => text.includes('tidewaiter-dashboard'))
  t.ok(documents.length > 6)
  for (const text of documents) t.notMatch(text, /(namespace:|-) velero$/m)
  t.ok(
    documents.some((text) => /^ +- openshift-adp$/m.test(text)),
    'the Deployment is told of it',
  )
  t.equal(
    documents.filter((text) => /^ {2}namespace: openshift-adp$/m.test(text)).length,
    2,
    'Role and RoleBinding',
  )
})
