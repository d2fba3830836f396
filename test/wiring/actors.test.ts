/** The Kubernetes API as the account of an Action: judged by the API server as that account's, whatever we may do ourselves. */
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import type { Actor } from '../../src/actions/ports.ts'
import type { Call, KubeClient } from '../../src/kube/client.ts'
import type { AccessReview } from '../../src/kube/access-review.ts'
import { createActors, mostLists } from '../../src/wiring/actors.ts'
import type { Loose } from '../support/asking.ts'
import {
  aDeployment,
  ann,
  mayBecome,
  mayUseAccount,
  startAccounts,
  type Accounts,
} from '../support/accounts.ts'
import { FakeClock } from '../support/fake-clock.ts'

const signal = new AbortController().signal
const deployments = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop' }
const by = { author: ann, namespace: 'velero' }
const merge = {
  type: 'merge',
  patch: { spec: { paused: true } },
  fieldManager: 'tidewaiter',
  signal,
} as const

async function actorOf({ actors }: Accounts, name = 'deployer'): Promise<Actor> {
  const answer = await actors(name, by)
  if ('refused' in answer) throw new Error(answer.refused)
  return answer.ok
}

t.test('each request is sent as the account, and does what the account may', async (t) => {
  const cluster = await startAccounts(t, [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } },
  ])
  await cluster.call('POST', '/apis/apps/v1/namespaces/shop/deployments', { body: aDeployment('web') })
  const users: string[] = []
  cluster.api.onRequest(({ user }) => users.push(user))
  const actor = await actorOf(cluster)
  users.length = 0
  t.equal(actor.account, 'ServiceAccount velero/deployer')
  t.match(await actor.get(deployments, 'web', { signal }), { ok: { metadata: { name: 'web' } } })
  t.same(await actor.get(deployments, 'none', { signal }), { ok: undefined })
  t.match(await actor.patch(deployments, 'web', merge), { ok: { spec: { paused: true } } })
  t.match(await actor.list(deployments, { selector: 'app=web', limit: 1, signal }), {
    ok: { items: [{ metadata: { name: 'web' } }], more: false },
  })
  t.same([...new Set(users)], ['system:serviceaccount:velero:deployer'])
  const { body } = await cluster.call('GET', '/apis/apps/v1/namespaces/shop/deployments/web')
  const managers: readonly Loose[] = body.metadata.managedFields
  t.ok(managers.some(({ manager, operation }) => manager === 'tidewaiter' && operation === 'Update'))
})

t.test('a patch that is not wanted any more when it would be written is not sent', async (t) => {
  const cluster = await startAccounts(t, [aDeployment('web')])
  const actor = await actorOf(cluster)
  t.match(await actor.patch(deployments, 'web', { ...merge, isWanted: () => false }), {
    message: /it was not wanted any more/,
  })
  t.equal((cluster.api.read('apps/deployments', 'shop', 'web') as Loose).spec.paused, undefined)
  t.match(await actor.patch(deployments, 'web', { ...merge, isWanted: () => true }), { ok: {} })
})

t.test('what the account may not is refused, and says who, what, and what to do', async (t) => {
  const cluster = await startAccounts(t, [aDeployment('web')])
  const actor = await actorOf(cluster, 'poor')
  const answer = await actor.patch(deployments, 'web', merge)
  t.match(answer, {
    failed: 'answer',
    status: 403,
    why: '403',
    sent: false,
    message:
      /^patch apps\/v1 Deployment shop\/web as ServiceAccount velero\/poor answered 403 ".*cannot patch resource.*"\. Give the account the verb patch on deployments\.apps in namespace shop \(for web: a rule with resourceNames must hold this name\), and see that the account exists: kubectl -n velero get serviceaccount poor$/,
  })
  t.equal((cluster.api.read('apps/deployments', 'shop', 'web') as Loose).spec.paused, undefined)
})

