/** Actions that act for accounts, on the service as a whole: who gains what by writing one, and what a Backup does then. */
import t, { type Test } from 'tap'
import { account, aDeployment, granted, mayUseAccount, ofDeployer } from '../support/accounts.ts'
import { eventually, pathOf, type Loose } from '../support/asking.ts'
import { startCluster, type System, type SystemOptions } from '../support/cluster.ts'
import { action, backup, create, ended, runs, settledRun } from '../support/scenes.ts'
import { whenThorough } from '../support/runs.ts'

t.jobs = 4

const mayWriteActions = (user: string) =>
  granted(`actions-${user}`, 'velero', { kind: 'User', name: user }, [
    { apiGroups: ['tidewaiter.io'], resources: ['actions'], verbs: ['get', 'create', 'update', 'patch'] },
  ])

/** ann may write Actions for `deployer`, mallory may write Actions and nothing else. */
async function start(t: Test, options: Partial<SystemOptions> = {}): Promise<System> {
  const system = await startCluster(t, {
    becomes: ['deployer'],
    objects: [
      ...['ann', 'mallory'].flatMap(mayWriteActions),
      ...mayUseAccount('ann', 'deployer'),
      ...mayUseAccount('ann', 'hidden'),
      ...granted('deployer', 'shop', account('deployer'), ofDeployer),
      ...granted('hidden', 'shop', account('hidden'), [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }]),
      aDeployment('web'),
    ],
    ...options,
  })
  for (const name of ['ann', 'mallory']) system.api.addUser({ name, token: `token-of-${name}` })
  return system
}

const target = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' }
const freeze = (more: Loose = {}) =>
  action('10-freeze', {
    serviceAccountName: 'deployer',
    patch: { ...target, patch: { spec: { replicas: 0 } } },
    mode: 'Refuse',
    ...more,
  })
const apply = (system: System, body: Loose, as = 'ann') =>
  system.call('POST', pathOf('actions'), { body, as })
const web = ({ api }: System): Loose => api.read('apps/deployments', 'shop', 'web')

/** Applies an Action, and waits until the leader has seen it. */
async function applied(system: System, body: Loose, as = 'ann'): Promise<void> {
  const { status, body: said } = await apply(system, body, as)
  if (status !== 201) throw new Error(`${status} ${said.message}`)
  await eventually('it is accepted', () => {
    const found = system.api.read('tidewaiter.io/actions', 'velero', body.metadata.name) as Loose
    return found.status?.conditions?.[0]?.status === 'True' || undefined
  })
}

t.test(
  'a Backup freezes as the account, keeps what was there in its run, and thaws when it has ended',
  async (t) => {
    const system = await start(t)
    const writers: string[] = []
    system.api.onRequest(({ method, user, info }) => {
      if (method === 'PATCH' && info.resource === 'deployments') writers.push(user)
    })
    await applied(
      system,
      freeze({
        undo: { revert: true },
        undoAt: 'Always',
        outputs: [{ name: 'all', expression: 'response' }],
      }),
    )
    t.equal((await create(system, backup('b1'))).status, 201)
    const run = await settledRun(system, 'b1', 'PreBackup')
    t.match(run.status.actions, [
      {
        phase: 'Succeeded',
        before: {
          objects: [{ name: 'web', changes: [{ path: ['spec', 'replicas'], before: 3, after: 0 }] }],
        },
      },
    ])
    t.notMatch(JSON.stringify(run.status), /image|MODE/, 'nothing else of the object is in the record')
    await ended(system, 'b1')
    await eventually('it is put back', () => web(system).spec.replicas === 3 || undefined)
    t.equal(web(system).metadata.annotations, undefined, 'nothing was left on the object')
    t.same([...new Set(writers)], ['system:serviceaccount:velero:deployer'])
  },
)

