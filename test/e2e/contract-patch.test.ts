/**
 * The body `patch` on a real API server: what it makes of our patches, our versions and our impersonation. A namespace of its own; no pod
 * and no service is needed. TIDEWAITER_E2E_KUBECONFIG: an administrator.
 */
import { readFile } from 'node:fs/promises'
import t from 'tap'
import { createPerformer } from '../../src/actions/perform.ts'
import type { Performance } from '../../src/actions/ports.ts'
import type { PatchBody } from '../../src/api/patch-body.ts'
import type { Before } from '../../src/core/run/before.ts'
import { undoSpec } from '../../src/core/run/undo.ts'
import { createAccessReview } from '../../src/kube/access-review.ts'
import { createKubeClient } from '../../src/kube/client.ts'
import { loadClusterAccess } from '../../src/kube/config.ts'
import { systemClock } from '../../src/system-clock.ts'
import { usernameOf } from '../../src/core/author.ts'
import { createActors } from '../../src/wiring/actors.ts'
import { aDeployment, ann, granted, ofDeployer } from '../support/accounts.ts'
import { anActionSpec } from '../support/build.ts'
import { eventually } from '../support/asking.ts'
import { FakeLog } from '../support/fake-log.ts'
import { must, startClient, type Loose } from './guard-client.ts'

const kubeconfig = process.env['TIDEWAITER_E2E_KUBECONFIG']
if (kubeconfig === undefined) {
  t.pass('skipped', { skip: 'TIDEWAITER_E2E_KUBECONFIG names no API server' })
  process.exit(0)
}

const namespace = `tidewaiter-e2e-patch-${process.pid}`
const admin = await startClient(kubeconfig)
t.teardown(admin.stop)
t.teardown(() => admin.call('DELETE', `/api/v1/namespaces/${namespace}`))
const account = (name: string) => ({ kind: 'ServiceAccount', name, namespace }) as const
const core = `/api/v1/namespaces/${namespace}`
const paths: Readonly<Record<string, string>> = {
  ServiceAccount: `${core}/serviceaccounts`,
  Role: `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles`,
  RoleBinding: `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`,
  Deployment: `/apis/apps/v1/namespaces/${namespace}/deployments`,
}
const make = async (object: Loose) =>
  must(admin.call('POST', paths[object.kind] ?? '', { body: object }), [409])

await must(
  admin.call('POST', '/api/v1/namespaces', {
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  }),
)
const reviews = {
  apiGroups: ['authorization.k8s.io'],
  resources: ['subjectaccessreviews'],
  verbs: ['create'],
}
const accounts = { apiGroups: [''], resources: ['serviceaccounts'] }
for (const name of ['tidewaiter', 'deployer', 'poor', 'hidden'])
  await make({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } })
for (const object of [
  ...granted('actors', namespace, account('tidewaiter'), [
    { ...accounts, resourceNames: ['deployer', 'poor'], verbs: ['impersonate'] },
  ]),
  ...granted('deployer', namespace, account('deployer'), ofDeployer),
  ...granted('use', namespace, { kind: 'User', name: ann.username }, [{ ...accounts, verbs: ['use'] }]),
])
  await make(object)
for (const kind of ['ClusterRole', 'ClusterRoleBinding']) {
  const path = `/apis/rbac.authorization.k8s.io/v1/${kind.toLowerCase()}s`
  t.teardown(() => admin.call('DELETE', `${path}/${namespace}`))
  const more =
    kind === 'ClusterRole'
      ? { rules: [reviews] }
      : {
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: namespace },
          subjects: [account('tidewaiter')],
        }
  const body = { apiVersion: 'rbac.authorization.k8s.io/v1', kind, metadata: { name: namespace }, ...more }
  await must(admin.call('POST', path, { body }), [409])
}

const token = await must(
  admin.call('POST', `${core}/serviceaccounts/tidewaiter/token`, {
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } },
  }),
)
const access = await loadClusterAccess({
  kubeconfigPath: kubeconfig,
  env: {},
  clock: systemClock,
  readFile: (file) => readFile(file, 'utf8'),
})
const client = createKubeClient({
  // The service account of ours, and its rights alone.
  access: { ...access, auth: async () => ({ authorization: `Bearer ${token.body.status.token}` }) },
  clock: systemClock,
  log: new FakeLog(),
  userAgent: 'tidewaiter/test',
})
t.teardown(() => client.close())
const actors = createActors({
  client,
  review: createAccessReview({ client, clock: systemClock }),
  clock: systemClock,
  isVelero: () => false,
})

type Given = { readonly as?: string; readonly undo?: boolean; readonly meanwhile?: () => Promise<unknown> }

/** One Action: what it does, and what its run keeps. */
function anAction(patch: Partial<PatchBody> & Pick<PatchBody, 'patch'>) {
  let kept: Before | undefined
  const body: PatchBody = { apiVersion: 'apps/v1', kind: 'Deployment', namespace, type: 'merge', ...patch }
  const { http: _http, ...bare } = anActionSpec()
  return async ({ as = 'deployer', undo = false, meanwhile }: Given = {}) => {
    const perform = createPerformer({
      clock: systemClock,
      log: new FakeLog(),
      send: () => Promise.reject(new Error('nobody is called')),
      secret: async () => ({ refused: 'there is none' }),
      actor: (name) => actors(name, { author: ann, namespace }),
      evaluate: () => ({ ok: 'b1' }),
      reads: () => [],
      userAgent: 'tidewaiter/test',
    })
    const spec = { ...bare, patch: body, serviceAccountName: as, undo: { revert: true } }
    const remember: Performance['remember'] = async (before) => {
      kept = JSON.parse(JSON.stringify(before)) as Before
      await meanwhile?.()
      return { ok: true }
    }
    return perform({
      action: { name: '10-a', spec: undo ? undoSpec(spec) : spec },
      idempotencyKey: 'u/PreBackup/10-a',
      traceparent: '',
      variables: {},
      endsAt: systemClock.now() + 20_000,
      signal: new AbortController().signal,
      renderOnly: false,
      rehearse: false,
      revert: undo,
      before: kept,
      remember: undo ? undefined : remember,
    })
  }
}

