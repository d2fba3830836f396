/** The two that follow: an informer of @kubernetes/client-node, and the reflector of src/kube. */
import { CoreV1Api, KubeConfig, makeInformer, type V1ConfigMap } from '@kubernetes/client-node'
import { setTimeout as sleep } from 'node:timers/promises'
import { createKubeClient } from '../../../src/kube/client.ts'
import { createReflector } from '../../../src/kube/reflector.ts'
import type { ApiServer } from '../../../src/sandbox/apiserver/server.ts'
import { fastClock } from '../../support/fast-clock.ts'
import { FakeLog } from '../../support/fake-log.ts'
import { openAccount, type Account } from './account.ts'

/** What a follower knows: each object's resourceVersion and text by name. */
export type Copy = ReadonlyMap<string, string>

/** One that follows the ConfigMaps of a namespace. */
export type Follower = {
  readonly who: string
  readonly account: Account
  readonly copy: () => Copy
  /** How often everything was seen anew. */
  readonly lists: () => number
  readonly stop: () => Promise<void>
}

/** How a state of an object is compared. */
export const stateOf = (object: { metadata?: { resourceVersion?: string }; data?: object }): string =>
  `${object.metadata?.resourceVersion} ${JSON.stringify(object.data)}`

// Its documentation has the caller start it again after an error; five seconds there.
const restartMs = 20

/** An informer of client-node, restarted after errors as its documentation says. */
export async function anInformer(api: ApiServer, namespace: string): Promise<Follower> {
  const config = new KubeConfig()
  config.loadFromString(api.kubeconfig())
  const core = config.makeApiClient(CoreV1Api)
  let [lists, stopped] = [0, false]
  const list = () => {
    lists += 1
    return core.listNamespacedConfigMap({ namespace })
  }
  const informer = makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, list)
  const account = openAccount('informer')
  for (const type of ['add', 'update', 'delete'] as const)
    informer.on(type, (object: V1ConfigMap) =>
      account.note({
        type,
        name: object.metadata?.name ?? '',
        version: Number(object.metadata?.resourceVersion),
      }),
    )
  informer.on('error', () => {
    void sleep(restartMs).then(() => (stopped ? undefined : informer.start()))
  })
  await informer.start()
  return {
    who: 'informer',
    account,
    copy: () => new Map(informer.list(namespace).map((one) => [one.metadata?.name ?? '', stateOf(one)])),
    lists: () => lists,
    stop: async () => {
      stopped = true
      await informer.stop()
    },
  }
}

type Kept = { readonly name: string; readonly version: number; readonly state: string }
const told = { added: 'add', modified: 'update', deleted: 'delete' } as const

// Its waits after a failure are seconds, so that a server is not overrun.
const speed = 30

/** Our reflector. */
export async function aReflector(api: ApiServer, namespace: string): Promise<Follower> {
  const clock = fastClock(speed)
  const log = new FakeLog()
  const auth = { authorization: `Bearer ${api.token('admin')}` }
  const client = createKubeClient({
    access: {
      server: api.url,
      ca: api.ca,
      auth: async () => auth,
      inCluster: false,
      skipTlsVerify: false,
      warnings: [],
    },
    clock,
    log,
    userAgent: 'followers',
  })
  const account = openAccount('reflector')
  const reflector = createReflector<Kept>({
    client,
    clock,
    log: { ...log, debug: () => undefined },
    path: `/api/v1/namespaces/${namespace}/configmaps`,
    project: keep,
    onChange: ({ type, object }) =>
      account.note({ type: told[type], name: object.name, version: object.version }),
  })
  const ending = new AbortController()
  const ended = reflector.start(ending.signal)
  await reflector.whenSynced(ending.signal)
  return {
    who: 'reflector',
    account,
    copy: () => new Map(reflector.list().map(({ name, state }) => [name, state])),
    lists: () => reflector.counts().lists,
    stop: async () => {
      ending.abort()
      await ended
      await client.close()
    },
  }
}

function keep(raw: unknown): Kept {
  // The sandbox is ours: what it sends is a ConfigMap.
  const object = raw as { metadata: { name: string; resourceVersion: string }; data: object }
  return {
    name: object.metadata.name,
    version: Number(object.metadata.resourceVersion),
    state: stateOf(object),
  }
}
