/** What an operator sees of a running install: metrics, health, logs; and that its registrations stay as they must be. */
import t from 'tap'
import { createMetrics } from '../../src/observe/metrics.ts'
import {
  act,
  aBackup,
  aBackupName,
  aMark,
  aName,
  anAction,
  apply,
  backUp,
  call,
  ended,
  eventually,
  hook,
  kubectl,
  settledRun,
  type Loose,
} from './support.ts'
import { logs, ops, replicas, sum, whole } from './z-install.ts'

t.before(() => whole())

const { mark } = aMark()
const word = `xyzzy-${process.pid}-secret`
const names = { good: aBackupName(), bad: aBackupName() }

t.test('a Backup that runs and one that is refused', async (t) => {
  const server = await hook()
  const secret = aName('token')
  const metadata = { name: secret, namespace: 'velero', labels: { 'tidewaiter.io/for-actions': 'true' } }
  t.teardown(() => kubectl(['delete', 'secret', secret]))
  await apply({ apiVersion: 'v1', kind: 'Secret', metadata, stringData: { token: word } })
  const headers = [{ name: 'X-Token', valueFrom: { secretKeyRef: { name: secret, key: 'token' } } }]
  await act(
    t,
    anAction(aName('10-freeze'), mark, { http: { url: server.url, headers } }),
    anAction(aName('10-thaw'), mark, { stage: 'PostBackup', http: { url: server.url, headers } }),
  )
  t.equal((await backUp(names.good, mark)).code, 0)
  await ended('backup', names.good)
  await settledRun('backup', names.good, 'PostBackup')
  const calls = await server.calls()
  t.equal(calls.length, 2)
  t.ok(
    calls.every(({ headers }) => headers['x-token'] === word),
    'the action got the secret',
  )
  await server.behave({ status: 500, echo: 'x-token' })
  const refused = await backUp(names.bad, mark)
  t.equal(refused.code, 1)
  t.notMatch(refused.stderr, word)
})

t.test('every metric is served with its help, and those of what happened are not 0', async (t) => {
  const all = (await createMetrics('x').registry.getMetricsAsJSON()).map(({ name }) => name)
  for (const { ip } of await replicas()) {
    const { text } = await ops(ip, '/metrics')
    for (const name of all) t.ok(text.includes(`# HELP ${name} `), name)
  }
  const want: readonly (readonly [RegExp, (value: number) => boolean])[] = [
    [
      /^tidewaiter_admission_requests_total\{.*webhook="backups".*verdict="allowed",reason="ActionsSucceeded"/,
      (v) => v >= 1,
    ],
    [
      /^tidewaiter_admission_requests_total\{.*webhook="backups".*verdict="refused",reason="ActionFailed"/,
      (v) => v >= 1,
    ],
    [/^tidewaiter_admission_duration_seconds_count\{webhook="backups",verdict="allowed"/, (v) => v >= 1],
    [/^tidewaiter_runs_total\{stage="PostBackup",phase="Succeeded"/, (v) => v >= 1],
    [/^tidewaiter_action_runs_total\{stage="PreBackup",action="10-freeze/, (v) => v >= 2],
    [/^tidewaiter_action_duration_seconds_count\{stage="PostBackup"/, (v) => v >= 1],
    [/^tidewaiter_admission_in_flight /, (v) => v === 0],
    [/^tidewaiter_leader /, (v) => v === 1],
    [/^tidewaiter_ready /, (v) => v === 2],
    [/^tidewaiter_guard_closed\{namespace="velero"\}/, (v) => v === 2],
    [/^tidewaiter_webhook_cabundle_in_sync\{/, (v) => v >= 2],
    [/^tidewaiter_certificate_expiry_timestamp_seconds /, (v) => v > (2 * Date.now()) / 1000],
    [/^tidewaiter_kube_requests_total\{method="GET",code="OK"\}/, (v) => v > 0],
  ]
  for (const [pattern, good] of want)
    await t.resolves(
      eventually(async () => good(await sum(pattern)), { what: `${pattern} to be as wanted` }),
      String(pattern),
    )
})

t.test('the operations port says that a replica is well and ready, and nothing else', async (t) => {
  for (const { ip } of await replicas()) {
    t.same(await ops(ip, '/healthz'), { status: 200, text: 'ok\n' })
    t.same(await ops(ip, '/readyz'), { status: 200, text: 'ok\n' })
    t.equal((await ops(ip, '/debug')).status, 404)
  }
})

t.test('logs are JSON, have one audit line a decision, and hold no secret', async (t) => {
  const lines = await logs()
  t.same(
    lines.filter(({ text }) => text !== undefined),
    [],
    'every line is JSON',
  )
  for (const [name, verdict] of [
    [names.good, 'allowed'],
    [names.bad, 'refused'],
  ] as const) {
    const audited = lines.filter((line) => line.audit === true && line.name === name)
    t.match(audited, [
      {
        msg: 'decision',
        verdict,
        kind: 'Backup',
        namespace: 'velero',
        operation: 'CREATE',
        user: /.+/,
        dryRun: false,
        ms: Number,
        run: /.+/,
      },
    ])
    t.equal(audited.length, 1, `one decision for ${name}`)
  }
  const { body } = await call('GET', '/apis/tidewaiter.io/v1beta1/namespaces/velero/actionruns')
  const events = await call('GET', '/api/v1/namespaces/velero/events')
  for (const [where, value] of Object.entries({ lines, runs: body, events: events.body }))
    t.notOk(JSON.stringify(value).includes(word), `no secret in ${where}`)
})

const registration = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/tidewaiter'
const bundles = async (): Promise<readonly Loose[]> =>
  (await call('GET', registration)).body.webhooks.map(({ clientConfig }: Loose) => clientConfig)

t.test('the leader puts authority and path back into the registrations within 20 s', async (t) => {
  const before = await bundles()
  const spoilt = before.map((_one, index) => [
    { op: 'remove', path: `/webhooks/${index}/clientConfig/caBundle` },
    { op: 'replace', path: `/webhooks/${index}/clientConfig/service/path`, value: '/' },
  ])
  const patched = await kubectl([
    'patch',
    'validatingwebhookconfiguration',
    'tidewaiter',
    '--type=json',
    '-p',
    JSON.stringify(spoilt.flat()),
  ])
  t.equal(patched.code, 0, patched.stderr)
  t.notSame(await bundles(), before)
  await eventually(async () => JSON.stringify(await bundles()) === JSON.stringify(before), {
    ms: 20_000,
    what: 'the registration to be as before',
  })
  await eventually(async () => (await backUp(aBackupName(), aMark().mark)).code === 0, {
    what: 'a Backup',
  })
})

t.test('a request that comes to a guessed path gets nothing done', async (t) => {
  const body = { apiVersion: 'v1', kind: 'Pod' }
  const { status } = await call(
    'POST',
    '/api/v1/namespaces/tidewaiter/services/https:tidewaiter:443/proxy/backups',
    { body },
  )
  t.equal(status, 404)
  t.equal(
    (
      await call('POST', '/apis/velero.io/v1/namespaces/velero/backups?dryRun=All', {
        body: aBackup(aBackupName(), aMark().mark),
      })
    ).status,
    201,
  )
})
