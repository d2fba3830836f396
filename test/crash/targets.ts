/** The objects that actions change or wait for as an account: one of each kind for every lane, and what of them matters. */
import { account, granted } from '../support/accounts.ts'
import type { Loose } from '../support/asking.ts'

/** What an action does to an object: patches its mode, sets its replicas, or waits until the application has followed its mode. */
export type Acting = 'patch' | 'scale' | 'wait'

/** What matters of a kind of them: which resource it is, its value in the beginning, and what the action and a person make of it. */
type Sort = {
  readonly resource: 'configmaps' | 'deployments'
  readonly aim: { readonly apiVersion: string; readonly kind: string }
  readonly path: string
  readonly before: string
  readonly after: string
  readonly byPerson: string
  readonly valueIn: (object: Loose) => string
  /** A merge patch that makes this its value. */
  readonly patchTo: (value: string) => Loose
}

const ofMode: Sort = {
  resource: 'configmaps',
  aim: { apiVersion: 'v1', kind: 'ConfigMap' },
  path: '/api/v1/namespaces/shop/configmaps',
  before: 'rw',
  after: 'ro',
  byPerson: 'mended',
  valueIn: (object) => object.data.mode,
  patchTo: (mode) => ({ data: { mode } }),
}

const ofReplicas: Sort = {
  resource: 'deployments',
  aim: { apiVersion: 'apps/v1', kind: 'Deployment' },
  path: '/apis/apps/v1/namespaces/shop/deployments',
  before: '3',
  after: '0',
  byPerson: '5',
  valueIn: (object) => String(object.spec.replicas),
  patchTo: (replicas) => ({ spec: { replicas: Number(replicas) } }),
}

/** By what an action does. */
export const sorts: Readonly<Record<Acting, Sort>> = { patch: ofMode, scale: ofReplicas, wait: ofMode }

/** The ServiceAccount for which they act, and how the API server calls it. */
export const actor = 'acter'
/** As the API server calls it. */
export const actorUser = `system:serviceaccount:velero:${actor}`

/** The name of a lane's objects. */
export const targetName = (lane: string): string => `target-${lane}`
/** The lane of such an object; empty: it is none. */
export const laneOfTarget = (name: string): string => /^target-(l\d+)$/.exec(name)?.[1] ?? ''

/** The body of an action, and its undo. */
export function actingBody(on: Acting, lane: string): Loose {
  const target = { ...sorts[on].aim, namespace: 'shop', name: targetName(lane) }
  const undo = { undo: { revert: true } }
  const as = { serviceAccountName: actor }
  switch (on) {
    case 'patch':
      return { ...as, ...undo, patch: { ...target, patch: ofMode.patchTo(ofMode.after) } }
    case 'scale':
      return { ...as, ...undo, scale: { ...target, replicas: Number(ofReplicas.after) } }
    case 'wait':
      return { ...as, wait: { ...target, until: `object.data.followed == "${ofMode.after}"` } }
  }
}

/** The objects of a lane as they are in the beginning. */
const objectsOf = (lane: string): readonly Loose[] => {
  const metadata = { name: targetName(lane), namespace: 'shop' }
  const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'a', image: 'a' }] } }
  return [
    { ...ofMode.aim, metadata, data: { mode: ofMode.before, followed: ofMode.before } },
    {
      ...ofReplicas.aim,
      metadata,
      spec: {
        replicas: Number(ofReplicas.before),
        selector: { matchLabels: { app: 'a' } },
        template,
      },
    },
  ]
}

/** What makes the objects of a lane as they were in the beginning: paths and merge patches. */
export const resets = (lane: string): readonly (readonly [path: string, patch: Loose])[] => [
  [`${ofMode.path}/${targetName(lane)}`, { data: { mode: ofMode.before, followed: ofMode.before } }],
  [`${ofReplicas.path}/${targetName(lane)}`, ofReplicas.patchTo(ofReplicas.before)],
]

/** What the application does when it was given a mode, that of the action unless told: a path and a merge patch. */
export const following = (lane: string, mode = ofMode.after): readonly [path: string, patch: Loose] => [
  `${ofMode.path}/${targetName(lane)}`,
  { data: { followed: mode } },
]

/** Whether the application has followed the mode that an action set. */
export const hasFollowed = (object: Loose): boolean => object?.data?.followed === ofMode.after

/** All objects of all lanes, and the account with its rights. */
export const targetObjects = (lanes: readonly string[]): readonly Loose[] => [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: actor, namespace: 'velero' } },
  ...granted('acter', 'shop', account(actor), [
    {
      apiGroups: ['', 'apps'],
      resources: ['configmaps', 'deployments', 'deployments/scale'],
      verbs: ['get', 'list', 'watch', 'patch', 'update'],
    },
    { apiGroups: ['autoscaling'], resources: ['horizontalpodautoscalers'], verbs: ['list'] },
  ]),
  ...lanes.flatMap(objectsOf),
]
