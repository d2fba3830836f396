/** Break-glass: with no replica at all a label lets Backups through; without it nothing unguarded is created. */
import t from 'tap'
import {
  act,
  aBackup,
  aBackupName,
  aMark,
  aName,
  anAction,
  backUp,
  call,
  ended,
  eventsOf,
  eventually,
  hook,
  must,
  kubectl,
  settledRun,
} from './support.ts'
import { certificateOf, logs, ownNamespace, replicas, sum, whole } from './z-install.ts'

const scale = (count: number) =>
  kubectl(['-n', ownNamespace, 'scale', 'deployment/tidewaiter', `--replicas=${count}`])
const label = async (text: string) => void must(await kubectl(['label', 'namespace', 'velero', text]))
const back = async () => {
  await kubectl(['label', 'namespace', 'velero', 'tidewaiter.io/gate-'])
  await scale(2)
  await whole()
}

t.test('the gate label', async (t) => {
  await whole()
  t.teardown(back)
  const { mark } = aMark()
  const server = await hook({ status: 500 })
  const action = aName('10-freeze')
  await act(t, anAction(action, mark, { http: { url: server.url } }))
  const unguarded = aBackupName()
  const create = async (name: string, dryRun = 'All') =>
    call('POST', `/apis/velero.io/v1/namespaces/velero/backups?dryRun=${dryRun}`, {
      body: aBackup(name, mark),
    })
  // A policy, unlike a webhook, needs nobody: the canary shows it closed or open.
  const canary = async () => (await create('tidewaiter-guard-canary')).body.message ?? ''

  await t.test(
    'without a replica and without the label a Backup is refused, and told how to get past',
    async (t) => {
      must(await scale(0))
      await kubectl(['-n', ownNamespace, 'wait', 'pods', '--all', '--for=delete', '--timeout=60s'])
      const { code, stderr } = await backUp(aBackupName(), mark)
      t.equal(code, 1)
      t.match(stderr, /failed calling webhook "backups\.tidewaiter\.io"/)
      t.match(await canary(), /tidewaiter guard: closed/)
    },
  )

  await t.test(
    'without a replica and with the label a Backup is created and runs, though an action would refuse it',
    async (t) => {
      await label('tidewaiter.io/gate=off')
      const created = await eventually(
        async () => {
          const ran = await backUp(unguarded, mark)
          return ran.code === 0 && ran
        },
        { what: 'a Backup that passes' },
      )
      t.equal(created.code, 0)
      t.equal((await ended('backup', unguarded)).status.phase, 'Completed')
      t.notMatch(await canary(), /guard: closed/)
      t.same(await server.calls(), [])
    },
  )

  await t.test('replicas are ready while the label is there, and say that the gate is off', async (t) => {
    must(await scale(2))
    await eventually(async () => (await sum(/^tidewaiter_gate_off\{.*velero/)) === 2, {
      ms: 90_000,
      what: 'the metric tidewaiter_gate_off',
    })
    must(await kubectl(['-n', ownNamespace, 'rollout', 'status', 'deployment/tidewaiter', '--timeout=60s']))
    t.equal((await backUp(aBackupName(), mark)).code, 0)
    t.same(await server.calls(), [])
  })

  await t.test('what ran unguarded although an action matched is reported', async (t) => {
    const run = await settledRun('backup', unguarded, 'PreBackup')
    t.match(run.status, {
      phase: 'Unknown',
      reason: 'Unguarded',
      message: new RegExp(`without its PreBackup actions \\(${action}\\)`),
    })
    const object = await ended('backup', unguarded)
    const annotation = await eventually(
      async () => (await ended('backup', unguarded)).metadata.annotations?.['tidewaiter.io/pre'],
      { what: 'the annotation' },
    )
    t.match(JSON.parse(annotation), { phase: 'Unknown', run: run.metadata.name })
    await eventually(
      async () => (await eventsOf(object)).some(({ reason }) => reason === 'PreActionsUnknown'),
      { what: 'the Event' },
    )
    t.ok((await sum(/^tidewaiter_unguarded_total\{kind="Backup"\}/)) >= 1)
    await eventually(
      async () =>
        (await logs()).some(
          ({ msg, run: name }) => String(msg).startsWith('unguarded') && name === run.metadata.name,
        ),
      { what: 'the log to say so' },
    )
  })

  await t.test('the guard closes again when the label is gone', async (t) => {
    await label('tidewaiter.io/gate-')
    await eventually(async () => (await canary()).includes('tidewaiter guard: closed'), {
      what: 'the guard to be closed',
    })
    const { code, stderr } = await backUp(aBackupName(), mark)
    t.equal(code, 1)
    t.match(stderr, /PreBackup action ".*" failed/)
    t.equal((await server.calls()).length, 1)
  })

  await t.test('two replicas that start without the Secret make one between them', async (t) => {
    must(await scale(0))
    await kubectl(['-n', ownNamespace, 'wait', 'pods', '--all', '--for=delete', '--timeout=60s'])
    must(await kubectl(['-n', ownNamespace, 'delete', 'secret', 'tidewaiter-tls']))
    must(await scale(2))
    await whole()
    const made = (await logs()).filter(({ msg }) => msg === 'renewed the Secret with our certificates')
    t.equal(made.length, 1)
    const [one, other] = await Promise.all((await replicas()).map(({ ip }) => certificateOf(ip)))
    t.ok(one)
    t.equal(one, other, 'both show the same certificate')
  })

  await t.test(
    'an Action whose stamp the lost key had signed is not run, which is said, until it is adopted',
    async (t) => {
      const create = (name: string) =>
        kubectl(['create', '-f', '-'], { input: JSON.stringify(aBackup(name, mark)) })
      const passed = await create(aBackupName())
      t.equal(passed.code, 0)
      t.match(
        passed.stderr,
        new RegExp(`Warning: tidewaiter: not run, because nobody with the rights wrote them .*${action}`),
      )
      must(await kubectl(['annotate', 'action', action, 'tidewaiter.io/adopt=yes']))
      const refused = await eventually(
        async () => {
          const ran = await create(aBackupName())
          return ran.code !== 0 && ran
        },
        { what: 'the adopted Action to be run' },
      )
      t.match(refused.stderr, /PreBackup action ".*" failed/)
    },
  )
})
