/** What a case of Velero's contract gets: the namespace of a Velero, and the objects in it. */
import assert from 'node:assert/strict'
import type { Api } from '../api.ts'
import { answered } from '../expected.ts'
import type { Answer, Json } from '../http.ts'
import { configMap, paths } from '../objects.ts'
import type { Watch, WatchEvent } from '../watch.ts'

/** The kinds by the names of their collections. */
const kinds = {
  backups: 'Backup',
  restores: 'Restore',
  schedules: 'Schedule',
  deletebackuprequests: 'DeleteBackupRequest',
  downloadrequests: 'DownloadRequest',
  serverstatusrequests: 'ServerStatusRequest',
  backupstoragelocations: 'BackupStorageLocation',
} as const
/** The collection of a kind that Velero acts on. */
export type Plural = keyof typeof kinds

/** What to make: `status` only where a case forges one. */
export type Making = {
  readonly name?: string
  readonly spec?: Json
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly status?: Json
}

/** All that a watcher saw of an object, from before it was made. */
export type Voyage = {
  readonly name: string
  /** The phases in order, each once in a row; `-` for none. */
  readonly phases: readonly string[]
  readonly states: readonly Json[]
  /** The first state of a phase. */
  readonly at: (phase: string) => Json
  readonly last: Json
}

/** Velero as a case sees it. */
export type Velero = {
  readonly api: Api
  readonly namespace: string
  readonly name: (prefix?: string) => string
  readonly make: (plural: Plural, making?: Making) => Promise<Json>
  /** The object; undefined if it is gone. */
  readonly read: (plural: Plural, name: string) => Promise<Json>
  readonly list: (plural: Plural, labelSelector: string) => Promise<readonly Json[]>
  /** A merge patch. */
  readonly patch: (plural: Plural, name: string, body: object) => Promise<Answer>
  readonly remove: (plural: Plural, name: string) => Promise<Answer>
  /** Makes an object and watches it to its end. */
  readonly voyage: (plural: Plural, making?: Making) => Promise<Voyage>
  readonly watch: (plural: Plural, query: Readonly<Record<string, string>>) => Promise<Watch>
  /** Waits until an object is as wanted, and gives it. */
  readonly until: (plural: Plural, name: string, wanted: (object: Json) => boolean) => Promise<Json>
  /** A namespace of this case's own with one ConfigMap in it, and the spec of a Backup of it. */
  readonly cargo: () => Promise<{ readonly ns: string; readonly spec: Json }>
  /** One Backup, and one Restore of it, that went the usual way: watched once for all cases of a run, and not to be changed. */
  readonly usualBackup: () => Promise<Voyage>
  readonly usualRestore: () => Promise<Voyage>
  /** Returns when Velero has looked at a Backup that was made later than all before. */
  readonly passed: () => Promise<void>
}

// A real Velero with forty Backups at once takes some seconds for each.
// A storage location is synced once a minute.
const patienceMs = 75_000
const ends = new Set(['Completed', 'PartiallyFailed', 'Failed', 'FailedValidation'])

/** The phase of an object; `-` for none. */
export const phaseOf = (object: Json): string => object?.status?.phase ?? '-'
/** Whether Velero has done with an object. */
export const ended = (object: Json): boolean => ends.has(phaseOf(object))

