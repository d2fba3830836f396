/** `plan`: without a cluster, against an API server, and held to what a real dry run is answered. */
import { readFileSync } from 'node:fs'
import { createServer as createPlain, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createSecure } from 'node:tls'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parse, stringify } from 'yaml'
import { eventually } from '../support/asking.ts'
import { keyLeaseName } from '../../src/core/hold/exclusive.ts'
import { hash } from '../../src/wiring/crypto.ts'
import { account, granted, mayUseAccount } from '../support/accounts.ts'
import { anActionObject, type ActionGiven } from '../support/build.ts'
import { cli, golden, type CliSetting } from '../support/cli.ts'
import { madeAt, standingAt, startKept } from '../support/kept-cluster.ts'
import { mint } from '../kube/minted.ts'

const utf8 = { LANG: 'C.UTF-8' }
const narrow = { columns: 40, env: { ...utf8, NO_COLOR: '1' } }

/** A manifest, as people write it: only what is said. */
const action = (name: string, spec: Readonly<Record<string, unknown>>) => ({
  apiVersion: 'tidewaiter.io/v1beta1',
  kind: 'Action',
  metadata: { name },
  spec: { stage: 'PreBackup', http: { url: 'https://quiesce.example/freeze' }, ...spec },
})
const velero = (kind: string, name: string, more: Readonly<Record<string, unknown>> = {}) => ({
  apiVersion: 'velero.io/v1',
  kind,
  metadata: { name },
  spec: {},
  ...more,
})
const manifests = (...all: readonly unknown[]): string => all.map((one) => stringify(one)).join('---\n')

const freeze = action('10-freeze-shop', {
  match: { includedNamespaces: ['shop-*'] },
  timeoutSeconds: 20,
  exclusive: 'shop',
  undo: { http: { url: 'https://quiesce.example/thaw' } },
  undoAt: 'Always',
  http: {
    url: 'https://quiesce.example/freeze/${backup.metadata.name}',
    headers: [{ name: 'Authorization', valueFrom: { secretKeyRef: { name: 'quiesce', key: 'token' } } }],
    body: {
      backup: '${backup.metadata.name}',
      where: '${backup.spec.storageLocation}',
      list: 'x'.repeat(400),
    },
  },
})
const verify = action('20-verify', {
  timeoutSeconds: 5,
  onError: 'Continue',
  http: { method: 'GET', url: "https://quiesce.example/lsn/${outputs['10-freeze-shop'].lsn}" },
})
const nightlyOnly = action('30-nightly', { match: { scheduleNames: ['nightly'] }, timeoutSeconds: 3 })
const labelled = action('40-gold', { match: { selector: { matchLabels: { tier: 'gold' } } } })
const payroll = action('60-payroll', {
  match: { includedNamespaces: ['payroll'] },
  mode: 'Refuse',
  timeoutSeconds: 28,
})
const asleep = action('50-asleep', { suspend: true })
const resume = action('90-resume-shop', {
  stage: 'PostBackup',
  when: ['Completed', 'FailedValidation', 'Deleted'],
  http: { url: 'https://quiesce.example/resume', body: { phase: '${backup.status.phase}' } },
})
const report = action('95-report', {
  stage: 'PostBackup',
  dryRun: true,
  http: { url: 'https://quiesce.example/report', body: '${backup.status.progress.totalItems}' },
})
const stop = action('10-stop', {
  stage: 'PreRestore',
  match: { expression: "restore.spec.backupName.startsWith('shop')" },
})
const shopActions = manifests(freeze, verify, nightlyOnly, labelled, asleep, payroll, resume, report, stop)

const shopBackup = velero('Backup', 'shop-1', {
  metadata: { name: 'shop-1', annotations: { '20-verify/prebackup': 'skip', 'tidewaiter.io/post': '{}' } },
  spec: { includedNamespaces: ['shop-eu'] },
})
const nightly = velero('Schedule', 'nightly', {
  metadata: { name: 'nightly', labels: { tier: 'gold' } },
  spec: { schedule: '0 3 * * *', template: { includedNamespaces: ['shop-eu'], storageLocation: 'eu' } },
})
const restore = velero('Restore', 'r1', { spec: { backupName: 'bank-1' } })
const tooLong = velero('Backup', 'payroll-1', { spec: { includedNamespaces: ['payroll'] } })
const allSubjects = manifests(shopBackup, nightly, restore, tooLong)

/** Plans files, at a time that stands still. */
function offline(
  t: Test,
  files: Readonly<Record<string, string>>,
  { args = [], ...given }: CliSetting & { readonly args?: readonly string[] } = {},
) {
  const dir = t.testdir({ ...files })
  const flags = ['-f', join(dir, 'b.yaml'), '--actions', join(dir, 'a.yaml'), ...args]
  const setting = { clock: standingAt(madeAt), env: utf8, ...given }
  return cli(['plan', ...flags], setting).then((seen) => ({
    ...seen,
    out: seen.out.replaceAll(dir, 'DIR'),
    err: seen.err.replaceAll(dir, 'DIR'),
  }))
}

