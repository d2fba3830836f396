/** Holds on the whole service: its webhooks, its guard and its leader, between the API server and a Velero. */
import t from 'tap'
import { eventually, pathOf, type Loose } from '../support/asking.ts'
import { startCluster, type System } from '../support/cluster.ts'
import { act, action, backup, create, ended, settledRun } from '../support/scenes.ts'

t.jobs = 3

const held = (name: string, spec: Loose = {}) => action(name, { mode: 'Hold', ...spec })
const undo = (system: System, name: string) => ({ http: { url: `${system.hooks.url}/undo-${name}` } })
const object = (system: System, name: string) => system.api.read('velero.io/backups', 'velero', name) as Loose
const paths = (system: System) => system.hooks.calls().map(({ path }) => path)

t.test('Velero starts a held Backup when its actions have ended, and not before', async (t) => {
  const system = await startCluster(t)
  const { promise, resolve } = Promise.withResolvers<void>()
  system.hooks.behave('/10-a', { after: promise })
  await act(system, held('10-a', { timeoutSeconds: 60 }))
  const { status } = await create(system, backup('b1'))
  t.equal(status, 201)
  await system.hooks.called('/10-a')
  t.match(object(system, 'b1'), {
    metadata: { annotations: { 'tidewaiter.io/hold': 'pre-actions' } },
    status: { phase: 'New' },
  })
  const start = { status: { phase: 'InProgress' } }
  const forced = await system.call('PATCH', pathOf('backups', 'b1'), {
    body: start,
    type: 'application/merge-patch+json',
  })
  t.equal(forced.status, 403, 'nor does an administrator')
  t.match(forced.body.message, /held, because its pre actions have not ended/)
  resolve()
  const { metadata } = await ended(system, 'b1')
  t.equal(metadata.annotations['tidewaiter.io/hold'], undefined)
  t.match(JSON.parse(metadata.annotations['tidewaiter.io/pre']), { phase: 'Succeeded' })
})

t.test('what is refused while it is held fails with the words of the action, and is undone', async (t) => {
  const system = await startCluster(t, { speed: 4 })
  system.hooks.behave('/20-b', { status: 503, body: 'replica lag 40 s' })
  await act(system, held('10-a', { undo: undo(system, '10-a') }), held('20-b'))
  t.equal((await create(system, backup('b1'))).status, 201)
  const { status } = await ended(system, 'b1', 'FailedValidation')
  t.match(status.validationErrors, [/"20-b" failed.*503/])
  await system.hooks.called('/undo-10-a')
  t.same(paths(system), ['/10-a', '/20-b', '/undo-10-a'])
})

t.test('the next leader goes on with what a leader left in the middle, under the same key', async (t) => {
  const system = await startCluster(t, { speed: 12 })
  const never = new Promise<void>(() => {})
  system.hooks.behave('/10-a', { after: never, times: 1 }, {})
  await act(system, held('10-a', { timeoutSeconds: 10 }))
  await create(system, backup('b1'))
  await system.hooks.called('/10-a')
  await system.service.kill()
  await system.startService()
  await ended(system, 'b1')
  const keys = system.hooks.calls('/10-a').map(({ headers }) => headers['idempotency-key'])
  t.equal(keys.length, 2)
  t.same([...new Set(keys)], [`${object(system, 'b1').metadata.uid}/PreBackup/10-a`])
})

t.test('of two Backups that share a key the second waits for the post actions of the first', async (t) => {
  const system = await startCluster(t, { speed: 8 })
  const { promise, resolve } = Promise.withResolvers<void>()
  system.hooks.behave('/90-post', { after: promise, times: 1 }, {})
  await act(
    system,
    held('10-a', { exclusive: 'shop' }),
    // Time goes faster here than a busy machine.
    action('90-post', { stage: 'PostBackup', timeoutSeconds: 600 }),
  )
  for (const name of ['b1', 'b2']) t.equal((await create(system, backup(name))).status, 201)
  await ended(system, 'b1')
  await system.hooks.called('/90-post')
  await eventually('the second waits for the key', async () => {
    const { body } = await system.call('GET', pathOf('actionruns'))
    return (
      JSON.stringify(body).includes('waits: the exclusive key \\"shop\\" is taken by Backup velero/b1') ||
      undefined
    )
  })
  t.same(paths(system), ['/10-a', '/90-post'])
  resolve()
  await ended(system, 'b2')
  await settledRun(system, 'b2', 'PostBackup')
  t.same(paths(system), ['/10-a', '/90-post', '/10-a', '/90-post'])
})
