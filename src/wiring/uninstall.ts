/** The cluster as an uninstall sees it: what is ours there, what is in hand, and taking it away. */
import { group, version } from '../api/schema.ts'
import { failPatch } from '../core/hold/patches.ts'
import { seenObjectOf } from '../core/post.ts'
import { abandonedText, heldInHand, runInHand, type InHand } from '../core/uninstall/in-hand.ts'
import {
  dataKind,
  isOfDevelopment,
  ownedOf,
  ownKinds,
  ownSelector,
  type Owned,
  type OwnKind,
  type OwnStep,
} from '../core/uninstall/own-kinds.ts'
import { at, objectAt, textAt, type Json } from '../core/velero.ts'
import { isKubeError } from '../kube/errors.ts'
import { resource } from '../kube/resource.ts'
import { defaultLocation, keptLocation } from './caches.ts'
import { veleroPlural } from './kinds.ts'
import type { Reached } from './reach.ts'
import { runOf } from './runs.ts'
import { lacking, ofVelero, veleroKinds, type UninstallPlace as Place } from './uninstall-rights.ts'

/** What an uninstall needs of the cluster. Everything rejects with a KubeError where the API server cannot be asked. */
export type UninstallCluster = {
  /** The rights that this user lacks, as `delete deployments.apps`. */
  readonly lacking: (wish: {
    readonly force: boolean
    readonly deleteData: boolean
  }) => Promise<readonly string[]>
  /** What is ours and there, of one step. */
  readonly owned: (step: OwnStep) => Promise<readonly Owned[]>
  /** The CRDs, and how many objects there are of each. */
  readonly data: () => Promise<readonly (Owned & { readonly count: number })[]>
  readonly inHand: () => Promise<readonly InHand[]>
  /** The uids of all Backups and Restores, with their names. */
  readonly objects: () => Promise<ReadonlyMap<string, string>>
  /** Our pods that are still there; ready: to end what is in hand. */
  readonly pods: () => Promise<readonly { readonly name: string; readonly isReady: boolean }[]>
  /** What is in a namespace and not ours. */
  readonly foreignIn: (namespace: string) => Promise<readonly string[]>
  /** Undefined: it is gone, or on its way. Else why not. */
  readonly remove: (owned: Owned) => Promise<string | undefined>
  readonly isThere: (owned: Owned) => Promise<boolean>
  /** Ends what is held as failed. Undefined: done. Else why not. */
  readonly fail: (held: NonNullable<InHand['held']>) => Promise<string | undefined>
}

/** The looks and writes of an uninstall. */
export function uninstallCluster(place: Place): UninstallCluster {
  const { reached, signal } = place
  return {
    lacking: (wish) => lacking(place, wish),
    owned: async (step) => (await Promise.all(ownKinds[step].map((kind) => ownedIn(place, kind)))).flat(),
    data: () => data(place),
    inHand: () => inHand(place),
    objects: () => objectsIn(place),
    pods: () => podsIn(place),
    foreignIn: (namespace) => foreignIn(place, namespace),
    remove: (owned) => remove(place, owned),
    isThere: async (owned) => {
      const found = await at1(reached, owned).find(owned.name, { signal })
      return found !== undefined && textAt(found, 'metadata', 'uid') === owned.uid
    },
    fail: (held) => fail(place, held),
  }
}

const at1 = ({ client }: Reached, { group, plural, namespace }: Owned) =>
  resource<Json>(client, {
    group,
    version: 'v1',
    plural,
    ...(namespace === '' ? {} : { namespace }),
  })

/** A list of all namespaces; nothing where the cluster does not know the kind. */
async function listed({ reached, signal }: Place, kind: OwnKind, labelSelector?: string) {
  try {
    const all = reached.calls.of(kind.group, kind.plural, undefined)
    return (await all.list({ signal, ...(labelSelector === undefined ? {} : { labelSelector }) })).items
  } catch (error) {
    if (isKubeError(error, 'NOT_FOUND')) return []
    throw error
  }
}

const ownedIn = async (place: Place, kind: OwnKind): Promise<readonly Owned[]> =>
  (await listed(place, kind, ownSelector))
    .map((object) => ownedOf(kind, object))
    .filter((owned) => !isOfDevelopment(owned))

async function data(place: Place) {
  const all = (await listed(place, dataKind)).filter((crd) => textAt(crd, 'spec', 'group') === group)
  return Promise.all(
    all.map(async (crd) => {
      const items = await ownObjects(place, textAt(crd, 'spec', 'names', 'plural'), () => undefined)
      return { ...ownedOf(dataKind, crd), count: items.length }
    }),
  )
}

/** Objects of a kind of ours, as `parse` makes them; none where the CRD is gone. */
async function ownObjects<T>(
  { reached, signal }: Place,
  plural: string,
  parse: (raw: unknown) => T,
): Promise<readonly T[]> {
  try {
    const all = resource(reached.client, { group, version, plural, parse })
    return (await all.list({ signal, pageSize: 100, maxItems: 100_000 })).items
  } catch (error) {
    if (isKubeError(error, 'NOT_FOUND')) return []
    throw error
  }
}