t.test('what a plan prints, piped and on narrow terminals', async (t) => {
  const files = { 'a.yaml': shopActions, 'b.yaml': allSubjects }
  const shown: Readonly<Record<string, CliSetting & { readonly args?: readonly string[] }>> = {
    plan: {},
    'plan-wide': { args: ['-o', 'wide'] },
    'plan-json': { args: ['-o', 'json'] },
    'plan-name': { args: ['-o', 'name'] },
    'plan-40': narrow,
    'plan-ascii': { env: { LANG: 'C' } },
  }
  for (const [name, given] of Object.entries(shown)) {
    const { out, err, code } = await offline(t, files, given)
    t.same({ err, code }, { err: '', code: 1 }, 'one of them is over budget')
    golden(t, name, out)
  }
  const { out } = await offline(t, files, narrow)
  t.same(
    out.split('\n').filter((line) => Array.from(line).length > 40),
    [],
  )
  t.same(
    parse((await offline(t, files, { args: ['-o', 'yaml'] })).out),
    JSON.parse((await offline(t, files, { args: ['-o', 'json'] })).out),
  )
})

const replay = action('10-replay', {
  stage: 'PreRestore',
  http: { url: "https://db.example/${exported['10-a'].lsn}" },
})

type Judged = {
  readonly actions: readonly unknown[]
  readonly subject: unknown
  readonly code: number
  readonly want: object
}
const judged: Readonly<Record<string, Judged>> = {
  'nothing matches: as without tidewaiter': {
    actions: [labelled],
    subject: velero('Backup', 'b'),
    code: 0,
    want: { admitted: true, reason: 'NoActionMatches', before: [], after: [] },
  },
  'an expression that fails refuses, and is told': {
    actions: [action('a', { match: { expression: 'backup.spec.nope == 1' } })],
    subject: velero('Backup', 'b'),
    code: 1,
    want: {
      admitted: false,
      reason: 'MatchFailed',
      message: /match expression of PreBackup action "a" failed: no such key: nope/,
      leftOut: [{ name: 'a', reason: 'MatchFailed', because: /no such key: nope/ }],
    },
  },
  'an expression that gives no truth value does too': {
    actions: [action('a', { match: { expression: "backup.metadata.labels['x']" } })],
    subject: velero('Backup', 'b', { metadata: { name: 'b', labels: { x: 'y' } } }),
    code: 1,
    want: { reason: 'MatchFailed', message: /must give true or false, got string/ },
  },
  'more seconds than an admission has hold it, and no budget is told': {
    actions: [action('a', { timeoutSeconds: 28 }), action('b', { timeoutSeconds: 1 })],
    subject: velero('Backup', 'b'),
    code: 0,
    want: {
      admitted: true,
      held: 'a, b may take 29 s, an admission request has 28 s',
      budget: undefined,
      before: [{ does: 'call' }, { does: 'call' }],
    },
  },
  'what a Schedule makes is held': {
    actions: [action('a', {})],
    subject: velero('Schedule', 's', { spec: { schedule: '0 3 * * *', template: {} } }),
    code: 0,
    want: { admitted: true, schedule: 's', held: 'a Schedule made it' },
  },
  'an undo has a key by itself, and runs if the object never starts unless told': {
    actions: [action('a', { undo: { http: { url: 'https://a.example/' } } })],
    subject: velero('Backup', 'b'),
    code: 0,
    want: { before: [{ exclusive: 'a', undoAt: 'Abort' }] },
  },
  'an action may ask for the hold': {
    actions: [action('a', { mode: 'Hold' })],
    subject: velero('Backup', 'b'),
    code: 0,
    want: { admitted: true, held: 'a says mode: Hold' },
  },
  'an action that exports is held, and what it exports is told': {
    actions: [
      action('a', { outputs: [{ name: 'lsn', expression: 'response.body.lsn', export: true }] }),
      action('b', {}),
    ],
    subject: velero('Backup', 'b'),
    code: 0,
    want: { held: 'a exports outputs', before: [{ exports: ['lsn'] }, { exports: undefined }] },
  },
  'a Restore whose Backup is in no file cannot be rendered with what that exported': {
    actions: [replay],
    subject: velero('Restore', 'r', { spec: { backupName: 'b1' } }),
    code: 1,
    want: {
      reason: 'CannotRender',
      message: /its Backup is in none of the files/,
      exported: { backup: 'b1', problem: /none of the files/ },
    },
  },
  'more seconds than an admission has are refused with mode Refuse, and each action is still rendered': {
    actions: [action('a', { timeoutSeconds: 28, mode: 'Refuse' }), action('b', { timeoutSeconds: 1 })],
    subject: velero('Backup', 'b'),
    code: 1,
    want: {
      reason: 'OverBudget',
      message: /may take 29 s together, an admission request has 28 s/,
      budget: { wantedSeconds: 29, leftSeconds: 28.5 },
      before: [
        { name: 'a', does: 'call' },
        { name: 'b', does: 'call' },
      ],
    },
  },
  'what cannot be rendered before it refuses; the others are still shown': {
    actions: [
      action('a', { http: { url: 'https://a.example/${backup.spec.nope}' } }),
      action('b', { http: { url: 'https://b.example/' } }),
    ],
    subject: velero('Backup', 'b'),
    code: 1,
    want: {
      reason: 'CannotRender',
      message: /PreBackup action "a" could not run: .*no such key: nope/,
      before: [{ does: 'fail', calls: 'POST https://a.example/${backup.spec.nope}' }, { does: 'call' }],
    },
  },
  'what cannot be rendered after it refuses nothing: the end may bring it': {
    actions: [report],
    subject: velero('Backup', 'b'),
    code: 0,
    want: { admitted: true, after: [{ name: '95-report', does: 'fail', dryRun: true }] },
  },
  'an object that has run already starts nothing': {
    actions: [freeze, verify],
    subject: velero('Backup', 'b', { status: { phase: 'Completed' } }),
    code: 0,
    want: { admitted: true, reason: 'NotStarting', before: [] },
  },
  'annotations of ours that a person brings are taken off, a hold too where there is nothing to wait for': {
    actions: [verify],
    subject: velero('Backup', 'b', {
      metadata: { name: 'b', annotations: { 'tidewaiter.io/pre': '{}', 'tidewaiter.io/hold': '' } },
    }),
    code: 0,
    want: { admitted: true, held: undefined, takenOff: ['tidewaiter.io/pre', 'tidewaiter.io/hold'] },
  },
  'all in the namespace of the object, and none of another': {
    actions: [{ ...verify, metadata: { name: 'x', namespace: 'other' } }],
    subject: velero('Backup', 'b'),
    code: 0,
    want: { reason: 'NoActionMatches', leftOut: [] },
  },
  'a Backup whose name the API server makes': {
    actions: [verify],
    subject: velero('Backup', '', { metadata: { generateName: 'b-' } }),
    code: 0,
    want: { name: 'b-xxxxx' },
  },
}
for (const [name, { actions, subject, code, want }] of Object.entries(judged))
  t.test(`a plan is judged as the admission judges: ${name}`, async (t) => {
    const files = { 'a.yaml': manifests(...actions), 'b.yaml': manifests(subject) }
    const seen = await offline(t, files, { args: ['-o', 'json'] })
    t.match(seen.err, /^(DIR\/a.yaml:\d+: warning: .*\n)?$/)
    t.match(JSON.parse(seen.out).plans[0], want)
    t.equal(seen.code, code)
  })