t.test('a refusal by a later action puts back what the earlier one patched', whenThorough, async (t) => {
  const system = await start(t)
  await applied(system, freeze({ undo: { revert: true } }))
  await applied(system, action('20-ask', { http: { url: `${system.hooks.url}/no` }, mode: 'Refuse' }))
  system.hooks.behave('/no', { status: 503 })
  t.equal((await create(system, backup('b1'))).status, 403)
  await eventually('it is put back', () => web(system).spec.replicas === 3 || undefined)
  const undone = await eventually('the run is undone', async () =>
    (await runs(system)).find(({ status }) => status.phase === 'Undone'),
  )
  t.match(undone.status.actions[0].undo.message, /web put back spec\.replicas/)
})

t.test('who may write Actions and nothing else gains nothing by it', async (t) => {
  const system = await start(t)
  const refused = async (body: Loose, want: RegExp) => {
    const answer = await apply(system, body, 'mallory')
    t.equal(answer.status, 422, JSON.stringify(answer.body))
    t.match(answer.body.message, want)
  }
  await refused(freeze(), /name a ServiceAccount of namespace velero that mallory may act for/)
  await refused(freeze({ serviceAccountName: 'velero' }), /not name the account of Velero/)
  const header = { name: 'A', valueFrom: { secretKeyRef: { name: 'any', key: 'k' } } }
  await refused(
    action('10-freeze', { http: { url: 'https://a.example/', headers: [header] } }),
    /a Secret that mallory may get/,
  )
  const asked = system.api.onRequest(({ method, info }) => {
    if (method === 'PATCH' && info.resource === 'deployments') t.fail('nothing is patched')
  })
  t.equal((await create(system, backup('b1'))).status, 201)
  asked()
})

t.test(
  "who may change another's Action cannot make it do more, and is not taken for its author by touching it",
  async (t) => {
    const system = await start(t)
    await applied(system, freeze())
    const change = (patch: Loose, as = 'mallory') =>
      system.call('PATCH', pathOf('actions', '10-freeze'), {
        body: patch,
        as,
        type: 'application/merge-patch+json',
      })
    for (const patch of [
      { spec: { patch: { patch: { spec: { replicas: 9 } } } } },
      { spec: { patch: { name: 'other' } } },
      { metadata: { annotations: { 'tidewaiter.io/adopt': 'mine' } } },
    ]) {
      const answer = await change(patch)
      t.equal(answer.status, 422, JSON.stringify(patch))
      t.match(answer.body.message, /mallory may act for/)
    }
    t.equal((await change({ metadata: { labels: { a: 'b' } } })).status, 200)
    t.equal((await create(system, backup('b1'))).status, 201)
    t.equal(web(system).spec.replicas, 0, 'it still does what ann wrote, as ann may')
  },
)

t.test(
  'no template moves the target, and what records must not hold is no target',
  whenThorough,
  async (t) => {
    const system = await start(t)
    const refused = async (patch: Loose, want: RegExp) => {
      const answer = await apply(system, freeze({ patch: { ...target, ...patch } }))
      t.equal(answer.status, 422)
      t.match(answer.body.message, want)
    }
    const patch = { spec: {} }
    await refused({ patch, name: '${backup.metadata.name}' }, /spec\.patch\.name/)
    await refused({ patch, namespace: '${backup.metadata.namespace}' }, /spec\.patch\.namespace/)
    await refused({ patch, kind: '${stage}' }, /spec\.patch\.kind/)
    await refused({ patch, apiVersion: 'v1', kind: 'Secret' }, /must not be Secret/)
    await refused(
      { patch, apiVersion: 'tidewaiter.io/v1beta1', kind: 'ActionRun' },
      /must not be of tidewaiter\.io/,
    )
    await refused(
      { patch: { status: { phase: 'Completed' } }, apiVersion: 'velero.io/v1', kind: 'Backup' },
      /their status is for Velero/,
    )
    await refused(
      { patch: { spec: { replicas: '${secrets.token}' } } },
      /be a CEL expression that can be used/,
    )
  },
)

