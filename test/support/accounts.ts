/** An API server with accounts to act for, and a service account of ours that may act for some of them: rights as RBAC gives them. */
import type { Test } from 'tap'
import { createAccessReview } from '../../src/kube/access-review.ts'
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts'
import { startApiServer, type ApiServer } from '../../src/sandbox/apiserver/server.ts'
import { systemClock } from '../../src/system-clock.ts'
import { createActors, type Actors } from '../../src/wiring/actors.ts'
import { callerOf, type Call } from './asking.ts'
import { FakeLog } from './fake-log.ts'

/** Who writes Actions in these tests. */
export const ann = { username: 'ann', groups: ['operators'] }

const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1' } as const
const named = (kind: string, name: string, namespace: string) => ({
  ...rbac,
  kind,
  metadata: { name, namespace },
})

type Rule = {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly verbs: readonly string[]
}

/** A Role in a namespace, and its binding to somebody. */
export const granted = (
  name: string,
  namespace: string,
  subject: { readonly kind: 'User' | 'ServiceAccount'; readonly name: string; readonly namespace?: string },
  rules: readonly Rule[],
): readonly object[] => [
  { ...named('Role', name, namespace), rules },
  {
    ...named('RoleBinding', name, namespace),
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    subjects: [subject.kind === 'User' ? { ...subject, apiGroup: 'rbac.authorization.k8s.io' } : subject],
  },
]

/** An account of Velero's namespace, as a binding names it. */
export const account = (name: string) => ({ kind: 'ServiceAccount', name, namespace: 'velero' }) as const

/** The verb `use` on an account, for somebody who writes Actions. */
export const mayUseAccount = (user: string, name: string): readonly object[] =>
  granted(`use-${name}-${user}`, 'velero', { kind: 'User', name: user }, [
    { apiGroups: [''], resources: ['serviceaccounts'], resourceNames: [name], verbs: ['use'] },
  ])

/** The right of our own account to act for others. */
export const mayBecome = (names: readonly string[], role = 'actors'): readonly object[] =>
  granted(role, 'velero', { kind: 'User', name: 'tidewaiter' }, [
    { apiGroups: [''], resources: ['serviceaccounts'], resourceNames: names, verbs: ['impersonate'] },
  ])

/** What `deployer` may do in the namespace shop. */
export const ofDeployer: readonly Rule[] = [
  {
    apiGroups: ['apps'],
    resources: ['deployments', 'deployments/scale'],
    verbs: ['get', 'list', 'watch', 'patch'],
  },
  { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'watch', 'patch'] },
]

/** A Deployment of the namespace shop. */
export const aDeployment = (name: string, more: Readonly<Record<string, unknown>> = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'shop', labels: { app: name }, ...(more['metadata'] as object | undefined) },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        containers: [
          { name: 'web', image: 'web:1', env: [{ name: 'MODE', value: 'rw' }] },
          { name: 'side', image: 'side:1' },
        ],
      },
    },
    ...(more['spec'] as object | undefined),
  },
})

/** The cluster, and what acts in it. */
export type Accounts = {
  readonly api: ApiServer
  readonly call: Call
  readonly client: KubeClient
  readonly actors: Actors
}

/** Starts it: `deployer` may patch Deployments of shop, `poor` may do nothing, `hidden` may do all and is not ours to act for. */
export async function startAccounts(t: Test, objects: readonly object[] = []): Promise<Accounts> {
  const api = await startApiServer({
    users: [
      {
        name: 'tidewaiter',
        token: 'token-of-tidewaiter',
        grants: [{ verbs: ['create'], groups: ['authorization.k8s.io'], resources: ['*'] }],
      },
    ],
  })
  t.teardown(() => api.stop())
  api.seed([
    ...['deployer', 'poor', 'hidden'].map((name) => ({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name, namespace: 'velero' },
    })),
    ...mayBecome(['deployer', 'poor']),
    ...['deployer', 'poor', 'hidden'].flatMap((name) => mayUseAccount('ann', name)),
    ...granted('deployer', 'shop', account('deployer'), ofDeployer),
    ...granted('hidden', 'shop', account('hidden'), [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }]),
    ...objects,
  ])
  const client = createKubeClient({
    access: {
      server: api.url,
      ca: api.ca,
      auth: async () => ({ authorization: 'Bearer token-of-tidewaiter' }),
      inCluster: false,
      skipTlsVerify: false,
      warnings: [],
    },
    clock: systemClock,
    log: new FakeLog(),
    userAgent: 'tidewaiter/test',
  })
  t.teardown(() => client.close())
  const actors = createActors({
    client,
    review: createAccessReview({ client, clock: systemClock }),
    clock: systemClock,
    isVelero: (username) => username === 'system:serviceaccount:velero:velero',
  })
  return { api, call: callerOf(t, api), client, actors }
}
