/** What a leader waits for, and what it says of the time in which the one before it could not look. */
import t from 'tap'
import { eventually, pathOf, type Loose } from '../support/asking.ts'
import { startCluster, type System } from '../support/cluster.ts'
import { runName } from '../../src/core/run/names.ts'
import { aRunObject } from '../support/build.ts'
import { act, action, backup, create, ended, runs, settledRun } from '../support/scenes.ts'
import { whenThorough } from '../support/runs.ts'

t.jobs = 3

const forever = Number.POSITIVE_INFINITY
const registrations = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations'

/** Takes the webhooks away: Backups come to be without anybody being asked. */
async function unregister(system: System): Promise<void> {
  const { body } = await system.call('GET', registrations)
  for (const { metadata } of body.items) await system.call('DELETE', `${registrations}/${metadata.name}`)
}

t.test('a leader fires nothing before it knows which addresses must not be called', async (t) => {
  const system = await startCluster(t, { speed: 8 })
  await act(system, action('90-post', { stage: 'PostBackup' }))
  await system.service.kill()
  await unregister(system)
  t.equal((await create(system, backup('b1'))).status, 201)
  await ended(system, 'b1')
  const mend = system.api.faults.add({
    match: { verb: 'list', resource: 'nodes' },
    times: forever,
    effect: { kind: 'answer', code: 403 },
  })
  const next = system.startService()
  await eventually(
    'the next process leads',
    () => system.logged().filter((line) => line.includes('this process leads')).length > 1 || undefined,
  )
  await eventually(
    'it has asked in vain more than once',
    () => system.logged().filter((line) => line.includes('could not be read')).length > 3 || undefined,
  )
  t.same(await runs(system, 'PostBackup'), [], 'nothing was planned, and so nothing handed back')
  mend()
  await next
  const { status } = await settledRun(system, 'b1', 'PostBackup')
  t.match(status, { phase: 'Succeeded', actions: [{ attempts: 1 }] })
})

t.test(
  'what ended while the leader could not look is reported by the next one, and not fired',
  whenThorough,
  async (t) => {
    const system = await startCluster(t, { speed: 12 })
    await act(system, action('90-post', { stage: 'PostBackup' }))
    await create(system, backup('before'))
    await settledRun(system, 'before', 'PostBackup')
    await unregister(system)
    const mend = system.api.faults.add({
      match: { verb: 'create', resource: 'actionruns' },
      times: forever,
      effect: { kind: 'answer', code: 500 },
    })
    t.equal((await create(system, backup('missed'))).status, 201)
    const { status } = await ended(system, 'missed')
    const lease = async (): Promise<Loose> =>
      (await system.call('GET', '/apis/coordination.k8s.io/v1/leases')).body.items.find(
        ({ metadata }: Loose) => metadata.name.endsWith('-leader'),
      )
    // A minute is the margin in which it would still be fired: the former leader may have died with it unseen.
    await eventually('the lease was renewed for more than a minute', async () => {
      const { spec } = await lease()
      return Date.parse(spec.renewTime) > Date.parse(status.completionTimestamp) + 65_000 || undefined
    })
    const { metadata } = await lease()
    t.ok(
      // When it first came up, or a little later: Velero's times are whole seconds.
      Date.parse(metadata.annotations['tidewaiter.io/looked-until']) <
        Date.parse(status.completionTimestamp) + 30_000,
      'and yet the lease does not say that it was looked at',
    )
    await system.service.kill()
    mend()
    await system.startService()
    const told = await eventually('the next leader tells', () => {
      const found = system.api.read('velero.io/backups', 'velero', 'missed') as Loose
      return found?.metadata.annotations?.['tidewaiter.io/post']
    })
    t.match(JSON.parse(told), { phase: 'Unknown', run: /^missed-/ })
    const { body } = await system.call('GET', pathOf('events'))
    const events = body.items.filter(({ involvedObject }: Loose) => involvedObject.name === 'missed')
    t.match(
      events.find(({ reason }: Loose) => reason === 'PostActionsNotFired'),
      { type: 'Warning', message: /could not look at it .* wanted of 90-post$/ },
    )
    t.equal(system.hooks.calls('/90-post').length, 1, 'only for the one before')
  },
)

t.test(
  'a Backup that began although its run said no is marked so, and its run keeps what it froze',
  whenThorough,
  async (t) => {
    const system = await startCluster(t)
    await unregister(system)
    const metadata = { annotations: { 'sandbox.velero.io/duration': '2s' } }
    const { body: made } = await create(system, backup('b1', { metadata }))
    const { body: kubeSystem } = await system.call('GET', '/api/v1/namespaces/kube-system')
    const { uid } = made.metadata
    const run = aRunObject({
      name: runName({ name: 'b1', uid }, 'PreBackup'),
      objectRef: { kind: 'Backup', name: 'b1', uid },
      cluster: kubeSystem.metadata.uid,
    })
    const { name, namespace, labels } = run.metadata
    const own = { ...run, metadata: { name, namespace, labels } }
    const { status: code, body: stored } = await system.call('POST', pathOf('actionruns'), {
      body: own,
      as: 'tidewaiter',
    })
    t.equal(code, 201, stored.message)
    const said = {
      phase: 'Refused',
      reason: 'ActionFailed',
      message: 'no',
      completionTimestamp: '2026-01-01T00:00:00Z',
    }
    const put = await system.call('PUT', `${pathOf('actionruns', name)}/status`, {
      body: { ...stored, status: said },
      as: 'tidewaiter',
    })
    t.equal(put.status, 200, put.body.message)
    const told = await eventually('the annotation says so', () => {
      const found = system.api.read('velero.io/backups', 'velero', 'b1') as Loose
      const text = found?.metadata.annotations?.['tidewaiter.io/pre'] ?? '{}'
      return JSON.parse(text).unguarded === true ? JSON.parse(text) : undefined
    })
    t.match(told, { phase: 'Refused', run: name })
    const after = system.api.read('tidewaiter.io/actionruns', 'velero', name) as Loose
    t.match(after.status, { ...said, conditions: [{ type: 'Unguarded', status: 'True' }] })
    t.same(after.spec, stored.spec, 'the copy that it was written from holds no object')
    t.equal(system.logged().filter((line) => line.includes('unguarded: it began')).length, 1)
  },
)