t.test('an Action whose author lost the verb use is refused at the next run', async (t) => {
  // An answer about rights is kept for ten seconds: one of the wall.
  const system = await start(t, { speed: 10 })
  await applied(system, freeze({ timeoutSeconds: 20 }))
  t.equal((await create(system, backup('b1'))).status, 201)
  t.equal(web(system).spec.replicas, 0)
  await system.call('PATCH', '/apis/apps/v1/namespaces/shop/deployments/web', {
    body: { spec: { replicas: 3 } },
    type: 'application/merge-patch+json',
  })
  const binding = '/apis/rbac.authorization.k8s.io/v1/namespaces/velero/rolebindings/use-deployer-ann'
  t.equal((await system.call('DELETE', binding)).status, 200)
  let tries = 1
  const refusal = await eventually(
    'a Backup is refused',
    async () => {
      tries += 1
      const answer = await create(system, backup(`b${tries}`))
      return answer.status === 403 ? answer.body.message : undefined
    },
    { everyMs: 200 },
  )
  t.match(
    refusal,
    /ann, the author of this Action, must hold the verb use on the ServiceAccount velero\/deployer, and does not/,
  )
})

t.test('the accounts that the install names are all there are', whenThorough, async (t) => {
  const system = await start(t)
  const answer = await apply(system, freeze({ serviceAccountName: 'hidden' }))
  t.equal(answer.status, 422)
  t.match(
    answer.body.message,
    /lets tidewaiter act for \(verb impersonate on serviceaccounts\/hidden in namespace velero/,
  )
  await applied(system, freeze())
  const role = '/apis/rbac.authorization.k8s.io/v1/namespaces/velero/roles/actors'
  t.equal((await system.call('DELETE', role)).status, 200)
  const refused = await create(system, backup('b1'))
  t.equal(refused.status, 403)
  t.match(refused.body.message, /as ServiceAccount velero\/deployer: tidewaiter may not act for it, got 403 /)
  t.equal(web(system).spec.replicas, 3)
})

t.test(
  'an Action for an account that a Restore brought back acts for nobody until somebody who may use it adopts it',
  async (t) => {
    const system = await start(t)
    const velero = 'system:serviceaccount:velero:velero'
    t.equal((await apply(system, freeze(), velero)).status, 201)
    const reason = () =>
      (system.api.read('tidewaiter.io/actions', 'velero', '10-freeze') as Loose).status?.conditions?.[0]
        ?.reason
    await eventually('it waits', () => reason() === 'Unadopted' || undefined)
    t.equal((await create(system, backup('b1'))).status, 201)
    t.equal(web(system).spec.replicas, 3)
    const adopt = (as: string) =>
      system.call('PATCH', pathOf('actions', '10-freeze'), {
        body: { metadata: { annotations: { 'tidewaiter.io/adopt': as } } },
        as,
        type: 'application/merge-patch+json',
      })
    t.equal((await adopt('mallory')).status, 422)
    t.equal((await adopt('ann')).status, 200)
    await eventually('it is adopted', () => reason() !== 'Unadopted' || undefined)
    t.equal((await create(system, backup('b2'))).status, 201)
    t.equal(web(system).spec.replicas, 0)
  },
)

t.test(
  'an action that is only tried out asks the API server, and changes nothing',
  whenThorough,
  async (t) => {
    const system = await start(t)
    await applied(system, freeze({ dryRun: true }))
    const answer = await create(system, backup('b1'))
    t.equal(answer.status, 201)
    const { resourceVersion } = web(system).metadata
    t.match((await settledRun(system, 'b1', 'PreBackup')).status.actions, [
      { phase: 'Succeeded', message: 'would PATCH apps/v1 Deployment shop/web: web' },
    ])
    t.equal(web(system).spec.replicas, 3)
    const preview = await system.call('POST', `${pathOf('backups')}?dryRun=All`, { body: backup('b2') })
    t.match(preview.warnings.join('\n'), /PATCH apps\/v1 Deployment shop\/web/)
    t.equal(web(system).metadata.resourceVersion, resourceVersion)
  },
)
