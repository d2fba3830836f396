/** The body scale on an API server: what is set, what is kept for its undo, and what stands in its way. */
import t from 'tap'
import type { Performance } from '../../src/actions/ports.ts'
import { startActing } from '../support/acting.ts'
import { eventually } from '../support/asking.ts'
import { whenThorough } from '../support/runs.ts'

const scaling = [
  {
    verbs: ['get', 'patch'],
    groups: ['apps'],
    resources: ['deployments', 'statefulsets'],
    subresources: ['scale'],
  },
  { verbs: ['list'], groups: ['apps'], resources: ['deployments'] },
  { verbs: ['list'], groups: ['autoscaling'], resources: ['horizontalpodautoscalers'] },
]
const acting = await startActing(t, scaling)
const { api, call, kept, perform } = acting

const workload = (kind: string, name: string, replicas: number, labels = {}) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name, namespace: 'shop', labels },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'c' }] } },
  },
})
const deployments = '/apis/apps/v1/namespaces/shop/deployments'
const replicasOf = async (name: string) =>
  ((await call('GET', `${deployments}/${name}`)) as { spec: { replicas: number } }).spec.replicas
const setReplicas = (name: string, replicas: number) =>
  call('PATCH', `${deployments}/${name}`, { spec: { replicas } })
const web = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' }
const undo = (before: Performance['before']) => ({ revert: true, before })

t.beforeEach(() => {
  kept.length = 0
  api.faults.clear()
  api.seed([
    workload('Deployment', 'web', 3, { tier: 'front' }),
    workload('Deployment', 'api', 2, { tier: 'front' }),
    workload('Deployment', 'idle', 0, { tier: 'front' }),
    workload('StatefulSet', 'db', 1),
  ])
})

t.test('one is scaled, what it had is kept before that, and the undo puts it back', async (t) => {
  const scale = { ...web, replicas: 0 }
  t.match(await perform({ scale, outputs: [{ name: 'was', expression: 'response.objects[0].replicas' }] }), {
    status: 'done',
    message: 'scale apps/v1 Deployment shop/web to 0: web from 3 to 0',
    request: 'scale apps/v1 Deployment shop/web to 0\nAs: ServiceAccount velero/quiescer',
    outputs: { was: 3 },
  })
  t.equal(await replicasOf('web'), 0)
  t.match(kept, [{ replicas: 0, objects: [{ name: 'web', uid: /./, replicas: 3 }] }])
  t.match(await perform({ scale }, undo(kept[0])), {
    status: 'done',
    message: 'scale apps/v1 Deployment shop/web back: web from 0 to 3',
  })
  t.equal(await replicasOf('web'), 3)
})

t.test('all that carry the labels are scaled, in the order of their names', async (t) => {
  const { name: _name, ...some } = web
  const scale = { ...some, selector: { matchLabels: { tier: 'front' } }, replicas: 0 }
  t.match(await perform({ scale }), {
    status: 'done',
    message:
      'scale apps/v1 Deployment shop/*[tier=front] to 0: api from 2 to 0, idle had 0 already, web from 3 to 0',
  })
  await perform({ scale }, undo(kept[0]))
  t.same([await replicasOf('api'), await replicasOf('idle'), await replicasOf('web')], [2, 0, 3])
})

t.test('done again after a crash, what was kept stays what was there before', async (t) => {
  const scale = { ...web, replicas: 0 }
  await perform({ scale })
  const again = await perform({ scale }, { before: kept[0] })
  t.match(again, { status: 'done', message: /web from 3 to 0$/ })
  t.equal(kept.length, 1, 'and is not kept anew')
  await setReplicas('web', 5)
  await perform({ scale }, { before: kept[0] })
  t.match(kept[1], { objects: [{ replicas: 5 }] }, 'unless somebody changed it since')
})

t.test('without an undo that puts it back nothing is kept', async (t) => {
  t.match(await perform({ scale: { ...web, replicas: 0 }, undo: undefined }), { status: 'done' })
  t.same([await replicasOf('web'), kept], [0, []])
})

t.test('nothing is changed where what is there cannot be kept', async (t) => {
  const outcome = await perform(
    { scale: { ...web, replicas: 0 } },
    { remember: async () => ({ refused: 'the record of this run is full' }) },
  )
  t.match(outcome, {
    status: 'failed',
    mayHaveHadEffect: false,
    message: 'scale apps/v1 Deployment shop/web to 0: the record of this run is full',
  })
  t.equal(await replicasOf('web'), 3)
})

