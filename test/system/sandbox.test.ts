/** `tidewaiter sandbox` as people start it: the real command, its files, its story, its end. */
import { spawn, spawnSync } from 'node:child_process'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { keySetText } from '../../src/core/exported/keys.ts'
import { ownKeys, signOutputs } from '../../src/wiring/exported.ts'
import { eventually } from '../support/asking.ts'
import { ask, launch, send, start, told, type Run } from '../support/command.ts'
import { projectRoot } from '../support/generate.ts'
import { whenThorough } from '../support/runs.ts'

t.jobs = 2

const backups = '/apis/velero.io/v1/namespaces/velero/backups'

t.test(
  'it tells a refusal, a success, a post action and a Restore, and Ctrl-C ends it and takes its files away',
  async (t) => {
    const dir = join(t.testdir(), 'box')
    const run = start(t, '--dir', dir)
    await told(run, 'Ctrl-C ends it all')
    t.match(run.out(), /✗ refused after .*\n.*denied the request: tidewaiter refused Backup/s)
    t.match(run.out().replaceAll(/\s+/g, ' '), /answered 503 "replica lag 40 s"/)
    t.match(run.out(), /✓ created.*\n.*Velero: Queued, ReadyToStart, InProgress, Finalizing, Completed/)
    t.match(run.out(), /POST \/resume \{"backup":"monday","phase":"Completed"\}/)
    t.match(run.out(), /✓ 90-resume-shop: run monday-[0-9a-f]{8}-postbackup is Succeeded/)
    t.match(run.out(), /5\. A Restore.*\n.*✓ created.*\n.*Velero: InProgress, .*Completed\n/s)
    t.match(
      run.out(),
      /POST \/stop \{"from":"monday"\}\n.*10-stop-shop: run monday-back-[0-9a-f]{8}-prerestore is Succeeded/,
    )
    t.match(run.out(), /POST \/start \{"restore":"monday-back","phase":"Completed"\}/)
    t.match(run.out(), /✓ 90-start-shop: run monday-back-[0-9a-f]{8}-postrestore is Succeeded/)
    t.notOk(run.out().includes('\u001b'), 'no colours where there is no terminal')
    t.match(run.out(), `export KUBECONFIG=${join(dir, 'kubeconfig')}`)
    tried(t, run.out(), join(dir, '..', 'bin'))
    t.match((await ask(t, join(dir, 'kubeconfig'), backups)).body.items[0].metadata.name, 'monday')
    const alice = await ask(t, join(dir, 'alice.kubeconfig'), '/api/v1/namespaces/velero/secrets')
    t.equal(alice.status, 403)
    run.interrupt()
    t.equal(await run.ended, 0)
    t.equal(run.err(), '')
    t.same(readdirSync(dir), ['tidewaiter.log'])
    for (const line of readFileSync(join(dir, 'tidewaiter.log'), 'utf8').trimEnd().split('\n'))
      t.match(JSON.parse(line), { level: /^(info|warn)$/, time: /^\d{4}-.*Z$/, msg: /./ }, line)
  },
)