t.test('what a scale and a wait would do is printed, with the account', async (t) => {
  const aim = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' }
  const of = (name: string, body: object) =>
    action(name, { http: undefined, mode: 'Auto', serviceAccountName: 'shop-scaler', ...body })
  const actions = manifests(
    of('10-a', { scale: { ...aim, replicas: 0 } }),
    of('20-b', { wait: { ...aim, until: 'object.status.replicas == 0' } }),
  )
  const { out, code } = await offline(t, { 'a.yaml': actions, 'b.yaml': manifests(velero('Backup', 'b')) })
  t.equal(code, 0)
  t.match(out, /scale apps\/v1 Deployment shop\/web to 0\n +As: ServiceAccount velero\/shop-scaler\n/)
  t.match(out, /wait for apps\/v1 Deployment shop\/web\n +As: .*\n +until object\.status\.replicas == 0\n/)
})

t.test(
  'Schedules, Backups and storage locations of the files are seen as if they were in the cluster',
  async (t) => {
    const actions = manifests(
      action('a', { stage: 'PreRestore', match: { scheduleNames: ['nightly'] } }),
      action('b', { match: { expression: "backup.spec.storageLocation == 'eu'" } }),
    )
    const location = velero('BackupStorageLocation', 'eu', { spec: { default: true } })
    const made = velero('Backup', 'nightly-1', {
      metadata: { name: 'nightly-1', labels: { 'velero.io/schedule-name': 'nightly' } },
    })
    const list = {
      apiVersion: 'v1',
      kind: 'List',
      items: [velero('Restore', 'r', { spec: { backupName: 'nightly-1' } }), made],
    }
    const { out } = await offline(
      t,
      { 'a.yaml': actions + '---\n' + stringify(location), 'b.yaml': manifests(list) },
      { args: ['-o', 'json'] },
    )
    t.match(JSON.parse(out).plans, [
      { kind: 'Restore', before: [{ name: 'a' }] },
      { kind: 'Backup', before: [{ name: 'b' }] },
    ])
  },
)

t.test(
  'a skip in a Schedule counts for its Backups, with the labels and annotations of its template',
  async (t) => {
    const schedule = velero('Schedule', 's', {
      metadata: { name: 's', labels: { tier: 'lead' }, annotations: { '20-verify/prebackup': 'skip' } },
      spec: { template: { metadata: { labels: { tier: 'gold' } } } },
    })
    const files = { 'a.yaml': manifests(verify, labelled), 'b.yaml': manifests(schedule) }
    const { out } = await offline(t, files, { args: ['-o', 'json'] })
    t.match(JSON.parse(out).plans[0], {
      kind: 'Backup',
      name: 's-20260131030000',
      schedule: 's',
      before: [
        { name: '20-verify', does: 'skip' },
        { name: '40-gold', does: 'call' },
      ],
      skips: ['20-verify/prebackup=skip'],
    })
  },
)

const wrong: Readonly<
  Record<string, { readonly files: Readonly<Record<string, string>>; readonly says: RegExp }>