t.test('a write of what was there that fails sends nothing, and the action may be begun again', async (t) => {
  const scale = { ...web, replicas: 0 }
  const remember = () => Promise.reject(new Error('PUT got no answer'))
  t.match(await perform({ scale }, { remember }), {
    status: 'failed',
    cause: 'internal',
    mayHaveHadEffect: false,
    message:
      'scale apps/v1 Deployment shop/web to 0: what was there could not be written down, so nothing was changed then: PUT got no answer',
  })
  t.equal(await replicasOf('web'), 3)
})

t.test(
  'the undo leaves what somebody changed since, what was made anew and what is gone, and says so',
  async (t) => {
    const { name: _name, ...some } = web
    const scale = { ...some, selector: { matchLabels: { tier: 'front' } }, replicas: 0 }
    await perform({ scale })
    await setReplicas('web', 7)
    await call('DELETE', `${deployments}/api`)
    await call('DELETE', `${deployments}/idle`)
    api.seed([workload('Deployment', 'idle', 0)])
    t.match(await perform({ scale }, undo(kept[0])), {
      status: 'done',
      message:
        'scale apps/v1 Deployment shop/*[tier=front] back: api is gone, idle is another object by now: left as it is, web has 7, which somebody set since: left as it is (it had 3)',
    })
    t.equal(await replicasOf('web'), 7)
  },
)

t.test('an undo of what never began has nothing to do', async (t) => {
  t.match(await perform({ scale: { ...web, replicas: 0 } }, undo(undefined)), {
    status: 'done',
    message: 'scale apps/v1 Deployment shop/web back: nothing was scaled',
  })
})

const autoscaler = (spec: object = {}) => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'front', namespace: 'shop' },
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    minReplicas: 2,
    maxReplicas: 5,
    ...spec,
  },
})

t.test('where an autoscaler is, 0 lasts and any other number would not', async (t) => {
  api.seed([autoscaler()])
  t.teardown(() => call('DELETE', '/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/front'))
  t.match(await perform({ scale: { ...web, replicas: 1 } }), {
    status: 'failed',
    cause: 'answer',
    mayHaveHadEffect: false,
    message: /HorizontalPodAutoscaler front targets Deployment web and would set another number again/,
  })
  t.equal(await replicasOf('web'), 3)
  t.match(await perform({ scale: { ...web, replicas: 0 } }), { status: 'done' })
  api.seed([autoscaler({ minReplicas: 0 })])
  t.match(await perform({ scale: { ...web, replicas: 0 } }), {
    status: 'failed',
    message: /minReplicas is 0, so it would scale it up from 0 again/,
  })
})

t.test(
  'a write in between is looked at again; a number that somebody set in between is kept first',
  async (t) => {
    let writes = 0
    const remember: Performance['remember'] = async (before) => {
      kept.push(before)
      writes += 1
      if (writes === 1) await setReplicas('web', 6)
      return { ok: true }
    }
    t.match(await perform({ scale: { ...web, replicas: 0 } }, { remember }), {
      status: 'done',
      message: /web from 6 to 0$/,
    })
    t.match(kept, [{ objects: [{ replicas: 3 }] }, { objects: [{ replicas: 6 }] }])
  },
)

t.test(
  'a number that somebody sets after the last look is not overwritten unkept',
  whenThorough,
  async (t) => {
    api.faults.add({
      match: { verb: 'patch', resource: 'deployments', subresource: 'scale' },
      nth: 1,
      effect: { kind: 'delay', ms: 1_000 },
    })
    const [outcome] = await Promise.all([
      perform({ scale: { ...web, replicas: 0 } }),
      eventually('it was kept', () => kept.length > 0 || undefined).then(() => setReplicas('web', 6)),
    ])
    t.match(outcome, { status: 'done', message: /web from 6 to 0$/ })
    t.match(kept, [{ objects: [{ replicas: 3 }] }, { objects: [{ replicas: 6 }] }])
  },
)

