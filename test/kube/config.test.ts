import t from 'tap'
import { loadClusterAccess } from '../../src/kube/config.ts'
import type { AccessOptions } from '../../src/kube/config.ts'
import type { PluginLoader } from '../../src/kube/auth-plugin.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { mint } from './minted.ts'
import { whenThorough } from '../support/runs.ts'

const one = mint()
const other = mint()
const base64 = (text: string) => Buffer.from(text).toString('base64')
const account = '/var/run/secrets/kubernetes.io/serviceaccount'

type Files = Record<string, string>

/** Options over files in memory. */
const given = (files: Files, more: Partial<AccessOptions> = {}): AccessOptions => ({
  env: {},
  clock: new FakeClock(),
  readFile: async (path) => {
    const text = files[path]
    if (text === undefined)
      throw Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: 'ENOENT' })
    return text
  },
  ...more,
})

const kubeconfig = ({
  cluster = {},
  user = {},
  ...root
}: { cluster?: object; user?: object; [key: string]: unknown } = {}) =>
  JSON.stringify({
    'current-context': 'x',
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'velero' } }],
    clusters: [{ name: 'c', cluster: { server: 'https://10.0.0.1:6443/', ...cluster } }],
    users: [{ name: 'u', user }],
    ...root,
  })

const load = (text: string, files: Files = {}, more: Partial<AccessOptions> = {}) =>
  loadClusterAccess(given({ '/etc/k/config': text, ...files }, { kubeconfigPath: '/etc/k/config', ...more }))

t.test('a kubeconfig gives server, namespace, authority and token', async (t) => {
  const access = await load(
    kubeconfig({ cluster: { 'certificate-authority-data': base64(one.cert) }, user: { token: 'abc' } }),
  )
  t.match(access, {
    server: 'https://10.0.0.1:6443',
    namespace: 'velero',
    ca: one.cert,
    inCluster: false,
    skipTlsVerify: false,
    warnings: [],
  })
  t.same(await access.auth(), { authorization: 'Bearer abc' })
})

t.test(
  'files in a kubeconfig are found from its folder, and a pair of certificate and key must match',
  async (t) => {
    const text = kubeconfig({
      cluster: { 'certificate-authority': 'ca.crt' },
      user: { 'client-certificate': '../c.crt', 'client-key': '/abs/c.key' },
    })
    const files = { '/etc/k/ca.crt': one.cert, '/etc/c.crt': one.cert, '/abs/c.key': one.key }
    t.same(await (await load(text, files)).auth(), { cert: one.cert, key: one.key })
    await t.rejects(load(text, { ...files, '/abs/c.key': other.key }), {
      code: 'BAD_PEM',
      message: /another/,
    })
  },
)

t.test('a token file is read again, at most once a minute or when the API server said 401', async (t) => {
  const files: Files = { '/etc/k/token': 'one\n' }
  const clock = new FakeClock()
  const options = given(files, { kubeconfigPath: '/etc/k/config', clock })
  files['/etc/k/config'] = kubeconfig({ user: { tokenFile: 'token' } })
  const access = await loadClusterAccess({ ...options })
  files['/etc/k/token'] = 'two'
  t.match(await access.auth(), { authorization: 'Bearer one' })
  t.match(await access.auth(true), { authorization: 'Bearer two' })
  delete files['/etc/k/token']
  await clock.pass(60_000)
  t.match(
    await access.auth(),
    { authorization: 'Bearer two' },
    'a file that is away for a moment keeps the former token',
  )
  files['/etc/k/token'] = 'three'
  await clock.pass(60_000)
  t.match(await access.auth(), { authorization: 'Bearer three' })
})

t.test('impersonation, basic credentials and tls-server-name are taken over', async (t) => {
  const user = {
    username: 'a',
    password: 'b',
    as: 'bob',
    'as-groups': ['g', 7],
    'as-user-extra': { scopes: ['s'] },
  }
  const access = await load(kubeconfig({ cluster: { 'tls-server-name': 'kube' }, user }))
  t.match(access, { serverName: 'kube', actAs: { user: 'bob', groups: ['g'], extra: { scopes: ['s'] } } })
  t.same(await access.auth(), { authorization: `Basic ${base64('a:b')}` })
})