> = {
  'an Action that cannot work, each problem with its line': {
    files: {
      'a.yaml': manifests(
        verify,
        action('b', { timeoutSeconds: 9999, retries: 1 }),
        action('c', { match: { expression: 'nope' } }),
      ),
      'b.yaml': manifests(velero('Backup', 'b')),
    },
    says: /a.yaml:22: spec.retries must not be given.*\nDIR\/a.yaml:21: spec.timeoutSeconds must .*, got 9999\nDIR\/a.yaml:33: spec.match.expression must be a CEL expression.*\ntidewaiter: no plan: mend these 3 problems/s,
  },
  'an Action given twice': {
    files: { 'a.yaml': manifests(verify, verify), 'b.yaml': manifests(velero('Backup', 'b')) },
    says: /a.yaml:\d+: metadata.name must be given once, got the Action velero\/20-verify again/,
  },
  'a file in which nothing is planned for': {
    files: { 'a.yaml': manifests(verify), 'b.yaml': manifests({ kind: 'Pod' }) },
    says: /b.yaml:1: must hold a Backup, a Restore or a Schedule .*, and holds none/,
  },
  'a Backup without a name': {
    files: {
      'a.yaml': manifests(verify),
      'b.yaml': 'apiVersion: velero.io/v1\nkind: Backup\nmetadata: {}\n',
    },
    says: /b.yaml:3: metadata.name must be given/,
  },
  'what is no YAML': {
    files: { 'a.yaml': manifests(verify), 'b.yaml': 'a: [\n' },
    says: /b.yaml:\d+: the YAML cannot be read/,
  },
}
for (const [name, { files, says }] of Object.entries(wrong))
  t.test(`there is no plan for ${name}`, async (t) => {
    const { out, err, code } = await offline(t, files)
    t.same({ out, code }, { out: '', code: 1 })
    t.match(err, says)
  })

t.test('what would be patched is shown with the account, and nobody is asked for it', async (t) => {
  const stopWriters = readFileSync('examples/stop-writers/action.yaml', 'utf8')
  const subject = velero('Backup', 'shop-1', { spec: { includedNamespaces: ['shop'] } })
  const { out, err, code } = await offline(t, { 'a.yaml': stopWriters, 'b.yaml': manifests(subject) })
  t.same({ err, code }, { err: '', code: 0 })
  t.match(out, 'PATCH apps/v1 Deployment shop/*[writes=yes]')
  t.match(out, 'As: ServiceAccount velero/shop-quiescer')
  t.match(out, '"shop.example/stopped-for":"shop-1"')
})

t.test('an expression that is most likely wrong is told, and hinders nothing', async (t) => {
  const files = {
    'a.yaml': manifests(action('a', { match: { expression: 'has(backup.spec.storageLocatin)' } })),
    'b.yaml': manifests(velero('Backup', 'b')),
  }
  const { err, code } = await offline(t, files)
  t.match(err, /^DIR\/a.yaml:\d+: warning: spec.match.expression: .*did you mean storageLocation/)
  t.equal(code, 0)
})

const misspelt: Readonly<Record<string, { readonly subject: unknown; readonly says: string }>> = {
  Backup: {
    subject: velero('Backup', 'b', { spec: { includedNamespace: ['shop'] } }),
    says: 'spec.includedNamespace is no field of Velero 1.18 (did you mean includedNamespaces?)',
  },
  Restore: {
    subject: velero('Restore', 'r', { spec: { backupNam: 'b', labelSelector: { matchLabel: {} } } }),
    says: 'spec.backupNam is no field of Velero 1.18 (did you mean backupName?)',
  },
  Schedule: {
    subject: velero('Schedule', 's', { spec: { schedule: '@daily', template: { tll: '1h' } } }),
    says: 'spec.template.tll is no field of Velero 1.18 (did you mean ttl?)',
  },
}
for (const [kind, { subject, says }] of Object.entries(misspelt))
  t.test(
    `without a cluster a field of a ${kind} that Velero is not known to have is a warning`,
    async (t) => {
      const files = { 'a.yaml': manifests(verify), 'b.yaml': manifests(subject) }
      const { err, code } = await offline(t, files)
      t.match(err, new RegExp(`^DIR/b.yaml:\\d+: warning: ${says.replaceAll(/[.()?]/g, '\\$&')}\n`))
      t.equal(code, 0)
    },
  )

for (const [line, want] of Object.entries({
  plan: /-f must name a file, a folder, or - for stdin, got nothing/,
  'plan -f - --actions -': /- must be given once/,
  'plan -f x -o csv': /-o must be table, wide, json, yaml or name/,
  'plan -f x y': /plan takes options only, got the word "y"/,
}))
  t.test(`a plan that cannot be meant is usage: ${line}`, async (t) => {
    t.match(await cli(line.split(' ')), { out: '', err: want, code: 2 })
  })

t.test('files that cannot be read end with 4; stdin is read', async (t) => {
  t.match(await cli(['plan', '-f', '/nowhere', '--actions', '/nowhere']), { code: 4, err: /no such file/ })
  const dir = t.testdir({ 'a.yaml': manifests(verify) })
  const stdin = manifests(velero('Backup', 'piped'))
  t.match(await cli(['plan', '-f', '-', '--actions', dir, '-o', 'json'], { stdin }), {
    code: 0,
    out: /"name": "piped"/,
  })
})

