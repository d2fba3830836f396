import t from 'tap'
import { knownVariables, parseConfig } from '../src/config.ts'
import { knobs, variableOf } from '../src/knobs.ts'

t.test('every knob has its default when nothing is said', async (t) => {
  const config = parseConfig({}, {})
  t.match(config, {
    veleroNamespaces: ['velero'],
    veleroServiceAccounts: ['velero', 'velero-server'],
    roles: ['webhook', 'controller'],
    listen: { host: '', port: 9443 },
    metricsListen: { host: '', port: 8080 },
    dashboardListen: { host: '127.0.0.1', port: 8081 },
    tls: 'self',
    egressAllow: [],
    drainSeconds: 8,
    logLevel: 'info',
    namespace: 'tidewaiter',
    serviceName: 'tidewaiter',
  })
  t.equal(config.webhookUrl, undefined)
  t.ok(Object.isFrozen(config))
})

t.test('a flag beats the environment, the environment beats the default', async (t) => {
  const env = { TIDEWAITER_LOG_LEVEL: 'warn', TIDEWAITER_DRAIN_SECONDS: '0' }
  t.match(parseConfig({ 'log-level': 'debug' }, env), { logLevel: 'debug', drainSeconds: 0 })
  t.equal(parseConfig({}, env).logLevel, 'warn')
  t.match(parseConfig({}, { POD_NAMESPACE: 'ours', POD_NAME: 'p', TIDEWAITER_SERVICE: 's' }), {
    namespace: 'ours',
    podName: 'p',
    serviceName: 's',
  })
})

t.test('lists come repeated or with commas, and twice the same is once', async (t) => {
  t.same(parseConfig({ 'velero-namespace': ['a', 'b'] }, {}).veleroNamespaces, ['a', 'b'])
  t.same(parseConfig({ 'velero-namespace': ' a ,b,,a' }, {}).veleroNamespaces, ['a', 'b'])
  t.same(parseConfig({ roles: 'webhook,webhook' }, {}).roles, ['webhook'])
  t.same(parseConfig({}, { TIDEWAITER_EGRESS_ONLY: '*.shop.svc, 10.0.0.0/8' }).egressOnly, [
    '*.shop.svc',
    '10.0.0.0/8',
  ])
})

for (const [text, want] of Object.entries({
  ':0': { host: '', port: 0 },
  '127.0.0.1:1': { host: '127.0.0.1', port: 1 },
  '[::1]:65535': { host: '::1', port: 65_535 },
})) {
  t.test(`an address to listen on: ${text}`, async (t) => {
    t.same(parseConfig({ listen: text }, {}).listen, want)
  })
}

t.test('a webhook URL is an origin', async (t) => {
  for (const url of ['https://127.0.0.1:9443', 'https://127.0.0.1:9443/', 'https://[::1]:9443'])
    t.equal(parseConfig({ 'webhook-url': url }, {}).webhookUrl, url.replace(/\/$/, ''))
})

t.test('everything that is wrong is told at once, and where it came from', async (t) => {
  const flags = { listen: '9443', roles: 'cook', tls: 'files', 'tls-key': 'k' }
  const env = { TIDEWAITER_LOG_LEVEL: 'loud', TIDEWAITER_LISTEN: ':1' }
  t.throws(() => parseConfig(flags, env, () => ['and another']), {
    code: 'BAD_FLAG',
    problems: [
      '--roles must be one of webhook, controller, dashboard, got "cook"',
      '--listen must be [HOST]:PORT, got "9443"',
      '--log-level must be one of debug, info, warn, error, got "loud" (from TIDEWAITER_LOG_LEVEL)',
      '--tls-cert must name a file with --tls files, got nothing',
      'and another',
    ],
  })
})

for (const [flag, texts] of Object.entries({
  'velero-namespace': ['', 'Velero', 'a/b', 'a'.repeat(64), '-a'],
  roles: ['', 'webhook,sandbox'],
  listen: ['', '9443', ':x', ':65536', 'a:b:1', '[::1]'],
  'proxy-domain': ['images', 'https://images.acme.test', 'images.acme.test/a', 'images.acme.test:port'],
  'webhook-url': ['http://a', 'a', 'https://a/b', 'https://u:p@a', 'https://a/?q', 'https://a/#f'],
  tls: ['none'],
  'egress-proxy': [
    'proxy:3128',
    'https://a',
    'http://a/b',
    'http://a/?q',
    'http://%zz@a',
    'http://a:70000',
    'a b',
  ],
  'drain-seconds': ['', '-1', '1.5', '61', '1e1', 'NaN', '0x10'],
  'hold-max-seconds': ['86401'],
  'stuck-after-seconds': ['many'],
  'log-level': ['loud'],
})) {
  for (const text of texts) {
    t.test(`--${flag} "${text}" is refused by name`, async (t) => {
      t.throws(() => parseConfig({ [flag]: text }, {}), {
        code: 'BAD_FLAG',
        message: new RegExp(`^--${flag} must `),
      })
    })
  }
}

t.test('--tls files needs its files', async (t) => {
  const files = { tls: 'files', 'tls-cert': 'c', 'tls-key': 'k', 'tls-ca': 'a' }
  t.match(parseConfig(files, {}), { tls: 'files', tlsCert: 'c', tlsKey: 'k', tlsCa: 'a' })
  for (const missing of ['tls-cert', 'tls-key'])
    t.throws(() => parseConfig({ ...files, [missing]: '' }, {}), { code: 'BAD_FLAG' })
})

t.test('a proxy has a host, a port, perhaps a user; and the hosts that it is for', async (t) => {
  const proxy = (url: string) => parseConfig({ 'egress-proxy': url, 'egress-proxy-for': 'a' }, {}).egressProxy
  t.same(proxy('http://proxy.test:3128'), { host: 'proxy.test', port: 3128, authorization: undefined })
  t.same(proxy('http://[::1]/'), { host: '::1', port: 80, authorization: undefined })
  // Basic u:p:ä, in UTF-8 (RFC 7617).
  t.match(proxy('http://u:p%3A%C3%A4@proxy.test'), { authorization: 'Basic dTpwOsOk' })
  for (const one of ['egress-proxy', 'egress-proxy-for'])
    t.throws(() => parseConfig({ [one]: 'http://a' }, {}), {
      code: 'BAD_FLAG',
      problems: ['--egress-proxy and --egress-proxy-for must be given together, got one of them'],
    })
})

t.test('the password of a proxy is not shown, whatever is wrong with its URL', async (t) => {
  for (const url of [
    'http://u:topsecret@a/b',
    'u:topsecret@a',
    'http://u:topsecret%zz@a',
    'https://u:topsecret@a',
  ])
    t.throws(() => parseConfig({ 'egress-proxy-for': 'a' }, { TIDEWAITER_EGRESS_PROXY: url }), {
      code: 'BAD_FLAG',
      problems: [/^--egress-proxy must be http:(?!.*topsecret)/],
    })
})

t.test('every knob says what it is for, and has a variable of its own', async (t) => {
  t.equal(variableOf('velero-namespace'), 'TIDEWAITER_VELERO_NAMESPACE')
  t.equal(new Set(knobs.map(({ flag }) => flag)).size, knobs.length)
  for (const { flag, doc } of knobs) {
    t.ok(doc.length > 10, flag)
    t.ok(knownVariables.includes(variableOf(flag)), flag)
  }
})