t.test(
  'skipping the check of certificates happens only where the kubeconfig says so, with a warning',
  async (t) => {
    const access = await load(kubeconfig({ cluster: { 'insecure-skip-tls-verify': true } }))
    t.equal(access.skipTlsVerify, true)
    t.match(access.warnings[0], /insecure-skip-tls-verify/)
  },
)

t.test('several files are merged: who says a thing first has said it', async (t) => {
  const files = {
    '/a': JSON.stringify({ users: [{ name: 'u', user: { token: 'first' } }] }),
    '/b': kubeconfig({ user: { token: 'second' } }),
  }
  const access = await loadClusterAccess(given(files, { env: { KUBECONFIG: '/nowhere:/a:/b' } }))
  t.same(await access.auth(), { authorization: 'Bearer first' })
})

t.test('in a pod the service account counts, before the kubeconfig of the home folder', async (t) => {
  const files: Files = {
    [`${account}/token`]: 'sa\n',
    [`${account}/ca.crt`]: one.cert,
    [`${account}/namespace`]: 'tidewaiter\n',
  }
  const clock = new FakeClock()
  const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443', HOME: '/root' }
  const access = await loadClusterAccess(given(files, { env, clock }))
  t.match(access, {
    server: 'https://[fd00::1]:443',
    namespace: 'tidewaiter',
    inCluster: true,
    skipTlsVerify: false,
  })
  t.same(await access.auth(), { authorization: 'Bearer sa', ca: one.cert })
  files[`${account}/token`] = 'rotated'
  t.match(await access.auth(), { authorization: 'Bearer sa' })
  await clock.pass(60_000)
  t.match(await access.auth(), { authorization: 'Bearer rotated' })
  files[`${account}/token`] = 'half\nwritten'
  await clock.pass(60_000)
  t.match(await access.auth(), { authorization: 'Bearer rotated' }, 'a token that cannot be one is not used')
})

t.test('the home folder is looked at last', async (t) => {
  const access = await loadClusterAccess(
    given({ '/home/me/.kube/config': kubeconfig() }, { env: { HOME: '/home/me' } }),
  )
  t.equal(access.server, 'https://10.0.0.1:6443')
})

t.test(
  'an exec plugin is asked for credentials, and started anew after a 401 at most once a minute',
  async (t) => {
    let starts = 0
    const loadPlugin: PluginLoader = async () => {
      const token = `t${++starts}`
      return async () => ({ headers: { Authorization: `Bearer ${token}` } })
    }
    const clock = new FakeClock()
    const text = kubeconfig({ user: { exec: { command: 'aws' } } })
    const access = await load(text, {}, { loadPlugin, clock })
    t.equal(starts, 0, 'nothing is run before it is needed')
    t.same(await access.auth(), { authorization: 'Bearer t1' })
    t.same(await access.auth(true), { authorization: 'Bearer t1' })
    await clock.pass(60_000)
    t.same(await access.auth(true), { authorization: 'Bearer t2' })
  },
)

t.test('an exec plugin that hangs or fails is told with its name', async (t) => {
  const clock = new FakeClock()
  const text = kubeconfig({ user: { exec: { command: 'aws' } } })
  const failing = await load(
    text,
    {},
    { clock, loadPlugin: async () => () => Promise.reject(new Error('no session')) },
  )
  await t.rejects(failing.auth(), { code: 'PLUGIN_FAILED', message: /"aws".*no session/ })
  const hanging = await load(text, {}, { clock, loadPlugin: async () => () => new Promise(() => {}) })
  const asked = t.rejects(hanging.auth(), { code: 'PLUGIN_FAILED' })
  await clock.pass(120_000)
  await asked
  const empty = await load(text, {}, { clock, loadPlugin: async () => async () => ({}) })
  await t.rejects(empty.auth(), { code: 'PLUGIN_FAILED', message: /neither/ })
})

t.test(
  'a real exec plugin is run by client-node, from the folder of the kubeconfig and with KUBERNETES_EXEC_INFO',
  whenThorough,
  async (t) => {
    const folder = t.testdir({ 'plugin.mjs': '' })
    const script =
      'const i = JSON.parse(process.env.KUBERNETES_EXEC_INFO); console.log(JSON.stringify({ ...i, status: { token: i.kind } }))'
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: ['-e', script],
      env: [{ name: 'A', value: 'b' }],
    }
    const access = await loadClusterAccess(
      given({ [`${folder}/config`]: kubeconfig({ user: { exec } }) }, { kubeconfigPath: `${folder}/config` }),
    )
    t.same(await access.auth(), { authorization: 'Bearer ExecCredential' })
  },
)