// The colours that we write ourselves; without them nothing may be left that a terminal obeys.
const ours = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'gu')

t.test('what a file says is shown, and drives no terminal', async (t) => {
  const name = 'b\u001b[2J\u202e'
  const files = {
    'a.yaml': manifests(
      action('a', { http: { url: 'https://a.example/', body: '${backup.metadata.name}\u009b31m' } }),
    ),
    'b.yaml': manifests(
      velero('Backup', name, { metadata: { name, annotations: { 'a\u0007/prebackup': 'skip' } } }),
    ),
  }
  for (const format of ['table', 'wide', 'json', 'yaml', 'name']) {
    const { out, err } = await offline(t, files, { args: ['-o', format], columns: 60 })
    t.notMatch((out + err).replaceAll(ours, ''), /(?!\n)[\p{Cc}\u202e]/u, format)
  }
})

/** Listens until the test ends; its port. */
async function listening(t: Test, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.teardown(() => new Promise((resolve) => server.close(resolve)))
  return (server.address() as AddressInfo).port
}

t.test('a probe reaches servers, checks their certificates, and sends nothing', async (t) => {
  const { cert, key } = mint()
  const secure = { connections: 0, bytes: 0 }
  const plain = { connections: 0, bytes: 0 }
  const bytes = (seen: typeof plain) => (socket: Socket) =>
    void socket.on('data', (data) => void (seen.bytes += data.length))
  const reached = (seen: typeof plain) => () => void (seen.connections += 1)
  const securePort = await listening(
    t,
    createSecure({ cert, key }, bytes(secure)).on('connection', reached(secure)),
  )
  const plainPort = await listening(t, createPlain(bytes(plain)).on('connection', reached(plain)))
  const closed = createPlain().listen(0, '127.0.0.1')
  await new Promise((resolve) => closed.once('listening', resolve))
  const closedPort = (closed.address() as AddressInfo).port
  await new Promise((resolve) => closed.close(resolve))
  const at = (name: string, url: string, more: object = {}) =>
    action(name, { timeoutSeconds: 1, http: { url, ...more } })
  const good = [
    at('a', `https://127.0.0.1:${securePort}/freeze/\${backup.metadata.name}`, { caBundle: cert }),
    at('b', `http://127.0.0.1:${plainPort}/\${outputs.a.lsn}`),
  ]
  const bad = [
    at('c', `https://127.0.0.1:${securePort}/`),
    at('d', `http://127.0.0.1:${closedPort}/`),
    at('e', 'http://169.254.169.254/latest'),
    at('f', 'https://nowhere.invalid/'),
  ]
  const subject = manifests(velero('Backup', 'b'))
  const probed = (actions: readonly unknown[]) =>
    offline(t, { 'a.yaml': manifests(...actions), 'b.yaml': subject }, { args: ['--probe', '-o', 'json'] })
  const yes = await probed(good)
  t.match(JSON.parse(yes.out).plans[0].probes, [
    {
      what: `https://127.0.0.1:${securePort}`,
      found: 'yes',
      said: /its certificate is good; nothing was sent/,
    },
    { found: 'yes', said: /it is open/ },
  ])
  t.equal(yes.code, 0)
  const no = await probed([...good, ...bad])
  t.match(
    JSON.parse(no.out)
      .plans[0].probes.slice(2)
      .map(({ found, said }: { found: string; said: string }) => `${found} ${said}`),
    [
      /^no .*certificate .* self-signed/,
      /^no .*nothing listens there/,
      /^no .*link-local address/,
      /^no could not look up nowhere.invalid/,
    ],
  )
  t.match(no, { code: 1 })
  t.ok(JSON.parse(no.out).plans[0].admitted, 'it would be admitted, and would then fail')
  t.same([secure.bytes, plain.bytes], [0, 0])
  await eventually('both were reached', () => (secure.connections > 0 && plain.connections > 0) || undefined)
})

/** An Action of a cluster, with the stamp of its author as a person can read it. */
const stamped = (given: ActionGiven) =>
  anActionObject({
    ...given,
    annotations: {
      'tidewaiter.io/author': JSON.stringify({ user: 'alice', groups: ['developers'], spec: 'x', mac: 'x' }),
    },
  })
const secretHeader = (name: string, key: string) => ({
  method: 'POST' as const,
  url: 'https://quiesce.invalid/',
  expectStatus: ['2xx'],
  followRedirects: 0,
  headers: [{ name: 'Authorization', valueFrom: { secretKeyRef: { name, key } } }],
})
const secret = (name: string, labels: Readonly<Record<string, string>>) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: 'velero', labels },
  data: { token: Buffer.from('correct horse battery staple').toString('base64') },
})

/** May look, and no more. */
const viewer = {
  name: 'viewer',
  token: 'token-of-viewer',
  grants: ['velero.io', 'tidewaiter.io'].map((group) => ({
    verbs: ['get', 'list', 'watch'],
    groups: [group],
    resources: ['*'],
    namespaces: ['velero'],
  })),
}

