/** The service as a whole, on the sandbox: what users rely on, through the API server, with Velero's stand-in. */
import t from 'tap'
import { eventually, pathOf, type Loose } from '../support/asking.ts'
import { startCluster } from '../support/cluster.ts'
import { act, action, backup, create, ended, runs, settledRun } from '../support/scenes.ts'
import { whenThorough } from '../support/runs.ts'

t.jobs = 4

t.test('a refusal denies, says which action, and leaves no Backup', async (t) => {
  const system = await startCluster(t)
  await act(system, action('10-quiesce', { retry: { limit: 1, initialSeconds: 0 } }))
  system.hooks.behave('/10-quiesce', { status: 503, body: 'replica lag 40 s' })
  const { status, body } = await create(system, backup('b1'))
  t.equal(status, 403)
  t.match(
    body.message,
    /tidewaiter refused Backup velero\/b1: PreBackup action "10-quiesce" failed after 2 attempts/,
  )
  t.match(body.message, 'replica lag 40 s')
  t.equal(system.hooks.calls('/10-quiesce').length, 2)
  t.equal(system.api.read('velero.io/backups', 'velero', 'b1'), undefined)
  t.match((await settledRun(system, 'b1', 'PreBackup')).status, { phase: 'Refused' })
})

t.test('a Backup that no Action matches proceeds as without the service', async (t) => {
  const system = await startCluster(t)
  await act(system, action('10-other', { match: { includedNamespaces: ['till'] } }))
  t.equal((await create(system, backup('b1'))).status, 201)
  await ended(system, 'b1')
  t.same(await runs(system), [])
  t.same(system.hooks.calls(), [])
})

t.test(
  'actions run in byte order, the first refusal stops them, post actions run after the end',
  async (t) => {
    const system = await startCluster(t)
    await act(
      system,
      action('9-b', {}),
      action('10-a', {}),
      action('90-post', {
        stage: 'PostBackup',
        http: { url: `${system.hooks.url}/90-post`, body: { phase: '${backup.status.phase}' } },
      }),
    )
    t.equal((await create(system, backup('b1'))).status, 201)
    await ended(system, 'b1')
    t.match(await settledRun(system, 'b1', 'PostBackup'), { status: { phase: 'Succeeded' } })
    t.same(
      system.hooks.calls().map(({ path }) => path),
      ['/10-a', '/9-b', '/90-post'],
    )
    t.equal(system.hooks.calls('/90-post')[0]?.body, '{"phase":"Completed"}')
    system.hooks.behave('/10-a', { status: 500 })
    t.equal((await create(system, backup('b2'))).status, 403)
    const { status } = await settledRun(system, 'b2', 'PreBackup')
    t.same(
      status.actions.map(({ name, phase }: Loose) => [name, phase]),
      [
        ['10-a', 'Failed'],
        ['9-b', 'Skipped'],
      ],
    )
    t.equal(system.hooks.calls('/9-b').length, 1)
  },
)

t.test('a skip by somebody with the right skips, by somebody without it is refused', async (t) => {
  const system = await startCluster(t)
  await act(system, action('10-a', {}), action('20-b', {}))
  const skip = { metadata: { annotations: { '10-a/prebackup': 'skip' } } }
  const alice = await create(system, backup('b1', skip), 'alice')
  t.equal(alice.status, 403, JSON.stringify(alice.body))
  t.match(alice.body.message, /skip/)
  t.equal((await create(system, backup('b2', skip))).status, 201)
  t.same(
    system.hooks.calls().map(({ path }) => path),
    ['/20-b'],
  )
})

t.test('a dry run has no effect and says what would run', whenThorough, async (t) => {
  const system = await startCluster(t)
  await act(system, action('10-a', {}))
  const answer = await system.call('POST', `${pathOf('backups')}?dryRun=All`, { body: backup('b1') })
  t.equal(answer.status, 201)
  t.match(answer.warnings, [/dry run, PreBackup action "10-a" would run: POST http/])
  t.same(system.hooks.calls(), [])
  t.same(await runs(system), [])
})

t.test(
  'a typo in a field of an expression is told when the Action is applied, and stands on it',
  whenThorough,
  async (t) => {
    const system = await startCluster(t)
    const typo = action('10-a', {
      match: { expression: "'shop' in backup.spec.includedNamespace" },
      http: { url: 'http://a.example/' },
    })
    const answer = await system.call('POST', pathOf('actions'), { body: typo })
    t.equal(answer.status, 201)
    const said =
      /backup\.spec\.includedNamespace is no field of Velero 1\.18 \(did you mean includedNamespaces\?\)/
    t.match(answer.warnings, [said])
    const condition = await eventually('the condition Accepted', async () =>
      (await system.call('GET', pathOf('actions', '10-a'))).body.status?.conditions?.at(0),
    )
    t.match(condition, { type: 'Accepted', status: 'True', message: said })
  },
)

t.test('a name that is taken runs nothing; two creations at once run the actions once', async (t) => {
  const system = await startCluster(t)
  const go = Promise.withResolvers<void>()
  await act(system, action('10-a', {}))
  system.hooks.behave('/10-a', { after: go.promise })
  const both = Promise.all([create(system, backup('b1')), create(system, backup('b1'))])
  await system.hooks.called('/10-a')
  go.resolve()
  const codes = (await both).map(({ status }) => status).sort()
  t.equal(codes[0], 201)
  t.ok((codes[1] ?? 0) >= 403)
  t.equal(system.hooks.calls('/10-a').length, 1)
  t.match(await create(system, backup('b1')), { status: 409, body: { reason: 'AlreadyExists' } })
  t.equal(system.hooks.calls('/10-a').length, 1)
})