const deployment = async (name: string): Promise<Loose> =>
  (await admin.call('GET', `${paths['Deployment']}/${name}`)).body
const fresh = async (name: string) =>
  make({ ...aDeployment(name), metadata: { name, namespace, labels: { app: name, tier: 'front' } } })
/** All of it that people set. */
const settings = ({ metadata, spec }: Loose): unknown => [metadata.labels, metadata.annotations ?? {}, spec]

await fresh('first')
await eventually('the rights are in force', async () => {
  const touched = anAction({ name: 'first', patch: { metadata: { annotations: { a: '1' } } } })
  return (await touched()).status === 'done' || undefined
})

const containers = '/spec/template/spec/containers'
for (const [name, patch] of Object.entries({
  merge: {
    patch: {
      spec: { replicas: 0, paused: true },
      metadata: { annotations: { 'a/b': '${backup.metadata.name}' } },
    },
  },
  json: {
    type: 'json',
    patch: [
      { op: 'test', path: '/spec/replicas', value: 3 },
      { op: 'replace', path: `${containers}/0/env/0/value`, value: 'ro' },
      { op: 'add', path: `${containers}/0/env/-`, value: { name: 'FROZEN', value: 'yes' } },
      { op: 'remove', path: `${containers}/1` },
    ],
  },
  apply: { type: 'apply', patch: { metadata: { labels: { frozen: 'yes' } }, spec: { minReadySeconds: 5 } } },
  forced: { type: 'apply', force: true, patch: { spec: { replicas: 1 } } },
  scale: { subresource: 'scale', patch: { spec: { replicas: 0 } } },
} as const satisfies Readonly<Record<string, Partial<PatchBody> & Pick<PatchBody, 'patch'>>>)) {
  t.test(`what is patched (${name}) is put back, and no other field is touched`, async (t) => {
    await fresh(name)
    const before = await deployment(name)
    const perform = anAction({ ...patch, name })
    t.match(await perform(), { status: 'done' })
    t.notSame(settings(await deployment(name)), settings(before))
    const { resourceVersion } = (await deployment(name)).metadata
    if (name !== 'forced') {
      t.match(await perform(), { status: 'done' }, 'again')
      t.equal((await deployment(name)).metadata.resourceVersion, resourceVersion, 'nothing is done twice')
    }
    t.match(await perform({ undo: true }), { status: 'done' })
    t.same(settings(await deployment(name)), settings(before))
  })
}

for (const type of ['merge', 'json', 'apply'] as const) {
  t.test(`an object that is written meanwhile is looked at again (${type})`, async (t) => {
    const name = `busy-${type}`
    await fresh(name)
    let once = true
    const meanwhile = async () => {
      if (once)
        await must(
          admin.call('PATCH', `${paths['Deployment']}/${name}`, { body: { spec: { minReadySeconds: 9 } } }),
        )
      once = false
    }
    const patch =
      type === 'json'
        ? [{ op: 'add', path: '/metadata/labels/x', value: 'y' }]
        : { metadata: { labels: { x: 'y' } } }
    t.match(await anAction({ name, type, patch })({ meanwhile }), { status: 'done', attempts: 1 })
    t.equal(once, false)
    t.match(await deployment(name), { spec: { minReadySeconds: 9 }, metadata: { labels: { x: 'y' } } })
  })
}

t.test('an apply makes nothing where nothing is', async (t) => {
  t.match(await anAction({ name: 'none', type: 'apply', patch: { spec: {} } })(), {
    status: 'failed',
    mayHaveHadEffect: false,
    message: /must exist, and does not/,
  })
})

t.test('objects are found by their labels', async (t) => {
  const selector = {
    matchLabels: { tier: 'front' },
    matchExpressions: [{ key: 'app', operator: 'In', values: ['p', 'q'] }],
  } as const
  await fresh('q')
  await fresh('p')
  const perform = anAction({ selector, patch: { spec: { replicas: 0 } } })
  t.match(await perform(), { status: 'done', message: /: p, q$/ })
  t.match(await perform({ undo: true }), { status: 'done' })
  for (const name of ['p', 'q']) t.equal((await deployment(name)).spec.replicas, 3)
})

t.test('who may not is told so: the account by RBAC, tidewaiter by what the install names', async (t) => {
  await fresh('shut')
  const perform = anAction({ name: 'shut', patch: { spec: { paused: true } } })
  t.match(await perform({ as: 'poor' }), {
    status: 'failed',
    cause: 'answer',
    mayHaveHadEffect: false,
    message: new RegExp(
      `answered 403 .*${usernameOf(namespace, 'poor')}.*Give the account the verb get on deployments\\.apps`,
    ),
  })
  t.match(await perform({ as: 'hidden' }), {
    status: 'failed',
    cause: 'account',
    mayHaveHadEffect: false,
    message: /tidewaiter may not act for it, got 403 .*deploy\/components\/actors/,
  })
})