async function inCluster(t: Test, objects: readonly unknown[], subject: unknown) {
  const kept = await startKept(t, objects)
  kept.api.addUser(viewer)
  const dir = t.testdir({ 'b.yaml': manifests(subject) })
  return async (as: string, ...args: readonly string[]) => {
    const kubeconfig = kept.kubeconfig(as)
    return cli(['plan', '-f', join(dir, 'b.yaml'), '--kubeconfig', kubeconfig, ...args], {
      clock: standingAt(madeAt),
      env: utf8,
    })
  }
}

t.test(
  'against the cluster: its Actions, its storage location, and whether this user may skip',
  async (t) => {
    const unadopted = anActionObject({ name: '60-restored' })
    const actions = [
      stamped({
        name: '10-eu',
        timeoutSeconds: 1,
        match: { expression: "backup.spec.storageLocation == 'default'" },
      }),
      unadopted,
    ]
    const skipping = velero('Backup', 'b', {
      metadata: { name: 'b', annotations: { '10-eu/prebackup': 'skip' } },
    })
    const ask = await inCluster(t, actions, skipping)
    const admin = JSON.parse((await ask('admin', '-o', 'json')).out).plans[0]
    t.match(admin, { admitted: true, maySkip: true, before: [{ name: '10-eu', does: 'skip' }] })
    t.match(admin.leftOut, [{ name: '60-restored', reason: 'Unadopted' }])
    const alice = await ask('alice')
    t.equal(alice.code, 1)
    t.notMatch(alice.out, 'Before it starts', 'what was not planned is not called nothing')
    t.match(
      alice.out,
      /^Backup velero\/b: would be refused\n {2}tidewaiter refused Backup velero\/b: alice may not skip actions \(10-eu\/prebackup=skip\)/,
    )
  },
)

t.test(
  'who may not skip may not write it into a Schedule either: the guard says no, although Velero may',
  async (t) => {
    const schedule = velero('Schedule', 's', {
      metadata: { name: 's', annotations: { 'tidewaiter.io/skip-actions': 'migration' } },
      spec: { schedule: '@daily', template: {} },
    })
    const ask = await inCluster(t, [stamped({ name: 'a' })], schedule)
    t.match(await ask('alice'), {
      code: 1,
      out: /the guard would refuse the Schedule: this user may not skip/,
    })
    t.match(await ask('admin'), {
      code: 0,
      out: /skipped by the annotation tidewaiter.io\/skip-actions: migration.*you may skip/s,
    })
  },
)

t.test(
  'a probe of Secrets sees whether they are there, labelled, with the key, and for the author; never a value',
  async (t) => {
    const forActions = { 'tidewaiter.io/for-actions': 'true' }
    const actions = [
      stamped({ name: 'a', timeoutSeconds: 1, http: secretHeader('good', 'token') }),
      stamped({ name: 'b', timeoutSeconds: 1, http: secretHeader('good', 'nokey') }),
      stamped({ name: 'c', timeoutSeconds: 1, http: secretHeader('unlabelled', 'token') }),
      stamped({ name: 'd', timeoutSeconds: 1, http: secretHeader('missing', 'token') }),
    ]
    const ask = await inCluster(
      t,
      [...actions, secret('good', forActions), secret('unlabelled', {})],
      velero('Backup', 'b'),
    )
    const { out, code } = await ask('admin', '--probe', '-o', 'json')
    t.match(JSON.parse(out).plans[0].probes.slice(1), [
      {
        what: 'Secret velero/good, key token',
        found: 'no',
        said: 'alice, the author of the Action, may not get it',
      },
      { found: 'no', said: 'it has no such key, it has token' },
      { found: 'no', said: 'it must carry the label tidewaiter.io/for-actions: "true"' },
      { found: 'no', said: 'there is no such Secret' },
    ])
    t.equal(code, 1)
    t.notMatch(out, /correct horse|Y29ycmVjd/)
    const alice = await ask('alice', '--probe', '-o', 'json')
    t.match(JSON.parse(alice.out).plans[0].probes[1], { found: 'unknown', said: /this user may not look/ })
  },
)

const noFields: Readonly<Record<string, { readonly subject: unknown; readonly says: RegExp }>> = {
  'a field that is not there': {
    subject: velero('Backup', 'b', { spec: { includedNamespace: ['shop'] } }),
    says: /b.yaml:6: the API server refuses the unknown field "spec.includedNamespace" \(did you mean includedNamespaces\?\)\ntidewaiter: no plan: mend this problem, and run again\n$/,
  },
  'two of them, deep in a Schedule': {
    subject: velero('Schedule', 's', {
      spec: { schedule: '@daily', template: { ttll: '1h', hooks: { resource: [] } } },
    }),
    says: /b.yaml:10: .* "spec.template.hooks.resource".*\n.*b.yaml:8: .* "spec.template.ttll" \(did you mean ttl\?\)\n.*these 2 problems/,
  },
  'a value of another type': {
    subject: velero('Restore', 'r', { spec: { backupName: 'b', includedNamespaces: 'shop' } }),
    says: /b.yaml:7: the API server refuses it: spec.includedNamespaces: Invalid value: .* must be of type array/,
  },
}
for (const [name, { subject, says }] of Object.entries(noFields))
  t.test(`against the cluster there is no plan for ${name}: the API server says so`, async (t) => {
    const ask = await inCluster(t, [stamped({ name: 'a' })], subject)
    t.match(await ask('admin'), { out: '', code: 1, err: says })
  })

