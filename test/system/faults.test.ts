/** The service when things go wrong around it: API server, watches, writes, its own death. */
import t from 'tap'
import { eventually, pathOf, type Loose } from '../support/asking.ts'
import { startCluster, type System } from '../support/cluster.ts'
import { act, action, backup, create, ended, runs, settledRun } from '../support/scenes.ts'
import { whenThorough } from '../support/runs.ts'

t.jobs = 4

const forever = Number.POSITIVE_INFINITY
const later = (duration: string): Loose => ({
  metadata: { annotations: { 'sandbox.velero.io/duration': duration } },
})

t.test(
  'a copy of the Actions that has been silent is not believed: the API server is asked',
  whenThorough,
  async (t) => {
    const system = await startCluster(t, { speed: 12 })
    await act(system, action('10-a', {}))
    system.api.faults.add({
      match: { verb: 'watch', resource: 'actions' },
      times: forever,
      effect: { kind: 'freeze' },
    })
    system.api.faults.dropWatches({ resource: 'actions' })
    const body = {
      ...action('20-b', {}),
      spec: { stage: 'PreBackup', http: { url: `${system.hooks.url}/20-b` } },
    }
    t.equal((await system.call('POST', pathOf('actions'), { body })).status, 201)
    let count = 0
    const oneMore = async () => {
      const { status, body } = await create(system, backup(`b${(count += 1)}`))
      if (status !== 201) throw new Error(JSON.stringify(body))
      return system.hooks.calls('/20-b').length > 0 || undefined
    }
    await eventually('the new Action runs', oneMore, { everyMs: 500 })
    const faults = { match: { verb: 'list', resource: 'actions' }, times: forever }
    system.api.faults.add({ ...faults, effect: { kind: 'answer', code: 500 } })
    const { status, body: said } = await create(system, backup('refused'))
    t.equal(status, 500, said.message)
    t.match(said.message, /the copy of them is stale, and the API server did not answer/)
    t.equal(system.api.read('velero.io/backups', 'velero', 'refused'), undefined)
  },
)

t.test('an API server that restarts is found again, and what it missed is done', async (t) => {
  const system = await startCluster(t)
  await act(system, action('10-a', {}), action('90-post', { stage: 'PostBackup' }))
  await create(system, backup('b1', later('300ms')))
  await system.api.restart()
  await settledRun(system, 'b1', 'PostBackup')
  await eventually(
    'a Backup is admitted again',
    async () => (await create(system, backup('b2'))).status === 201 || undefined,
  )
  await settledRun(system, 'b2', 'PostBackup')
  t.equal(system.hooks.calls('/90-post').length, 2)
})

t.test(
  'a Backup that slipped by while nobody was there is reported as unguarded',
  whenThorough,
  async (t) => {
    const system = await startCluster(t, { speed: 8 })
    await act(system, action('10-a', {}), action('90-post', { stage: 'PostBackup' }))
    const { body } = await system.call(
      'GET',
      '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
    )
    const [{ metadata }] = body.items
    await system.service.kill()
    await system.call(
      'DELETE',
      `/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/${metadata.name}`,
    )
    // Whole seconds: only a later one is provably after the install.
    await system.clock.sleep(1_100)
    t.equal((await create(system, backup('b1'))).status, 201)
    await ended(system, 'b1')
    await system.startService()
    const run = await settledRun(system, 'b1', 'PreBackup')
    t.match(run.status, { phase: 'Unknown', reason: 'Unguarded' })
    t.same(system.hooks.calls('/10-a'), [])
    await settledRun(system, 'b1', 'PostBackup')
  },
)

t.test('another process leads when the leader dies, and runs what it left', whenThorough, async (t) => {
  const system = await startCluster(t, { speed: 8 })
  await act(system, action('90-post', { stage: 'PostBackup' }))
  await system.startService()
  t.equal((await create(system, backup('b1', later('16s')))).status, 201)
  await system.service.kill()
  await settledRun(system, 'b1', 'PostBackup')
  t.equal(system.hooks.calls('/90-post').length, 1)
})