/** Velero in this namespace, for one case. */
export function veleroOf(api: Api, namespace: string): Velero {
  const path = (plural: Plural, name?: string): string =>
    `/apis/velero.io/v1/namespaces/${namespace}/${plural}${name === undefined ? '' : `/${name}`}`
  const make: Velero['make'] = async (plural, making = {}) =>
    answered(await api.post(path(plural), objectOf(plural, { name: api.name('v'), ...making })), 201)
  const read: Velero['read'] = async (plural, name) => {
    const answer = await api.get(path(plural, name))
    return answer.status === 404 ? undefined : answered(answer, 200)
  }
  const watching: Velero['watch'] = (plural, query) => api.watch(path(plural), query, patienceMs)
  const until: Velero['until'] = (plural, name, wanted) =>
    api.eventually(async () => {
      const object = await read(plural, name)
      assert.ok(
        wanted(object),
        `${plural} ${name} is not as wanted: ${JSON.stringify(object)?.slice(0, 2000)}`,
      )
      return object
    }, patienceMs)
  const voyage: Velero['voyage'] = async (plural, making = {}) => {
    const name = making.name ?? api.name('v')
    const watch = await watching(plural, { fieldSelector: `metadata.name=${name}` })
    await make(plural, { ...making, name })
    const states: Json[] = []
    for (;;) {
      const event: WatchEvent | undefined = await watch.next(patienceMs)
      assert.ok(event, `the watch ended while ${plural} ${name} was ${phaseOf(states.at(-1))}`)
      states.push(event.object)
      if (ended(event.object)) break
    }
    watch.close()
    return voyageOf(name, states)
  }
  const cargo: Velero['cargo'] = async () => {
    const ns = await api.namespace()
    answered(await api.post(paths.configMaps(ns), configMap('cargo', { a: 'b' })), 201)
    return { ns, spec: { includedNamespaces: [ns], includedResources: ['configmaps'] } }
  }
  return {
    api,
    namespace,
    name: api.name,
    make,
    read,
    list: async (plural, labelSelector) =>
      answered(await api.get(path(plural), { labelSelector }), 200).items,
    patch: (plural, name, body) => api.patch(path(plural, name), body, { type: 'merge' }),
    remove: (plural, name) => api.delete(path(plural, name)),
    voyage,
    watch: watching,
    until,
    cargo,
    usualBackup: () => once(api.suite, 'backup', () => sail(veleroOf(api.suite, namespace))),
    usualRestore: () => once(api.suite, 'restore', () => sailBack(veleroOf(api.suite, namespace))),
    passed: async () => void (await voyage('backups', { spec: { storageLocation: 'none' } })),
  }
}

/** What the usual Backup is made with. */
export const usual = {
  labels: { tier: 'prod' },
  annotations: { 'example.org/note': 'kept' },
} as const

async function sail(velero: Velero): Promise<Voyage> {
  return velero.voyage('backups', { ...usual, spec: (await velero.cargo()).spec })
}

async function sailBack(velero: Velero): Promise<Voyage> {
  const { name } = await velero.usualBackup()
  return velero.voyage('restores', { spec: { backupName: name, excludedResources: ['pods'] } })
}

const voyages = new WeakMap<Api, Map<string, Promise<Voyage>>>()

function once(suite: Api, what: string, sail: () => Promise<Voyage>): Promise<Voyage> {
  const known = voyages.get(suite) ?? new Map<string, Promise<Voyage>>()
  voyages.set(suite, known)
  const voyage = known.get(what) ?? sail()
  known.set(what, voyage)
  return voyage
}

// A Backup of all namespaces would make all others wait: one that says nothing is of a namespace that is not there.
const specOf = (plural: Plural, name: string | undefined, spec: Json): Json => {
  if (plural === 'backups') return { includedNamespaces: [name], ...spec }
  return plural === 'schedules'
    ? { ...spec, template: { includedNamespaces: [name], storageLocation: 'none', ...spec.template } }
    : spec
}

/** The object as it is made. */
export const objectOf = (plural: Plural, { name, spec = {}, status, ...metadata }: Making) => ({
  apiVersion: 'velero.io/v1',
  kind: kinds[plural],
  metadata: { name, ...metadata },
  spec: specOf(plural, name, spec),
  ...(status === undefined ? {} : { status }),
})

function voyageOf(name: string, states: readonly Json[]): Voyage {
  const phases = states.map(phaseOf).filter((phase, index, all) => phase !== all[index - 1])
  const at = (phase: string): Json =>
    states.find((state) => phaseOf(state) === phase) ??
    assert.fail(`${name} was never ${phase}: ${phases.join(', ')}`)
  return { name, phases, states, at, last: states.at(-1) }
}

/** Milliseconds of a time as Kubernetes writes it. */
export const timeOf = (text: unknown): number => {
  assert.match(String(text), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  return Date.parse(String(text))
}
/** Seconds from one time to another. */
export const secondsBetween = (from: unknown, to: unknown): number => (timeOf(to) - timeOf(from)) / 1000