t.test(
  'what is asked about the fields stores nothing, and who may not create is told that it was not asked',
  async (t) => {
    const ask = await inCluster(t, [stamped({ name: 'a' })], velero('Backup', 'b'))
    t.match(await ask('admin'), { code: 0, err: '' })
    t.match(await ask('admin'), { code: 0, err: '' }, 'the name is still free')
    t.match(await ask('viewer'), {
      code: 0,
      out: /would be admitted/,
      err: /^tidewaiter: warning: whether all fields are known could not be asked: .* 403: backups.velero.io is forbidden/,
    })
  },
)

t.test('a name that is taken is no problem of its fields', async (t) => {
  const taken = velero('Backup', 'b', { metadata: { name: 'b', namespace: 'velero' } })
  const ask = await inCluster(t, [stamped({ name: 'a' }), taken], taken)
  t.match(await ask('admin'), { code: 0, err: '' })
})

const quiescer = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: 'quiescer', namespace: 'velero' },
}
const mayPatch = granted('quiescer', 'shop', account('quiescer'), [
  { apiGroups: ['apps'], resources: ['deployments'], resourceNames: ['web'], verbs: ['get', 'patch'] },
])
/** An Action of alice that patches a Deployment as an account of its own. */
const patching = (patch: object = {}, more: object = {}) => {
  const { spec, ...rest } = stamped({ name: '10-stop', timeoutSeconds: 1 })
  const { http: _, ...others } = spec
  const aim = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' }
  const body = { ...aim, patch: { spec: { replicas: 0 } }, ...patch }
  return {
    ...rest,
    spec: { ...others, serviceAccountName: 'quiescer', patch: body, undo: { revert: true }, ...more },
  }
}
/** The key of an Action, taken by another Backup. */
const taken = (key: string) => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: {
    name: keyLeaseName(key, hash),
    namespace: 'velero',
    annotations: { 'tidewaiter.io/held-by': 'Backup velero/monday (run monday-1-prebackup)' },
  },
  spec: { holderIdentity: 'uid-of-monday' },
})
const inPlace = [quiescer, ...mayPatch, ...mayUseAccount('alice', 'quiescer')]
const lacking = 'ServiceAccount velero/quiescer may not'

type Standing = {
  readonly objects: readonly object[]
  readonly code: number
  readonly plan: object
  readonly now?: readonly object[]
  readonly out: RegExp
}
const standings: Readonly<Record<string, Standing>> = {
  'everything is there': {
    objects: [...inPlace, patching()],
    code: 0,
    plan: { admitted: true },
    now: [{ found: 'yes', said: 'ServiceAccount velero/quiescer is there, and may do this' }],
    out: /would be admitted\n.* now: ServiceAccount velero\/quiescer is there, and may do this\n/s,
  },
  'there is no such account': {
    objects: [...mayUseAccount('alice', 'quiescer'), patching()],
    code: 1,
    plan: {
      admitted: false,
      reason: 'ActionFailed',
      message:
        'as things are now, PreBackup action "10-stop" fails: there is no ServiceAccount velero/quiescer',
    },
    now: [
      { found: 'no', said: 'there is no ServiceAccount velero/quiescer' },
      { found: 'no', said: `${lacking} get, patch deployments.apps in namespace shop` },
    ],
    out: /would be refused\n.* now: there is no ServiceAccount velero\/quiescer\n/s,
  },
  'the account has the right for another name': {
    objects: [...inPlace, patching({ name: 'db' })],
    code: 1,
    plan: { admitted: false },
    now: [{ found: 'no', said: `${lacking} get, patch deployments.apps in namespace shop` }],
    out: /would be refused/,
  },
  'the account may get, and not list': {
    objects: [
      ...inPlace,
      patching({ name: undefined, selector: { matchLabels: { a: 'b' } } }, { undo: undefined }),
    ],
    code: 1,
    plan: { admitted: false },
    now: [
      { found: 'no', said: `${lacking} list deployments.apps in namespace shop` },
      { found: 'no', said: `${lacking} patch deployments.apps in namespace shop` },
    ],
    out: /would be refused/,
  },
  'the kind is not there': {
    objects: [...inPlace, patching({ kind: 'Deploymnt' })],
    code: 1,
    plan: { admitted: false },
    now: [{ found: 'no', said: 'the API server has no kind Deploymnt there (apps/v1)' }],
    out: /would be refused/,
  },
  'the kind is of no namespace': {
    objects: [...inPlace, patching({ apiVersion: 'v1', kind: 'Namespace', name: 'shop' })],
    code: 1,
    plan: { admitted: false },
    now: [{ found: 'no', said: 'Namespace is cluster-scoped: leave the namespace out' }],
    out: /would be refused/,
  },
  'the action may fail': {
    objects: [...inPlace, patching({ name: 'db' }, { onError: 'Continue' })],
    code: 1,
    plan: { admitted: true },
    now: [{ found: 'no' }],
    out: /would be admitted\n/,
  },
  'it is held, and would fail then': {
    objects: [...inPlace, patching({ name: 'db' }, { mode: 'Hold' })],
    code: 1,
    plan: { admitted: true },
    now: [{ found: 'no' }],
    out: /would be admitted, and held; as things are now, it would then fail\n/,
  },
  'the author may not act for the account': {
    objects: [quiescer, ...mayPatch, patching()],
    code: 1,
    plan: { admitted: false, reason: 'CannotRender', before: [{ does: 'fail', cause: 'account' }] },
    out: /cannot act: alice, the author of this Action, must hold the verb use on the ServiceAccount velero\/quiescer, and does not\n/,
  },
  'the key is taken, and it waits for it': {
    objects: [stamped({ name: 'a', mode: 'Hold', exclusive: 'shop' }), taken('shop')],
    code: 0,
    plan: { admitted: true },
    now: [
      {
        found: 'waits',
        said: 'the exclusive key "shop" is taken by Backup velero/monday (run monday-1-prebackup); it would wait until that gives it back',
      },
    ],
    out: /would be admitted, and held\n.* now: the exclusive key "shop" is taken by Backup velero\/monday/s,
  },
  'the key is taken, and it is refused for it': {
    objects: [stamped({ name: 'a', mode: 'Refuse', exclusive: 'shop' }), taken('shop')],
    code: 1,
    plan: { admitted: false, reason: 'ActionFailed' },
    now: [{ found: 'no', said: /is taken by Backup velero\/monday .*; it would be refused until/ }],
    out: /as things are now, PreBackup action "a" fails: the exclusive key "shop" is taken by Backup/,
  },
  'another key is taken, and one that is only tried out': {
    objects: [
      stamped({ name: 'a', exclusive: 'shop' }),
      stamped({ name: 'b', exclusive: 'bank', dryRun: true }),
      taken('bank'),
    ],
    code: 0,
    plan: { admitted: true, before: [{ now: undefined }, { now: undefined }] },
    out: /would be admitted\n/,
  },
}
for (const [name, { objects, code, plan, now, out }] of Object.entries(standings))
  t.test(`against the cluster it is told whether an action could work now: ${name}`, async (t) => {
    const ask = await inCluster(t, objects, velero('Backup', 'b'))
    const seen = await ask('admin', '-o', 'json')
    t.equal(seen.code, code, seen.err)
    t.match(JSON.parse(seen.out).plans[0], plan)
    if (now !== undefined) t.match(JSON.parse(seen.out).plans[0].before[0].now, now)
    t.equal(JSON.parse(seen.out).plans[0].before[0].now?.length, now?.length)
    t.match((await ask('admin')).out, out)
  })

