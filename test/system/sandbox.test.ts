/** `tidewaiter sandbox` as people start it: the real command, its files, its story, its end. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { eventually } from '../support/asking.ts'
import { ask, launch, send, start, told, type Run } from '../support/command.ts'

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

t.test('Ctrl-C while it starts ends it cleanly too', async (t) => {
  const dir = join(t.testdir(), 'box')
  const run = start(t, '--dir', dir)
  await eventually('it has begun', () => existsSync(join(dir, 'sandbox.json')) || undefined)
  run.interrupt()
  t.equal(await run.ended, 0)
  t.equal(run.err(), '')
  t.notOk(existsSync(join(dir, 'kubeconfig')))
})

t.test('several at once do not meet; one folder has one of them', async (t) => {
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
  const wrong = start(t, '--dir', dir, '--api-listen', 'here')
  t.equal(await wrong.ended, 2)
  t.match(wrong.err(), '--api-listen must be [HOST]:PORT, got "here"')
})

t.test('with VELERO_PLUGINS_ENABLED in its environment it serves VeleroPlugins, for its node', async (t) => {
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
})

t.test('without the demo there is the service and no Backup', async (t) => {
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