async function inHand(place: Place): Promise<readonly InHand[]> {
  const { reached, clock, signal } = place
  const home = await reached.calls.namespaces().get('kube-system', { signal })
  const cluster = textAt(home, 'metadata', 'uid')
  const there = await Promise.all(
    veleroKinds.map(async (kind) =>
      (await listed(place, ofVelero(kind))).map((object) => ({
        seen: seenObjectOf(kind, object),
        held: heldInHand(kind, object),
      })),
    ),
  )
  const objects = new Map(there.flat().map(({ seen }) => [seen.uid, seen]))
  const runs = await ownObjects(place, 'actionruns', (raw) => {
    // Without the Backup or Restore that each keeps, which may have 128 KiB.
    const parsed = runOf({
      ...objectAt({ raw }, 'raw'),
      spec: { ...objectAt(raw, 'spec'), object: undefined },
    })
    // One that this version cannot read, no replica of this version can end.
    if (!('ok' in parsed)) return undefined
    const object = objects.get(parsed.ok.spec.objectRef.uid)
    return runInHand(parsed.ok, { cluster, object, now: clock.now() })
  })
  return [...there.flat().flatMap(({ held }) => held ?? []), ...runs.flatMap((run) => run ?? [])]
}

/** Ends a held object as the leader does, so that Velero removes it when its time has come. */
async function fail(
  { reached, clock, signal }: Place,
  { kind, object }: NonNullable<InHand['held']>,
): Promise<string | undefined> {
  const namespace = textAt(object, 'metadata', 'namespace')
  const locations = await reached.calls.velero('backupstoragelocations', namespace).list({ signal })
  const patch = failPatch({
    kind,
    live: object,
    annotations: {},
    validationErrors: [abandonedText(kind, object)],
    storageLocation: defaultLocation(locations.items.map(keptLocation)),
    now: clock.now(),
  })
  return refusal(() =>
    reached.calls
      .velero(veleroPlural[kind], namespace)
      .mergePatch(textAt(object, 'metadata', 'name'), patch, { signal }),
  )
}

async function objectsIn(place: Place): Promise<ReadonlyMap<string, string>> {
  const all = await Promise.all(
    veleroKinds.map(async (kind) =>
      (await listed(place, ofVelero(kind))).map((object) => {
        const { namespace, name } = ownedOf(ofVelero(kind), object)
        return [textAt(object, 'metadata', 'uid'), `${kind} ${namespace}/${name}`] as const
      }),
    ),
  )
  return new Map(all.flat())
}

async function podsIn(place: Place) {
  const pods = await listed(place, { group: '', plural: 'pods', kind: 'Pod' }, ownSelector)
  return pods.map((pod) => {
    const conditions = at(pod, 'status', 'conditions')
    // Not those of the dashboard, which only looks.
    const isReady =
      textAt(pod, 'metadata', 'labels', 'app.kubernetes.io/name') === 'tidewaiter' &&
      textAt(pod, 'metadata', 'deletionTimestamp') === '' &&
      Array.isArray(conditions) &&
      conditions.some((one) => textAt(one, 'type') === 'Ready' && textAt(one, 'status') === 'True')
    return { name: `${textAt(pod, 'metadata', 'namespace')}/${textAt(pod, 'metadata', 'name')}`, isReady }
  })
}

// Every namespace has these, put there by controllers of Kubernetes and OpenShift.
const usual: ReadonlySet<string> = new Set([
  'kube-root-ca.crt',
  'openshift-service-ca.crt',
  'default',
  'builder',
  'deployer',
])

const contents: readonly OwnKind[] = [
  ...['deployments', 'statefulsets', 'daemonsets'].map((plural) => ({ group: 'apps', plural, kind: plural })),
  ...['jobs', 'cronjobs'].map((plural) => ({ group: 'batch', plural, kind: plural })),
  ...['pods', 'services', 'configmaps', 'secrets', 'persistentvolumeclaims', 'serviceaccounts'].map(
    (plural) => ({
      group: '',
      plural,
      kind: plural,
    }),
  ),
]

async function foreignIn({ reached, signal }: Place, namespace: string): Promise<readonly string[]> {
  const found = await Promise.all(
    contents.map(async (kind) => {
      const names = await namesIn({ reached, signal }, kind, namespace)
      return names === undefined
        ? [`${kind.plural} (which this user may not list)`]
        : names.filter((name) => !usual.has(name)).map((name) => `${kind.plural}/${name}`)
    }),
  )
  return found.flat()
}

/** Undefined: this user may not look. */
async function namesIn({ reached, signal }: Omit<Place, 'clock'>, kind: OwnKind, namespace: string) {
  try {
    const { items } = await reached.calls.of(kind.group, kind.plural, namespace).list({ signal })
    return items.map((object) => textAt(object, 'metadata', 'name'))
  } catch (error) {
    if (isKubeError(error, 'FORBIDDEN')) return undefined
    throw error
  }
}

async function remove({ reached, signal }: Place, owned: Owned): Promise<string | undefined> {
  return refusal(() =>
    at1(reached, owned).delete(owned.name, { uid: owned.uid, propagationPolicy: 'Background', signal }),
  )
}

/** Undefined if it was done, or if there is nothing any more that it could be done to. */
async function refusal(write: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await write()
    return undefined
  } catch (error) {
    if (isKubeError(error, 'NOT_FOUND')) return undefined
    // CONFLICT: it was deleted and made anew, or changed; the next look tells.
    if (isKubeError(error, 'DENIED', 'FORBIDDEN', 'INVALID', 'CONFLICT')) return error.message
    throw error
  }
}