t.test(
  'a refused scheduled Backup is not run again while it cools down, until an Action changes',
  async (t) => {
    const system = await startCluster(t, { velero: { settings: { scheduleMs: 50 } } })
    await act(system, action('10-a', { mode: 'Refuse' }))
    system.hooks.behave('/10-a', { status: 500, times: 1 }, {})
    const denied = () =>
      system.logged().filter((line) => line.includes('"webhook":"backups"') && line.includes('refused'))
    const scheduled = await system.call('POST', pathOf('schedules'), {
      body: {
        apiVersion: 'velero.io/v1',
        kind: 'Schedule',
        metadata: { name: 'nightly', namespace: 'velero' },
        spec: { schedule: '@every 1s', template: { includedNamespaces: ['shop'] } },
      },
    })
    await eventually('Velero has tried four times', () => denied().length >= 4 || undefined)
    t.equal(system.hooks.calls('/10-a').length, 1)
    const event = await eventually('the Schedule is told', async () =>
      (await system.call('GET', '/api/v1/namespaces/velero/events')).body.items.find(
        ({ reason }: Loose) => reason === 'BackupRefused',
      ),
    )
    t.match(event, {
      involvedObject: { kind: 'Schedule', name: 'nightly', uid: scheduled.body.metadata.uid },
      type: 'Warning',
      count: 1,
      message: /velero\/nightly-\d{14}: PreBackup action "10-a" failed: .* answered 500/,
    })
    await system.call('PATCH', pathOf('actions', '10-a'), {
      body: { spec: { timeoutSeconds: 9 } },
      type: 'application/merge-patch+json',
    })
    await system.hooks.called('/10-a', 2)
    const made = await eventually('a Backup of the Schedule', async () =>
      (await system.call('GET', pathOf('backups'))).body.items.at(0),
    )
    t.match(made.metadata.name, /^nightly-\d{14}$/)
  },
)

t.test('a post action runs for the ends that it names, whatever they are', async (t) => {
  const system = await startCluster(t)
  await act(
    system,
    action('90-good', { stage: 'PostBackup', when: ['Completed'] }),
    action('91-bad', { stage: 'PostBackup', when: ['Failed', 'PartiallyFailed'] }),
    action('92-invalid', { stage: 'PostBackup', when: ['FailedValidation'] }),
  )
  for (const outcome of ['Completed', 'PartiallyFailed', 'FailedNoCompletion', 'FailedValidation']) {
    const name = outcome.toLowerCase()
    const metadata = { annotations: { 'sandbox.velero.io/outcome': outcome } }
    t.equal((await create(system, backup(name, { metadata }))).status, 201)
    await settledRun(system, name, 'PostBackup')
  }
  t.same(
    system.hooks.calls().map(({ path }) => path),
    ['/90-good', '/91-bad', '/91-bad', '/92-invalid'],
  )
})

t.test(
  'a Backup that a restart of Velero made Failed is not believed for a minute',
  whenThorough,
  async (t) => {
    const system = await startCluster(t)
    await act(system, action('90-post', { stage: 'PostBackup' }))
    const metadata = { annotations: { 'sandbox.velero.io/outcome': 'RestartWhileInProgress' } }
    await create(system, backup('b1', { metadata }))
    const { status } = await ended(system, 'b1', 'Failed')
    t.match(status.failureReason, 'found a backup with status "InProgress" during the server starting')
    await create(system, backup('b2'))
    await settledRun(system, 'b2', 'PostBackup')
    t.equal(system.hooks.calls('/90-post').length, 1, 'for b2, which came later')
  },
)

t.test('a new Action never runs for what had ended before it', whenThorough, async (t) => {
  const system = await startCluster(t)
  await create(system, backup('b1'))
  await ended(system, 'b1')
  // Kubernetes counts in whole seconds: only a later second is provably later.
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  await act(system, action('90-post', { stage: 'PostBackup' }))
  await create(system, backup('b2'))
  await settledRun(system, 'b2', 'PostBackup')
  t.equal(system.hooks.calls('/90-post').length, 1)
})

t.test(
  "an Action outside Velero's namespaces is let in with a word that nothing will run it",
  whenThorough,
  async (t) => {
    const system = await startCluster(t)
    const given = action('10-a', { http: { url: `${system.hooks.url}/10-a` } })
    const elsewhere = { ...given, metadata: { name: '10-a', namespace: 'shop' } }
    const path = pathOf('actions').replace('/velero/', '/shop/')
    const { status, warnings } = await system.call('POST', path, { body: elsewhere })
    t.equal(status, 201)
    t.match(warnings, [/nothing will run this Action/])
    t.same((await system.call('POST', pathOf('actions'), { body: given })).warnings, [])
  },
)

t.test(
  'an Action whose statuses are numbers is accepted as its author wrote it, and tried again for them',
  whenThorough,
  async (t) => {
    const system = await startCluster(t)
    system.hooks.behave('/10-a', { status: 429, times: 1 }, { status: 204 })
    await act(
      system,
      action('10-a', {
        http: { url: `${system.hooks.url}/10-a`, expectStatus: [204] },
        retry: { limit: 1, initialSeconds: 0, retryOn: ['5xx', 429, 'network', 'timeout'] },
      }),
    )
    const stored = system.api.read('tidewaiter.io/actions', 'velero', '10-a') as Loose
    t.same(stored.spec.retry.retryOn, ['5xx', 429, 'network', 'timeout'], 'GitOps sees what it wrote')
    t.match(stored.status.conditions, [{ type: 'Accepted', status: 'True' }])
    const { status, body } = await create(system, backup('b1'))
    t.equal(status, 201, body.message)
    t.equal(system.hooks.calls('/10-a').length, 2)
  },
)