t.test(
  'who may not look at what an action needs is told that it is not known, and it hinders nothing',
  async (t) => {
    const ask = await inCluster(t, [patching({}, { exclusive: 'shop' })], velero('Backup', 'b'))
    const { out, code } = await ask('viewer', '-o', 'json')
    t.equal(code, 0)
    t.match(JSON.parse(out).plans[0].before[0].now, [
      {
        found: 'unknown',
        said: /^whether ServiceAccount velero\/quiescer is there, and may do all of this: this user may not look \(/,
      },
      {
        found: 'unknown',
        said: /^whether the exclusive key "shop" is taken: this user may not look \(.*leases/,
      },
    ])
    t.match((await ask('viewer')).out, /would be admitted\n.* not known now: whether ServiceAccount/s)
  },
)

t.test('an action after the end is looked at too, and changes nothing of the verdict', async (t) => {
  const after = patching({}, { stage: 'PostBackup', undo: undefined })
  const subject = velero('Backup', 'b')
  const lacking = await inCluster(t, [...mayUseAccount('alice', 'quiescer'), after], subject)
  const { out, code } = await lacking('admin', '-o', 'json')
  t.equal(code, 1)
  t.match(JSON.parse(out).plans[0], {
    admitted: true,
    after: [{ now: [{ found: 'no' }, { found: 'no' }] }],
  })
  const unused = await inCluster(t, [after], subject)
  t.match(await unused('admin'), {
    code: 1,
    out: /would be admitted\n.*cannot act: alice, the author of this Action, must hold the verb use/s,
  })
})

t.test('an Action of the cluster that cannot be understood refuses, as it would', async (t) => {
  const odd = { ...stamped({ name: 'odd' }), spec: { stage: 'MidBackup' } }
  const ask = await inCluster(t, [odd], velero('Backup', 'b'))
  t.match(await ask('admin'), {
    code: 1,
    out: /would be refused\n.*it is not known which Actions there are: the Action odd/s,
  })
})

t.test('one that nobody adopted refuses nothing, whether it can be understood or not', async (t) => {
  const unstamped = { ...anActionObject({ name: 'odd' }), spec: { stage: 'MidBackup' } }
  const conditions = [
    {
      type: 'Accepted',
      status: 'False',
      reason: 'Unadopted',
      message: 'm',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    },
  ]
  // Of another cluster: only the leader can tell.
  const voided = { ...stamped({ name: 'old' }), spec: { stage: 'MidBackup' }, status: { conditions } }
  const ask = await inCluster(t, [unstamped, voided], velero('Backup', 'b'))
  t.match(await ask('admin'), { code: 0, out: /would be admitted/ })
})
