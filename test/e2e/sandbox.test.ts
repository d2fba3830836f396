/** The sandbox under the real kubectl, velero and helm: no cluster is wanted, only these programs (test/cluster/build.sh, build.sh helm). */
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'

const root = new URL('../../', import.meta.url).pathname
const path = [join(root, '.cluster/bin'), process.env['PATH']].join(delimiter)
const folder = mkdtempSync(join(tmpdir(), 'tidewaiter-sandbox-'))
const kubeconfig = join(folder, 'kubeconfig')

type Ran = { readonly code: number; readonly out: string }
/** Runs a program to its end, at most for a minute; stdout and stderr together. */
function run(program: string, args: readonly string[], input = ''): Promise<Ran> {
  return new Promise((resolve) => {
    const env = { ...process.env, PATH: path, KUBECONFIG: kubeconfig }
    const child = execFile(program, args, { env, timeout: 60_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 255
      resolve({ code, out: stdout + stderr })
    })
    child.stdin?.end(input)
  })
}
const kubectl = (...args: readonly string[]): Promise<Ran> => run('kubectl', ['-n', 'velero', ...args])
const velero = (...args: readonly string[]): Promise<Ran> => run('velero', args)
const apply = (object: object): Promise<Ran> => run('kubectl', ['apply', '-f', '-'], JSON.stringify(object))

async function eventually(what: string, look: () => Promise<boolean>): Promise<void> {
  for (let left = 600; left > 0; left -= 1, await sleep(100)) if (await look()) return
  throw new Error(`waited a minute for ${what}`)
}

const child = spawn(process.execPath, [join(root, 'src/main.ts'), 'sandbox', '--dir', folder], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
let told = ''
child.stdout.setEncoding('utf8').on('data', (text: string) => (told += text))
const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
t.teardown(async () => {
  child.kill('SIGINT')
  await ended
  rmSync(folder, { recursive: true, force: true })
})
await eventually('the end of the story', async () => told.includes('Ctrl-C ends it all'))
const shop = /shop +(http:\S+)/.exec(told)?.[1] ?? ''
const lag = (seconds: number): Promise<Response> => fetch(`${shop}/lag?seconds=${seconds}`, { method: 'PUT' })

t.test('velero backup create --wait is refused with the reason, and then is not', async (t) => {
  await lag(40)
  const refused = await velero('backup', 'create', 'tuesday', '--include-namespaces', 'shop', '--wait')
  t.equal(refused.code, 1)
  t.match(refused.out, /denied the request: tidewaiter refused Backup velero\/tuesday.*"replica lag 40 s"/)
  t.equal((await kubectl('get', 'backup', 'tuesday')).code, 1)
  await lag(0)
  const made = await velero('backup', 'create', 'tuesday', '--include-namespaces', 'shop', '--wait')
  t.equal(made.code, 0)
  t.match(made.out, 'Backup completed with status: Completed')
})

t.test('velero describes, logs, downloads, restores and deletes', async (t) => {
  for (const [args, want] of [
    [['version'], /Server:\s+Version: v1\.18\.3/],
    [['backup', 'describe', 'tuesday', '--details'], /Phase:.*Completed/],
    [['backup', 'logs', 'tuesday'], /Backed up a total of 10 items/],
    [['backup', 'download', 'tuesday', '-o', join(folder, 'tuesday.tgz')], /successfully downloaded/],
    [
      ['restore', 'create', 'r1', '--from-backup', 'tuesday', '--wait'],
      /Restore completed with status: Completed/,
    ],
    [['restore', 'describe', 'r1'], /Phase:.*Completed/],
    [['backup', 'delete', 'tuesday', '--confirm'], /submitted successfully/],
  ] as const) {
    const { code, out } = await velero(...args)
    t.match({ code, out }, { code: 0, out: want }, args.join(' '))
  }
  await eventually('the Backup is gone', async () => (await kubectl('get', 'backup', 'tuesday')).code === 1)
})

t.test('a Schedule makes Backups, whose actions run', async (t) => {
  t.equal(
    (await velero('schedule', 'create', 'often', '--schedule', '@every 1s', '--include-namespaces', 'shop'))
      .code,
    0,
  )
  await eventually('a Backup of the Schedule has ended', async () =>
    /often-\d{14} +Completed/.test((await velero('backup', 'get')).out),
  )
  t.match(
    (await kubectl('get', 'actionruns')).out,
    /often-\d{14}-[0-9a-f]{8}-prebackup +PreBackup +often-\d{14} +Succeeded/,
  )
  t.equal((await velero('schedule', 'delete', 'often', '--confirm')).code, 0)
})

t.test(
  'kubectl applies, explains and edits Actions; a wrong one is refused with every problem',
  async (t) => {
    const action = (spec: object): object => ({
      apiVersion: 'tidewaiter.io/v1beta1',
      kind: 'Action',
      metadata: { name: '20-more', namespace: 'velero' },
      spec,
    })
    const http = { url: `${shop}/quiesce` }
    t.match(
      (await apply(action({ stage: 'PreBackup', match: { expression: 'false' }, http }))).out,
      '20-more created',
    )
    t.match(
      (await apply(action({ stage: 'PreBackup', match: { expression: 'false' }, http, timeoutSeconds: 3 })))
        .out,
      'configured',
    )
    t.match((await kubectl('explain', 'action.spec.http.url')).out, /Where to call/)
    const wrong = await apply(action({ stage: 'PreBackup', match: { expression: 'backup.' }, http }))
    t.match(wrong, { code: 1, out: /spec\.match\.expression/ })
    t.equal((await kubectl('delete', 'action', '20-more')).code, 0)
  },
)

t.test('alice may make Backups and Actions, and may not skip', async (t) => {
  const as = join(folder, 'alice.kubeconfig')
  t.match(readFileSync(as, 'utf8'), 'alice')
  const asAlice = (...args: readonly string[]): Promise<Ran> => run('velero', ['--kubeconfig', as, ...args])
  t.equal((await asAlice('backup', 'create', 'hers', '--include-namespaces', 'default')).code, 0)
  const skipping = ['--include-namespaces', 'shop', '--annotations', '10-quiesce-shop/prebackup=skip']
  const refused = await asAlice('backup', 'create', 'skipping', ...skipping)
  t.match(refused, { code: 1, out: /verb skip/ })
  t.equal((await velero('backup', 'create', 'skipping', ...skipping)).code, 0)
})

const chart = join(root, 'test/e2e/chart')
const helm = (...args: readonly string[]): Promise<Ran> => run('helm', ['-n', 'shop', ...args])

t.test('kubectl create token makes a token for the dashboard', async (t) => {
  t.equal((await kubectl('create', 'serviceaccount', 'looker')).code, 0)
  const made = await kubectl('create', 'token', 'looker', '--audience', 'tidewaiter', '--duration', '1h')
  t.equal(made.code, 0, made.out)
  const review = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    spec: { token: made.out.trim(), audiences: ['tidewaiter'] },
  }
  const { out } = await run('kubectl', ['create', '-o', 'json', '-f', '-'], JSON.stringify(review))
  t.match(JSON.parse(out), {
    status: { authenticated: true, user: { username: 'system:serviceaccount:velero:looker' } },
  })
})

