/** Actions that call the Kubernetes API, as an account of their own, on a real cluster: examples/quiesce-by-scale as it is applied. */
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import {
  aBackupName,
  accepted,
  act,
  aMark,
  anAction,
  aName,
  apply,
  aUser,
  call,
  ended,
  eventually,
  grant,
  kubectl,
  must,
  ready,
  runsOf,
  settledRun,
  tryApply,
  velero,
  veleroNamespace,
  withoutPods,
  type Loose,
} from './support.ts'

t.before(() => ready())

const accounts = readFileSync(
  new URL('../../examples/quiesce-by-scale/account.yaml', import.meta.url),
  'utf8',
)

/** A shop of two pods in a namespace of its own, and the example's account for it. */
async function shop(t: Test): Promise<{ readonly namespace: string; readonly account: string }> {
  const [namespace, account] = [aName('shop'), aName('shop-scaler')]
  const text = accounts
    .replaceAll('namespace: shop\n', `namespace: ${namespace}\n`)
    .replaceAll('shop-scaler', account)
  t.teardown(async () => {
    await kubectl(['delete', '--wait=false', '--ignore-not-found', '-f', '-'], { input: text })
    await kubectl(['delete', 'namespace', namespace, '--wait=false'])
  })
  const container = {
    name: 'web',
    image: '10.244.0.1:5000/node:24',
    command: ['/usr/local/bin/node', '-e', 'setInterval(() => {}, 1e6)'],
  }
  const labels = { app: 'web' }
  await apply(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { containers: [container], terminationGracePeriodSeconds: 1 },
        },
      },
    },
  )
  must(await kubectl(['apply', '-f', '-'], { input: text }))
  await eventually(async () => (await web(namespace)).status?.readyReplicas === 2, {
    ms: 90_000,
    what: 'two pods of the shop',
  })
  return { namespace, account }
}

const web = async (namespace: string): Promise<Loose> =>
  (await call('GET', `/apis/apps/v1/namespaces/${namespace}/deployments/web`)).body

const pods = async (namespace: string): Promise<readonly Loose[]> =>
  (await call('GET', `/api/v1/namespaces/${namespace}/pods`)).body.items

const backUpShop = (name: string, mark: string, namespace: string) =>
  velero(['backup', 'create', name, '--include-namespaces', namespace, '--labels', `e2e=${mark}`])

/** The example's two Actions, for what carries the mark. */
const actionsOf = (
  mark: string,
  { namespace, account }: { readonly namespace: string; readonly account: string },
) => {
  const common = { mode: 'Hold', serviceAccountName: account }
  return [
    anAction(aName('10-stop'), mark, {
      ...common,
      timeoutSeconds: 30,
      retry: { limit: 3 },
      scale: { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: 'web', replicas: 0 },
      undo: { revert: true },
      undoAt: 'Always',
    }),
    anAction(aName('20-wait'), mark, {
      ...common,
      timeoutSeconds: 90,
      wait: {
        apiVersion: 'v1',
        kind: 'Pod',
        namespace,
        selector: { matchLabels: { app: 'web' } },
        gone: true,
      },
    }),
  ]
}

t.test(
  'a shop is stopped as its account for its Backup, and started again',
  { skip: withoutPods },
  async (t) => {
    const place = await shop(t)
    const { mark } = aMark()
    await act(t, ...actionsOf(mark, place))
    const name = aBackupName()
    must(await backUpShop(name, mark, place.namespace))
    const run = await settledRun('backup', name, 'PreBackup')
    const backup = await ended('backup', name)
    t.equal(backup.status.phase, 'Completed', JSON.stringify(run.status))
    await eventually(async () => (await web(place.namespace)).status?.readyReplicas === 2, {
      ms: 90_000,
      what: 'the shop to be there again',
    })
    const rows = await eventually(
      async (): Promise<readonly Loose[] | undefined> => {
        const found = (await runsOf('backup', name)).find(({ spec }) => spec.stage === 'PreBackup')
        return found?.status.actions[0]?.undo?.phase === 'Undone' ? found.status.actions : undefined
      },
      { what: 'the record of the undo' },
    )
    t.same(
      rows.map(({ phase }) => phase),
      ['Succeeded', 'Succeeded'],
    )
    const waited = Date.parse(rows[1]?.completionTimestamp)
    t.ok(
      waited <= Date.parse(backup.status.startTimestamp) + 1_000,
      'Velero began when the last pod had gone',
    )
    const born = (await pods(place.namespace)).map(({ metadata }) => Date.parse(metadata.creationTimestamp))
    t.ok(
      born.every((at) => at >= waited - 1_000),
      'no pod of before is left',
    )
  },
)

t.test(
  'what the account may not do is not done, and the refusal says so',
  { skip: withoutPods },
  async (t) => {
    const place = await shop(t)
    const { mark } = aMark()
    const [stop] = actionsOf(mark, place)
    await act(t, {
      ...stop,
      spec: { ...stop?.['spec'], mode: 'Refuse', retry: { limit: 0 }, timeoutSeconds: 10 },
    })
    await kubectl(['-n', place.namespace, 'delete', 'rolebinding', place.account])
    // Rights leave the authorizer a moment after they were taken.
    const refused = await eventually(
      async () => {
        const ran = await backUpShop(aBackupName(), mark, place.namespace)
        return /forbidden|cannot/.test(ran.stderr) ? ran : undefined
      },
      { what: 'a refusal' },
    )
    t.match(refused.stderr, new RegExp(`ServiceAccount ${veleroNamespace}/${place.account}`))
    t.equal((await web(place.namespace)).spec.replicas, 2)
  },
)

t.test(
  'who writes Actions and holds no verb use has none of the account',
  { skip: withoutPods },
  async (t) => {
    const place = await shop(t)
    const { mark } = aMark()
    const alice = aUser()
    await grant(t, alice, [['tidewaiter.io', 'actions', 'get', 'create', 'patch', 'delete']])
    const [stop] = actionsOf(mark, place)
    const denied = await tryApply([stop], { as: alice })
    t.not(denied.code, 0)
    t.match(denied.stderr, /name a ServiceAccount of namespace velero that \S+ may act for/)
    await act(t, ...actionsOf(mark, place).slice(0, 1))
    const [mine] = actionsOf(mark, place)
    t.teardown(() => kubectl(['delete', 'action', String(mine?.metadata.name), '--ignore-not-found']))
    must(
      await kubectl([
        'create',
        'rolebinding',
        `${place.account}-users-${alice.user}`.slice(0, 60),
        '--role',
        `${place.account}-users`,
        '--user',
        alice.user,
      ]),
    )
    await eventually(async () => (await tryApply([mine], { as: alice })).code === 0, {
      what: 'alice to be allowed',
    })
    t.match(await accepted(String(mine?.metadata.name)), { status: 'True' })
  },
)
