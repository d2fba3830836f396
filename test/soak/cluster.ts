/** The cluster of a soak as its driver sees it: calls, and copies of everything that comes and goes. */
import { readFile } from 'node:fs/promises'
import { createKubeClient, type Call } from '../../src/kube/client.ts'
import { loadClusterAccess } from '../../src/kube/config.ts'
import { createReflector } from '../../src/kube/reflector.ts'
import type { Reflector } from '../../src/kube/reflector-options.ts'
import { systemClock } from '../../src/system-clock.ts'
import { pathOf, type Loose } from '../support/asking.ts'
import { FakeLog } from '../support/fake-log.ts'
import { createApplication, type Application } from './application.ts'

/** A run, as far as a soak judges it. */
export type SeenRun = {
  readonly name: string
  /** The name and uid of what it is for. */
  readonly object: string
  readonly uid: string
  readonly stage: string
  readonly phase: string
  readonly actions: Readonly<Record<string, string>>
}

/** A Backup or Restore. */
export type SeenObject = {
  readonly name: string
  readonly uid: string
  readonly phase: string
  /** The annotations `pre` and `post`: the phases they tell. */
  readonly notes: Readonly<Record<string, string>>
}

/** A claim on a name or an exclusive key: whose it is. */
export type SeenClaim = { readonly name: string; readonly holder: string }

/** What a driver has of the cluster. */
export type SoakCluster = {
  readonly request: (call: Call) => Promise<Loose>
  /** A creation waits for actions: it has sockets of its own. */
  readonly create: (call: Call) => Promise<Loose>
  readonly objects: Readonly<Record<'Backup' | 'Restore', Reflector<SeenObject>>>
  readonly runs: Reflector<SeenRun>
  readonly claims: Reflector<SeenClaim>
  readonly application: Application
  /** Whether it is so about an object within this time; looked at whenever something of the object changes. */
  readonly until: (object: string, ms: number, isSo: () => boolean) => Promise<boolean>
  readonly stop: () => Promise<void>
}

/** Follows the cluster of a kubeconfig. */
export async function connect(kubeconfigPath: string): Promise<SoakCluster> {
  const access = await loadClusterAccess({
    kubeconfigPath,
    env: {},
    clock: systemClock,
    readFile: (path) => readFile(path, 'utf8'),
  })
  const options = { access, clock: systemClock, log: new FakeLog(), userAgent: 'soak' }
  const [client, creator] = [createKubeClient(options), createKubeClient(options)]
  const looks = new Map<string, () => void>()
  const common = { client, clock: systemClock, log: options.log }
  const objectsAt = (path: string) =>
    createReflector({
      ...common,
      path,
      project: seenObject,
      onChange: ({ object }) => looks.get(object.name)?.(),
    })
  const objects = { Backup: objectsAt(pathOf('backups')), Restore: objectsAt(pathOf('restores')) }
  const runs = createReflector({
    ...common,
    path: pathOf('actionruns'),
    project: seenRun,
    indexes: { object: ({ object }) => [object] },
    onChange: ({ object }) => looks.get(object.object)?.(),
  })
  const lookAtAll = (): void => {
    for (const look of looks.values()) look()
  }
  const claims = createReflector({
    ...common,
    path: '/apis/coordination.k8s.io/v1/namespaces/velero/leases',
    labelSelector: 'tidewaiter.io/claim',
    project: seenClaim,
    indexes: { holder: ({ holder }) => [holder] },
    onChange: lookAtAll,
  })
  const application = createApplication(common, lookAtAll)
  const stopping = new AbortController()
  const all = [objects.Backup, objects.Restore, runs, claims, application]
  const following = all.map((one) => one.start(stopping.signal))
  await Promise.all(all.map((one) => one.whenSynced(stopping.signal)))
  return {
    request: (call) => client.request(call),
    create: (call) => creator.request(call),
    objects,
    runs,
    claims,
    application,
    until: (object, ms, isSo) => waited(object, { ms, isSo }, looks),
    stop: async () => {
      stopping.abort()
      await Promise.all(following)
      await Promise.all([client.close(), creator.close()])
    },
  }
}

type Waiting = { readonly ms: number; readonly isSo: () => boolean }

function waited(object: string, { ms, isSo }: Waiting, looks: Map<string, () => void>): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (found: boolean) => {
      clearTimeout(timer)
      looks.delete(object)
      resolve(found)
    }
    const timer = setTimeout(() => end(isSo()), ms)
    const look = () => {
      if (isSo()) end(true)
    }
    looks.set(object, look)
    look()
  })
}

function seenObject(raw: unknown): SeenObject {
  const { metadata, status } = raw as Loose
  const note = (key: string): readonly (readonly [string, string])[] => {
    const text: string | undefined = metadata.annotations?.[`tidewaiter.io/${key}`]
    return text === undefined ? [] : [[key, JSON.parse(text).phase]]
  }
  return {
    name: metadata.name,
    uid: metadata.uid,
    phase: status?.phase ?? '',
    notes: Object.fromEntries([...note('pre'), ...note('post')]),
  }
}

function seenRun(raw: unknown): SeenRun {
  const { metadata, spec, status } = raw as Loose
  const actions = (status?.actions ?? []).map(({ name, phase }: Loose) => [roleOf(name), phase])
  return {
    name: metadata.name,
    object: spec.objectRef.name,
    uid: spec.objectRef.uid,
    stage: spec.stage,
    phase: status?.phase ?? 'Pending',
    actions: Object.fromEntries(actions),
  }
}

function seenClaim(raw: unknown): SeenClaim {
  const { metadata, spec } = raw as Loose
  return { name: metadata.name, holder: spec.holderIdentity ?? '' }
}

/** The name of an action without its lane. */
export const roleOf = (name: string): string => name.replace(/-l\d+$/, '')