t.test('what helm template prints, kubectl applies: CRDs, roles, a Deployment and a hook', async (t) => {
  const { code, out } = await helm('template', 'one', chart, '--include-crds')
  t.equal(code, 0, out)
  const applied = await run('kubectl', ['-n', 'shop', 'apply', '-f', '-'], out)
  t.equal(applied.code, 0, applied.out)
  for (const one of ['samples.example.org', 'role.rbac.authorization.k8s.io/one', 'deployment.apps/one'])
    t.match(applied.out, `${one} created`)
  const sample = { apiVersion: 'example.org/v1', kind: 'Sample', metadata: { name: 's', namespace: 'shop' } }
  t.match(await apply({ ...sample, spec: { size: 0 } }), {
    code: 1,
    out: /spec\.size.*greater than or equal to 1/,
  })
  t.match(await apply({ ...sample, spec: { size: 1 } }), { code: 0, out: /created/ })
})

t.test('helm installs, upgrades, lists and uninstalls a release, hooks first', async (t) => {
  const installed = await helm('install', 'two', chart)
  t.match(installed, { code: 0, out: /STATUS: deployed/ }, installed.out)
  const upgraded = await helm('upgrade', 'two', chart, '--set', 'replicas=3,greeting=bye')
  t.match(upgraded, { code: 0, out: /REVISION: 2/ }, upgraded.out)
  t.match((await helm('list')).out, /two\s+shop\s+2\s.*deployed/)
  const shown = (kind: string, name: string, path: string) =>
    run('kubectl', ['-n', 'shop', 'get', kind, name, '-o', `jsonpath=${path}`])
  t.equal((await shown('deployment', 'two', '{.spec.replicas}')).out, '3')
  t.match((await shown('configmap', 'two-hook', '{.data}')).out, /"greeting":"bye","kubernetes":"v1\.36/)
  t.match(await helm('uninstall', 'two'), { code: 0 })
  t.equal((await run('kubectl', ['-n', 'shop', 'get', 'deployment', 'two'])).code, 1)
})