t.test('who sets another number again and again wins', async (t) => {
  let number = 3
  const remember: Performance['remember'] = async () => {
    await setReplicas('web', (number += 1))
    return { ok: true }
  }
  t.match(await perform({ scale: { ...web, replicas: 0 } }, { remember }), {
    status: 'failed',
    message: /Deployment shop\/web was changed meanwhile, from \d+ to \d+/,
    mayHaveHadEffect: false,
  })
})

t.test('a conflict of versions alone is tried again at once', async (t) => {
  api.faults.add({
    match: { verb: 'patch', resource: 'deployments' },
    nth: 1,
    effect: { kind: 'answer', code: 409 },
  })
  t.match(await perform({ scale: { ...web, replicas: 0 } }), { status: 'done', attempts: 1 })
})

t.test('what was set before the one that failed is told, and counts as an effect', async (t) => {
  api.faults.add({
    match: { verb: 'patch', resource: 'deployments', name: 'web' },
    nth: 1,
    effect: { kind: 'answer', code: 403 },
  })
  const { name: _name, ...some } = web
  const outcome = await perform({
    scale: { ...some, selector: { matchLabels: { tier: 'front' } }, replicas: 0 },
  })
  t.match(outcome, {
    status: 'failed',
    mayHaveHadEffect: true,
    message:
      /^scale apps\/v1 Deployment shop\/\*\[tier=front\] to 0: .*403.*; before it: api from 2 to 0, idle had 0 already$/,
  })
})

t.test('a server that is not well is tried again by the policy', async (t) => {
  api.faults.add({
    match: { verb: 'patch', resource: 'deployments' },
    nth: 1,
    effect: { kind: 'answer', code: 503 },
  })
  const retry = { limit: 1, retryOn: ['5xx'], initialSeconds: 0 }
  t.match(await perform({ retry, scale: { ...web, replicas: 0 } }), { status: 'done', attempts: 2 })
  t.match(kept, [{ objects: [{ replicas: 3 }] }])
})

t.test('a dry run asks the API server, changes nothing and keeps nothing', async (t) => {
  const outcome = await perform({ scale: { ...web, replicas: 0 } }, { renderOnly: true, rehearse: true })
  t.match(outcome, {
    status: 'done',
    message: 'would scale apps/v1 Deployment shop/web to 0: web from 3 to 0',
  })
  t.same([await replicasOf('web'), kept.length], [3, 0])
})

for (const [name, { target, want }] of Object.entries({
  'one that is not there': {
    target: { ...web, name: 'no' },
    want: /^scale apps\/v1 Deployment shop\/no: it is not there$/,
  },
  'labels that none carries': {
    target: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      namespace: 'shop',
      selector: { matchLabels: { a: 'b' } },
    },
    want: /^scale apps\/v1 Deployment shop\/\*\[a=b\]: no object carries these labels$/,
  },
  'a kind without a scale': {
    target: { ...web, kind: 'DaemonSet' },
    want: /^get apps\/v1 DaemonSet shop\/web \(scale\) as .*: the API server serves no scale of DaemonSet \(apps\/v1\)$/,
  },
  'one without a scale that the account may read': {
    target: { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'one' },
    want: /serves no scale of ConfigMap \(v1\)$/,
  },
  'a kind that is not there': { target: { ...web, kind: 'Deploymnt' }, want: /Deploymnt/ },
  'a right that the account lacks': {
    target: { ...web, kind: 'ReplicaSet' },
    want: /answered 403 .* Give the account the verb get on replicasets\/scale\.apps in namespace shop \(for web: a rule with resourceNames must hold this name\), and see that the account exists: kubectl -n velero get serviceaccount \S+$/,
  },
}))
  t.test(`refused, and nothing is changed: ${name}`, async (t) => {
    const outcome = await perform({ scale: { ...target, replicas: 0 } })
    t.match(outcome, { status: 'failed', mayHaveHadEffect: false, message: want })
    t.same(kept, [])
  })

t.test('more objects than one action may scale are refused', async (t) => {
  api.seed(Array.from({ length: 101 }, (_, i) => workload('Deployment', `many-${i}`, 1, { many: 'yes' })))
  const { name: _name, ...some } = web
  const scale = { ...some, selector: { matchLabels: { many: 'yes' } }, replicas: 0 }
  t.match(await perform({ scale }), { status: 'failed', message: /more than 100 objects carry these labels/ })
})