/** What is said to work without kubectl and velero works: typed as it stands there, with nothing on the PATH but npm and Node. */
function tried(t: Test, story: string, bin: string): void {
  const [, next = ''] = story.split('Now you')
  const [anybody = '', kubectl = '', velero = ''] = next.split(/If you have (?:kubectl|the velero CLI)\n/)
  const commandsIn = (text: string) =>
    [...text.matchAll(/^ {3}(\S.*?)(?: {3}# .*)?$/gm)].map(([, command = '']) => command)
  t.match(commandsIn(kubectl), [
    /^kubectl /,
    /^curl /,
    /\| kubectl -n velero create -f -$/,
    /^curl /,
    /^kubectl /,
  ])
  t.match(commandsIn(velero), [/^velero /, /^velero /, /^velero /, /^velero /])
  mkdirSync(bin)
  for (const name of ['npm', 'node', 'sh']) {
    const found = spawnSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim()
    symlinkSync(found, join(bin, name))
  }
  const said = spawnSync('/bin/sh', ['-ec', commandsIn(anybody).join('\n')], {
    cwd: projectRoot,
    env: { PATH: bin, HOME: process.env['HOME'] },
    encoding: 'utf8',
  })
  t.equal(said.status, 0, said.stderr)
  t.match(said.stdout, /10-quiesce-shop.*monday-back-.*Refused.*Backup velero\/tuesday: would be admitted/s)
}

t.test('kill ends what npm start began, and not npm alone', whenThorough, async (t) => {
  const dir = join(t.testdir(), 'box')
  // In a group of its own, so that the test leaves nothing behind where it fails.
  const npm = spawn('npm', ['start', '--', '--dir', dir, '--only-cluster'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  // The pipe closes when the last process that writes into it is gone.
  let code: number | null | undefined
  npm.once('close', (given) => (code = given))
  t.teardown(() => {
    if (code === undefined) process.kill(-(npm.pid ?? 0), 'SIGKILL')
  })
  let out = ''
  npm.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  await eventually('it is ready', () => out.includes('Ctrl-C ends it') || undefined, { seconds: 40 })
  const { url } = JSON.parse(readFileSync(join(dir, 'sandbox.json'), 'utf8'))
  t.ok(await connects(url))
  npm.kill('SIGTERM')
  await eventually('all has ended', () => code !== undefined || undefined, { seconds: 20 })
  t.equal(code, 0)
  t.notOk(await connects(url))
  t.notOk(existsSync(dir))
})

/** Whether anybody listens there. */
const connects = (url: string): Promise<boolean> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname, () => resolve(true))
    socket.once('error', () => resolve(false)).once('connect', () => socket.destroy())
  })

t.test('Ctrl-C while it starts ends it cleanly too', whenThorough, async (t) => {
  const dir = join(t.testdir(), 'box')
  const run = start(t, '--dir', dir)
  await eventually('it has begun', () => existsSync(join(dir, 'sandbox.json')) || undefined)
  run.interrupt()
  t.equal(await run.ended, 0)
  t.equal(run.err(), '')
  t.notOk(existsSync(join(dir, 'kubeconfig')))
})

t.test('several at once do not meet; one folder has one of them', whenThorough, async (t) => {
  const folder = t.testdir()
  const [one, two] = ['one', 'two'].map((name) =>
    start(t, '--dir', join(folder, name), '--only-cluster'),
  ) as [Run, Run]
  await told(one, 'Ctrl-C ends it')
  await told(two, 'Ctrl-C ends it')
  const third = start(t, '--dir', join(folder, 'one'), '--only-cluster')
  t.equal(await third.ended, 4)
  t.match(
    third.err(),
    /the folder .*one is in use by another sandbox \(https:\/\/127\.0\.0\.1:\d+\): end it, or choose another --dir/,
  )
  t.equal((await ask(t, join(folder, 'one', 'kubeconfig'), backups)).status, 200)
  const urls = ['one', 'two'].map(
    (name) => JSON.parse(readFileSync(join(folder, name, 'sandbox.json'), 'utf8')).url,
  )
  t.not(urls[0], urls[1])
})

t.test('a port in use is told with exit code 4, a wrong address with 2', async (t) => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise((resolve) => taken.close(resolve)))
  const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`
  const dir = join(t.testdir(), 'box')
  const run = start(t, '--dir', dir, '--api-listen', address)
  t.equal(await run.ended, 4)
  t.equal(
    run.err(),
    `tidewaiter: --api-listen ${address} is taken by another process: stop it, or choose another address\n`,
  )
  const wrong = start(t, '--dir', dir, '--api-listen', 'here', '--only-cluster', '--trusted-keys', 'a.json')
  t.equal(await wrong.ended, 2)
  t.match(wrong.err(), '--api-listen must be [HOST]:PORT, got "here"')
  t.match(wrong.err(), '--trusted-keys is for the service: with --only-cluster give it to tidewaiter serve')
})

t.test(
  'with VELERO_PLUGINS_ENABLED in its environment it serves VeleroPlugins, for its node',
  whenThorough,
  async (t) => {
    const dir = join(t.testdir(), 'box')
    const sandbox = (value: string) =>
      launch(t, ['sandbox', '--dir', dir, '--no-demo'], { VELERO_PLUGINS_ENABLED: value })
    const wrong = sandbox('ture')
    t.equal(await wrong.ended, 2)
    t.equal(wrong.err(), 'tidewaiter: VELERO_PLUGINS_ENABLED must be true or false, got "ture"\n')
    const run = sandbox('true')
    await told(run, 'Ctrl-C ends it all')
    const kubeconfig = join(dir, 'kubeconfig')
    t.match((await ask(t, kubeconfig, '/api/v1/nodes')).body.items, [
      { metadata: { name: 'sandbox' }, status: { nodeInfo: { operatingSystem: 'linux' } } },
    ])
    const path = '/apis/tidewaiter.io/v1beta1/namespaces/velero/veleroplugins'
    const plugin = (name: string) => ({
      apiVersion: 'tidewaiter.io/v1beta1',
      kind: 'VeleroPlugin',
      metadata: { name },
      spec: { image: '127.0.0.1:1/acme/plugin:1.0' },
    })
    const create = (name: string) => send(t, { kubeconfig, method: 'POST', path, body: plugin(name) })
    t.match(await create('acme'), { status: 201 })
    const looked = async () => (await ask(t, kubeconfig, `${path}/acme`)).body.status?.conditions
    t.match(await eventually('its checks were made', looked, { seconds: 20 }), [{ type: 'ReferenceValid' }])
  },
)

t.test('without the demo there is the service and no Backup', whenThorough, async (t) => {
  const dir = join(t.testdir(), 'box')
  const run = start(t, '--dir', dir, '--no-demo', '--dashboard-listen', '127.0.0.1:0')
  await told(run, 'Ctrl-C ends it all')
  const [, dashboard = ''] = /dashboard +(http:\/\/\S+)/.exec(run.out()) ?? []
  const page = await fetch(dashboard)
  t.equal(page.status, 200, 'the dashboard is where the terminal says')
  t.match(await page.text(), 'Nothing needs anybody')
  t.same((await ask(t, join(dir, 'kubeconfig'), backups)).body.items, [])
  const webhooks = await ask(
    t,
    join(dir, 'kubeconfig'),
    '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
  )
  t.match(webhooks.body.items[0].metadata.name, /^tidewaiter-dev-/)
})

const { privateKey } = generateKeyPairSync('ed25519')
const keysOfA = {
  key: privateKey,
  publicKeys: [createPublicKey(privateKey).export({ format: 'jwk' }).x ?? ''],
}

t.test(
  'it believes what a Backup of another cluster exported, by --trusted-keys',
  whenThorough,
  async (t) => {
    const folder = t.testdir({ 'a.json': keySetText(ownKeys(keysOfA, 'cluster-a')) })
    const [dir, keys] = [join(folder, 'box'), join(folder, 'a.json')]
    const missing = start(t, '--dir', dir, '--trusted-keys', join(folder, 'none.json'))
    t.equal(await missing.ended, 4)
    t.match(missing.err(), /--trusted-keys: .*none.json must be a file that can be read/)
    await told(start(t, '--dir', dir, '--no-demo', '--trusted-keys', keys), 'Ctrl-C ends it all')
    const at = new Date().toISOString().replace(/\.\d+/, '')
    const signed = {
      v: 1,
      cluster: 'cluster-a',
      namespace: 'velero',
      backup: 'b1',
      uid: 'u',
      run: 'r',
      at,
    } as const
    const outputs = { '10-a': { lsn: '0/16B' } }
    const annotation = await signOutputs({ ...signed, outputs }, keysOfA)
    const velero = (kind: string, metadata: object, rest: object) => ({
      apiVersion: 'velero.io/v1',
      kind,
      metadata,
      ...rest,
    })
    const post = (who: string, path: string, body: object) =>
      send(t, { kubeconfig: join(dir, who), method: 'POST', path, body })
    const http = { url: "https://db.shop.example/${exported['10-a'].lsn}" }
    const spec = { stage: 'PreRestore', dryRun: true, http }
    const ours = '/apis/tidewaiter.io/v1beta1/namespaces/velero'
    const action = {
      apiVersion: 'tidewaiter.io/v1beta1',
      kind: 'Action',
      metadata: { name: '10-replay' },
      spec,
    }
    const synced = velero(
      'Backup',
      { name: 'b1', annotations: { 'tidewaiter.io/outputs': annotation } },
      { spec: {}, status: { phase: 'Completed', startTimestamp: at, completionTimestamp: at } },
    )
    t.match(await post('kubeconfig', `${ours}/actions`, action), { status: 201 })
    t.match(await post('velero.kubeconfig', backups, synced), { status: 201 })
    const restore = velero('Restore', { name: 'back' }, { spec: { backupName: 'b1' } })
    t.match(await post('kubeconfig', backups.replace('backups', 'restores'), restore), { status: 201 })
    const runs = await ask(t, join(dir, 'kubeconfig'), `${ours}/actionruns`)
    t.match(runs.body.items, [{ spec: { exported: { backup: 'b1', cluster: 'cluster-a', outputs } } }])
  },
)