t.test('an account that is not there is refused in words that tell of it', async (t) => {
  const cluster = await startAccounts(t, [...mayBecome(['typo'], 'typos'), ...mayUseAccount('ann', 'typo')])
  const actor = await actorOf(cluster, 'typo')
  t.match(await actor.get(deployments, 'web', { signal }), {
    status: 403,
    message: /see that the account exists: kubectl -n velero get serviceaccount typo$/,
  })
})

t.test('a refusal that shows a whole object keeps its last words, which say why', async (t) => {
  const annotations = { note: 'x'.repeat(50_000) }
  const cluster = await startAccounts(t, [aDeployment('web', { metadata: { annotations } })])
  const actor = await actorOf(cluster)
  const patch = { metadata: { annotations: { more: 'y"'.repeat(2_000) } }, spec: { replicas: 'three' } }
  const answer = await actor.patch(deployments, 'web', { ...merge, patch })
  t.match(answer, { failed: 'answer', message: /cannot unmarshal string into .*replicas of type int32"$/ })
  t.ok('message' in answer && answer.message.length < 600, JSON.stringify(answer))
})

t.test('an account that the install does not name is not acted for, whatever it may do', async (t) => {
  const cluster = await startAccounts(t, [aDeployment('web')])
  const actor = await actorOf(cluster, 'hidden')
  for (const answer of [
    await actor.get(deployments, 'web', { signal }),
    await actor.patch(deployments, 'web', merge),
  ])
    t.match(answer, {
      failed: 'account',
      sent: false,
      message: /tidewaiter may not act for it, got 403 .*Name it in deploy\/components\/actors/,
    })
})

t.test(
  'an author without the verb use, nobody, and an Action for the account of Velero get no actor',
  async (t) => {
    const { actors, api } = await startAccounts(t)
    const asked: string[] = []
    api.onRequest(({ info }) => asked.push(info.resource))
    const mallory = { username: 'mallory', groups: ['operators'] }
    t.match(await actors('deployer', { author: mallory, namespace: 'velero' }), {
      refused:
        'mallory, the author of this Action, must hold the verb use on the ServiceAccount velero/deployer, and does not',
    })
    t.match(await actors('deployer', { author: ann, namespace: 'other' }), {
      refused: /ServiceAccount other\/deployer/,
    })
    t.same(new Set(asked), new Set(['subjectaccessreviews']), 'nothing is asked as the account')
    t.match(await actors('deployer', { author: undefined, namespace: 'velero' }), {
      refused: /nobody is known as the author/,
    })
    t.match(await actors('velero', by), { refused: /the account of Velero, which may do everything/ })
  },
)

t.test(
  'a kind that is not served, and a namespace where there is none, are told before anything is sent',
  async (t) => {
    const actor = await actorOf(await startAccounts(t))
    const get = (aim: Partial<typeof deployments>) => actor.get({ ...deployments, ...aim }, 'web', { signal })
    t.match(await get({ kind: 'Deploymint' }), {
      failed: 'answer',
      sent: false,
      message: /has no kind Deploymint there \(apps\/v1\)/,
    })
    t.match(await get({ apiVersion: 'apps/v9' }), {
      failed: 'answer',
      message: /does not serve this apiVersion \(apps\/v9\)/,
    })
    t.match(await get({ apiVersion: 'v1', kind: 'Namespace' }), {
      failed: 'answer',
      message: /Namespace is cluster-scoped: leave the namespace out/,
    })
  },
)

t.test(
  'without a namespace it is that of the Action, and a kind that is cluster-scoped has none',
  async (t) => {
    const actor = await actorOf(await startAccounts(t))
    const { namespace: _shop, ...bare } = deployments
    t.match(await actor.get(bare, 'web', { signal }), {
      status: 403,
      message: /Deployment velero\/web .* in namespace velero \(for web: /,
    })
    t.match(await actor.get({ apiVersion: 'v1', kind: 'Namespace' }, 'shop', { signal }), {
      status: 403,
      message: /Give the account the verb get on namespaces \(for shop: /,
    })
  },
)

t.test('a kind is looked up once, and again where it was not there a while ago', async (t) => {
  const cluster = await startAccounts(t, [aDeployment('web')])
  const paths: string[] = []
  cluster.api.onRequest(({ url }) => paths.push(url))
  const [one, other] = [await actorOf(cluster), await actorOf(cluster)]
  for (const actor of [one, other, one]) await actor.get(deployments, 'web', { signal })
  t.equal(paths.filter((path) => path === '/apis/apps/v1').length, 1)
})

const faults = {
  'a conflict': {
    effect: { kind: 'answer', code: 409 },
    want: { failed: 'answer', why: '409', sent: false },
  },
  'too many requests': {
    effect: { kind: 'answer', code: 429, retryAfterSeconds: 7 },
    want: { failed: 'answer', why: '429', retryAfterMs: 7000, sent: false },
  },
  'an error of the server': {
    effect: { kind: 'answer', code: 500 },
    want: { failed: 'answer', why: '500', sent: true },
  },
  'a cut connection': { effect: { kind: 'cut' }, want: { failed: 'network', why: 'network', sent: true } },
  'a cut answer': { effect: { kind: 'cut-answer' }, want: { failed: 'network', why: 'network', sent: true } },
} as const
t.test('each failure has the name by which a retry policy knows it, and is tried once', async (t) => {
  const cluster = await startAccounts(t, [aDeployment('web')])
  const actor = await actorOf(cluster)
  for (const [name, { effect, want }] of Object.entries(faults)) {
    const match = { verb: 'patch', resource: 'deployments' }
    const remove = cluster.api.faults.add({ match, effect })
    t.match(await actor.patch(deployments, 'web', merge), want, name)
    remove()
    const reading = cluster.api.faults.add({ match: { ...match, verb: 'get' }, effect })
    t.match(await actor.get(deployments, 'web', { signal }), { ...want, sent: false }, `${name} of a read`)
    reading()
  }
  const remove = cluster.api.faults.add({
    match: { verb: 'patch', resource: 'deployments' },
    effect: { kind: 'answer', code: 500 },
  })
  t.match(
    await actor.patch(deployments, 'web', { ...merge, dryRun: true }),
    { why: '500', sent: false },
    'a dry run',
  )
  remove()
})

t.test('a change whose answer is too large to be read may have been made', async (t) => {
  const { spec } = aDeployment('web')
  const containers = [{ name: 'web', image: 'web:1', args: ['x'.repeat(4 * 1024 * 1024)] }]
  const large = { spec: { template: { ...spec.template, spec: { containers } } } }
  const cluster = await startAccounts(t, [aDeployment('web', large)])
  const actor = await actorOf(cluster)
  const answer = { failed: 'answer', message: /must answer at most 4194304 bytes, got more/ }
  t.match(await actor.patch(deployments, 'web', merge), { ...answer, sent: true })
  t.match(cluster.api.read('apps/deployments', 'shop', 'web'), { spec: { paused: true } }, 'it was')
  t.match(await actor.patch(deployments, 'web', { ...merge, dryRun: true }), { ...answer, sent: false })
  t.match(await actor.get(deployments, 'web', { signal }), { ...answer, sent: false })
})

t.test(
  'a field that the kind does not have is refused where that is asked for, and dropped elsewhere',
  async (t) => {
    const cluster = await startAccounts(t, [aDeployment('web')])
    const actor = await actorOf(cluster)
    const misspelled = { ...merge, patch: { spec: { replicaz: 0 } } }
    t.match(await actor.patch(deployments, 'web', { ...misspelled, strict: true }), {
      status: 422,
      sent: false,
      message: /unknown field .*spec.replicaz/,
    })
    t.match(await actor.patch(deployments, 'web', misspelled), { ok: {} })
  },
)

t.test('a call ends with its signal', async (t) => {
  const cluster = await startAccounts(t, [aDeployment('web')])
  const actor = await actorOf(cluster)
  await actor.get(deployments, 'web', { signal })
  cluster.api.faults.add({ match: { verb: 'patch' }, effect: { kind: 'delay', ms: 5_000 } })
  const stop = new AbortController()
  setImmediate(() => stop.abort(new DOMException('over', 'TimeoutError')))
  t.match(await actor.patch(deployments, 'web', { ...merge, signal: stop.signal }), {
    failed: 'timeout',
    why: 'timeout',
    sent: true,
    message: /no answer in time$/,
  })
})

t.test('a list says that there is more than was asked for', async (t) => {
  const cluster = await startAccounts(
    t,
    ['a', 'b', 'c'].map((name) => aDeployment(name, { metadata: { labels: { tier: 'x' } } })),
  )
  const actor = await actorOf(cluster)
  t.match(await actor.list(deployments, { selector: 'tier=x', limit: 2, signal }), {
    ok: { items: { length: 2 }, more: true },
  })
})

t.test('a watch tells what becomes of an object, as the account may see it', async (t) => {
  const cluster = await startAccounts(t, [aDeployment('web')])
  const actor = await actorOf(cluster)
  const listed = await actor.list(deployments, { selector: 'app=web', limit: 1, signal })
  if (!('ok' in listed)) throw new Error(listed.message)
  const { resourceVersion } = listed.ok
  const stop = new AbortController()
  const seen: unknown[] = []
  const watching = actor.watch(deployments, {
    name: 'web',
    resourceVersion,
    signal: stop.signal,
    onEvent: (event) => {
      if (event.type === 'bookmark') return
      seen.push([event.type, (event.object as Loose).spec.paused])
      stop.abort()
    },
  })
  await actor.patch(deployments, 'web', merge)
  t.match(await watching, { failed: 'aborted' })
  t.same(seen, [['put', true]])
  const poor = await actorOf(cluster, 'poor')
  t.match(await poor.watch(deployments, { resourceVersion, signal, onEvent: () => {} }), {
    status: 403,
    message:
      /Give the account the verb watch on deployments\.apps in namespace shop \(for all of them: a rule with resourceNames does not allow it\)/,
  })
})

/** Actors of an API server that answers lists only when it is told to. */
function slowServer() {
  const asked: Call[] = []
  const answers: (() => void)[] = []
  const request = async (call: Call) => {
    if (!call.path.includes('/namespaces/'))
      return { resources: [{ kind: 'Deployment', name: 'deployments', namespaced: true, verbs: ['list'] }] }
    asked.push(call)
    await new Promise<void>((resolve) => answers.push(resolve))
    return { items: [], metadata: { resourceVersion: '7' } }
  }
  const client = { request } as unknown as KubeClient
  const review = { may: async () => true, mayI: async () => true } as unknown as AccessReview
  const clock = new FakeClock()
  const actors = createActors({ client: { as: () => client }, review, clock, isVelero: () => false })
  return { actors, asked, answers }
}

t.test('few lists are read at once, whoever asks; the others wait within their own time', async (t) => {
  const { actors, asked, answers } = slowServer()
  const list = async (name: string, more: object = {}) => {
    const answer = await actors(name, by)
    if ('refused' in answer) throw new Error(answer.refused)
    return answer.ok.list(deployments, { selector: 'app=web', limit: 1, signal, ...more })
  }
  const lists = Array.from({ length: mostLists }, (_, at) => list(`account-${at}`))
  const gaveUp = new AbortController()
  await turn()
  const late = list('late', { signal: gaveUp.signal })
  const last = list('last')
  await turn()
  t.equal(asked.length, mostLists)
  t.ok(asked.every(({ timeoutMs = Number.POSITIVE_INFINITY }) => timeoutMs <= 30_000))
  const named = list('named', { selector: '', name: 'web' })
  await turn()
  t.equal(asked.length, mostLists + 1, 'one object takes no place')
  gaveUp.abort(new Error('its time is over'))
  t.match(await late, { failed: 'aborted', sent: false, message: /list apps\/v1 Deployment/ })
  for (const answer of answers.splice(0)) answer()
  t.match(await Promise.all(lists), [{ ok: { items: [] } }])
  await turn()
  t.equal(asked.length, mostLists + 2)
  for (const answer of answers) answer()
  t.match(await Promise.all([last, named]), [{ ok: { items: [] } }, { ok: { items: [] } }])
})