const deaths = {
  'after the claim was written': { idempotent: [1, 'Succeeded'], not: [0, 'Unknown'] },
  'while the action runs': { idempotent: [2, 'Succeeded'], not: [1, 'Unknown'] },
  'after the outcome was written': { idempotent: [1, 'Succeeded'], not: [1, 'Succeeded'] },
} as const

for (const [when, want] of Object.entries(deaths)) {
  for (const idempotent of [true, false]) {
    const [calls, phase] = want[idempotent ? 'idempotent' : 'not']
    const kind = idempotent ? 'an action' : 'an action that is not idempotent'
    const often = when === 'while the action runs' && !idempotent ? {} : whenThorough
    t.test(`dying ${when}: ${kind} is called ${calls} times, and its run is ${phase}`, often, async (t) => {
      const system = await startCluster(t, { speed: 8 })
      await act(system, action('90-post', { stage: 'PostBackup', idempotent, timeoutSeconds: 20 }))
      const dead = dieWhen(system, when as keyof typeof deaths)
      t.equal((await create(system, backup('b1'))).status, 201)
      await dead
      await system.startService()
      const run = await settledRun(system, 'b1', 'PostBackup')
      t.match(run.status, { phase, actions: [{ name: '90-post', phase }] })
      const made = system.hooks.calls('/90-post')
      t.equal(made.length, calls)
      t.ok(new Set(made.map(({ headers }) => headers['idempotency-key'])).size <= 1)
      await eventually('it is told on the Backup', () => {
        const found = system.api.read('velero.io/backups', 'velero', 'b1') as Loose
        return found.metadata.annotations?.['tidewaiter.io/post']
      })
    })
  }
}

/** Kills the service at a moment of its post action; resolves when it is dead. */
async function dieWhen(system: System, when: keyof typeof deaths): Promise<void> {
  if (when === 'while the action runs') {
    const dead = Promise.withResolvers<void>()
    system.hooks.behave('/90-post', { after: dead.promise, times: 1 }, {})
    await system.hooks.called('/90-post')
    await system.service.kill()
    dead.resolve()
    return
  }
  const wanted = when === 'after the claim was written' ? 'Running' : 'Succeeded'
  const killed = Promise.withResolvers<void>()
  const forget = system.api.onRequest(({ method, info }) => {
    if (method !== 'PUT' || info.resource !== 'actionruns') return
    const run = system.api.read('tidewaiter.io/actionruns', 'velero', info.name) as Loose
    if (run?.status?.actions?.[0]?.phase !== wanted) return
    forget()
    // Before the answer is sent: it does not know that its write was taken.
    killed.resolve(system.service.kill())
  })
  await killed.promise
}

t.test(
  'writes of runs that fail lose nothing and double nothing that is recorded',
  whenThorough,
  async (t) => {
    const system = await startCluster(t, { speed: 4 })
    await act(system, action('10-a', {}), action('90-post', { stage: 'PostBackup' }))
    let count = 0
    for (const code of [409, 410, 429, 500]) {
      for (const verb of ['create', 'update']) {
        for (let nth = 1; nth <= (verb === 'create' ? 2 : 4); nth += 1) {
          const name = `b${(count += 1)}`
          const undo = system.api.faults.add({
            match: { verb, resource: 'actionruns' },
            nth,
            effect: { kind: 'answer', code },
          })
          const about = `${code} at ${verb} ${nth}`
          const { status } = await create(system, backup(name))
          const of = (path: string) =>
            system.hooks.calls(path).filter(({ headers }) => headers['idempotency-key']?.includes(uid))
          const made = system.api.read('velero.io/backups', 'velero', name) as Loose
          const uid = made?.metadata.uid ?? 'none'
          t.equal(status === 201, made !== undefined, about)
          if (made !== undefined) {
            const { status } = await settledRun(system, name, 'PostBackup')
            t.equal(status.phase, 'Succeeded', about)
            t.same([of('/10-a').length, of('/90-post').length], [1, 1], about)
          }
          undo()
        }
      }
    }
    t.equal(
      new Set((await runs(system)).map(({ metadata }) => metadata.name)).size,
      (await runs(system)).length,
    )
  },
)