/** Eight lists, each of nine of the one before: 43 million words when written out. */
const bomb = Array.from(
  { length: 8 },
  (_, n) => `k${n}: &k${n} [${`${n === 0 ? 'x' : `*k${n - 1}`},`.repeat(9)}]`,
).join('\n')

const refused: Record<string, { text: string; code: string; message: RegExp }> = {
  'text that is no YAML': { text: 'a: [', code: 'NOT_YAML', message: /config must be a kubeconfig/ },
  'YAML that is no kubeconfig': { text: '- a', code: 'NOT_YAML', message: /a list/ },
  'aliases that would fill the memory': {
    text: bomb,
    code: 'NOT_YAML',
    message: /alias/i,
  },
  'no current-context': {
    text: kubeconfig({ 'current-context': '' }),
    code: 'NO_CONTEXT',
    message: /contexts "x", got none; run kubectl/,
  },
  'a context that is not there': {
    text: kubeconfig({ 'current-context': 'y' }),
    code: 'NO_CONTEXT',
    message: /got "y"/,
  },
  'a cluster that is not there': {
    text: kubeconfig({ clusters: [] }),
    code: 'NO_CLUSTER',
    message: /there are none/,
  },
  'a user that is not there': { text: kubeconfig({ users: 'u' }), code: 'NO_USER', message: /got "u"/ },
  'a server that is no address': {
    text: kubeconfig({ cluster: { server: 'ftp://x' } }),
    code: 'BAD_SERVER',
    message: /"ftp:\/\/x"/,
  },
  'an authority that is not base64': {
    text: kubeconfig({ cluster: { 'certificate-authority-data': '%%' } }),
    code: 'BAD_PEM',
    message: /certificate-authority-data of "c".*base64/,
  },
  'an authority that is no PEM': {
    text: kubeconfig({ cluster: { 'certificate-authority-data': base64('hello') } }),
    code: 'BAD_PEM',
    message: /got "hello"/,
  },
  'a certificate that is damaged': {
    text: kubeconfig({
      cluster: {
        'certificate-authority-data': base64(one.cert.replace(/\r?\n[A-Za-z0-9+/]{10}/, '\nAAAAAAAAAA')),
      },
    }),
    code: 'BAD_PEM',
    message: /number 1 cannot/,
  },
  'an authority that is not there': {
    text: kubeconfig({ cluster: { 'certificate-authority': 'ca' } }),
    code: 'UNREADABLE',
    message: /\/etc\/k\/ca/,
  },
  'a key without a certificate': {
    text: kubeconfig({ user: { 'client-key-data': 'eA==' } }),
    code: 'BAD_PEM',
    message: /without a client-certificate/,
  },
  'a key that is none': {
    text: kubeconfig({ user: { 'client-key-data': 'eA==', 'client-certificate-data': base64(one.cert) } }),
    code: 'BAD_PEM',
    message: /passphrase/,
  },
  'a token that would write a header': {
    text: kubeconfig({ user: { token: 'a\nb: c' } }),
    code: 'BAD_TOKEN',
    message: /one line/,
  },
  'a proxy': {
    text: kubeconfig({ cluster: { 'proxy-url': 'http://p' } }),
    code: 'UNSUPPORTED',
    message: /proxy-url/,
  },
}
for (const [name, { text, code, message }] of Object.entries(refused)) {
  t.test(`${name} is refused, and the error says what to do`, async (t) => {
    await t.rejects(load(text), { code, message })
  })
}

t.test('nothing anywhere is told as such', async (t) => {
  await t.rejects(loadClusterAccess(given({})), { code: 'NO_CONFIG', message: /--kubeconfig/ })
  await t.rejects(loadClusterAccess(given({}, { kubeconfigPath: '/x' })), {
    code: 'NO_CONFIG',
    message: /\/x/,
  })
  const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' }
  await t.rejects(loadClusterAccess(given({}, { env })), {
    code: 'UNREADABLE',
    message: /automountServiceAccountToken/,
  })
  const readFile = () => Promise.reject(Object.assign(new Error('EACCES'), { code: 'EACCES' }))
  await t.rejects(loadClusterAccess(given({}, { kubeconfigPath: '/x', readFile })), { code: 'UNREADABLE' })
})
