/** The copies that this process keeps: Actions, runs, Backups, Restores and storage locations of Velero's namespaces. */
import { actionKind, type Action, type ActionStatus } from '../api/action.ts'
import type { ActionRun } from '../api/action-run.ts'
import { parseAction, parseKeeping } from '../api/parse.ts'
import { sentenceOf } from '../api/problems.ts'
import type { Clock } from '../clock.ts'
import { authorAnnotation } from '../core/author.ts'
import { cooldownKeysOf } from '../core/cooldown.ts'
import { seenObjectOf, type SeenObject } from '../core/post.ts'
import { at, textAt, type VeleroKind } from '../core/velero.ts'
import type { KubeClient } from '../kube/client.ts'
import { createReflector } from '../kube/reflector.ts'
import type { Reflector } from '../kube/reflector-options.ts'
import type { Log } from '../log.ts'
import { ownPath, veleroPath, veleroPlural } from './kinds.ts'
import { runOf } from './runs.ts'

/** An Action as it is kept: parsed, or why it cannot be. One that cannot be parsed must never look like none, unless nobody adopted it. */
export type KeptAction =
  | {
      readonly name: string
      readonly action: Action
      readonly stamp: string | undefined
      readonly changedAt: number
    }
  | UnreadAction

/** An Action that this version cannot understand. */
export type UnreadAction = {
  readonly name: string
  readonly problem: string
  readonly stamp: string | undefined
  readonly status?: ActionStatus
}

/** A BackupStorageLocation, as far as defaults need it. */
export type KeptLocation = { readonly name: string; readonly isDefault: boolean }

/** A run as it is kept: parsed, or why it cannot be. One that cannot be parsed must never look like none. */
export type KeptRun = ActionRun | UnreadRun

/** A run that this version cannot understand, and the object it is for as far as it can be told. */
export type UnreadRun = {
  readonly name: string
  readonly objectRef: { readonly kind: VeleroKind; readonly name: string; readonly uid: string }
  readonly problem: string
}

/** The copies of one of Velero's namespaces. */
export type NamespaceCaches = {
  readonly namespace: string
  readonly actions: Reflector<KeptAction>
  readonly runs: Reflector<KeptRun>
  readonly objects: Readonly<Record<VeleroKind, Reflector<SeenObject>>>
  readonly locations: Reflector<KeptLocation>
}

/** What caches are made of. */
export type CacheOptions = {
  readonly client: KubeClient
  readonly clock: Clock
  readonly log: Log
  /** Told of every Backup, Restore or run that changed. */
  readonly onObject: (object: {
    readonly kind: VeleroKind
    readonly namespace: string
    readonly name: string
    readonly uid: string
  }) => void
  readonly onAction: (namespace: string, name: string) => void
}

/** The copies of one namespace; nothing is asked before they are started. */
export function createCaches(namespace: string, options: CacheOptions): NamespaceCaches {
  const { client, clock, log, onObject } = options
  const common = { client, clock, log }
  const objects = (kind: VeleroKind) =>
    createReflector<SeenObject>({
      ...common,
      path: veleroPath(veleroPlural[kind], namespace),
      project: (raw) => seenObjectOf(kind, raw),
      indexes: { open: (object) => (isOpen(object) ? ['yes'] : []) },
      onChange: ({ object }) => onObject(object),
    })
  return {
    namespace,
    actions: createReflector<KeptAction>({
      ...common,
      path: ownPath('actions', namespace),
      project: keptAction,
      onChange: ({ object }) => options.onAction(namespace, object.name),
    }),
    runs: createReflector<KeptRun>({
      ...common,
      path: ownPath('actionruns', namespace),
      project: (raw) => keptRun(raw, log),
      indexes: {
        uid: (run) => [refOf(run).uid],
        cooldown: (run) => ('problem' in run ? [] : cooldownKeysOf(run)),
      },
      onChange: ({ object }) => onObject({ ...refOf(object), namespace }),
    }),
    objects: { Backup: objects('Backup'), Restore: objects('Restore') },
    locations: createReflector<KeptLocation>({
      ...common,
      path: veleroPath('backupstoragelocations', namespace),
      project: keptLocation,
    }),
  }
}

/** Held, waiting or at work: whose turn it is depends on these, and they are few. */
const isOpen = ({ progress }: SeenObject): boolean =>
  ['', 'New', 'Queued', 'ReadyToStart', 'InProgress'].includes(textAt(progress, 'status', 'phase'))

/** Every copy of a namespace. */
export const allOf = (caches: NamespaceCaches): readonly Reflector<unknown>[] => [
  caches.actions,
  caches.runs,
  caches.objects.Backup,
  caches.objects.Restore,
  caches.locations,
]

/** What is kept of a BackupStorageLocation. */
export const keptLocation = (raw: unknown): KeptLocation => ({
  name: textAt(raw, 'metadata', 'name'),
  isDefault: at(raw, 'spec', 'default') === true,
})

/** The storage location that Velero takes where none is named. */
export const defaultLocation = (locations: readonly KeptLocation[]): string =>
  locations.find(({ isDefault }) => isDefault)?.name ?? 'default'

/** What is kept of an Action. */
export function keptAction(raw: unknown): KeptAction {
  const name = textAt(raw, 'metadata', 'name')
  const parsed = parseAction(raw)
  const stamp = textAt(raw, 'metadata', 'annotations', authorAnnotation) || undefined
  if ('problems' in parsed) {
    const status = parseKeeping(actionKind.status, at(raw, 'status'), 'status')
    const problem = parsed.problems.map(sentenceOf).join('; ')
    return { name, problem, stamp, ...('ok' in status ? { status: status.ok } : {}) }
  }
  return { name, action: parsed.ok, stamp, changedAt: specWrittenAt(raw) }
}

/** When the spec was last written, by managedFields; the creation if nobody says. */
function specWrittenAt(raw: unknown): number {
  const fields = at(raw, 'metadata', 'managedFields')
  const times = (Array.isArray(fields) ? fields : [])
    .filter((entry) => at(entry, 'fieldsV1', 'f:spec') !== undefined)
    .map((entry) => Date.parse(textAt(entry, 'time')))
    .filter((time) => Number.isFinite(time))
  return times.length === 0 ? Date.parse(textAt(raw, 'metadata', 'creationTimestamp')) : Math.max(...times)
}

/** What is kept of a run: without the object it keeps (up to 128 KiB), who needs that reads the run. */
export function keptRun(raw: unknown, log: Log): KeptRun {
  const parsed = runOf(raw)
  if ('problems' in parsed) return unreadRun(raw, parsed.problems.map(sentenceOf).join('; '), log)
  const { object: _object, ...spec } = parsed.ok.spec
  return { ...parsed.ok, spec }
}

function unreadRun(raw: unknown, problem: string, log: Log): UnreadRun {
  const name = textAt(raw, 'metadata', 'name')
  log.error(
    { run: name, problem },
    'an ActionRun cannot be understood: another version of tidewaiter wrote it',
  )
  const text = (key: string) => textAt(raw, 'spec', 'objectRef', key)
  const kind = text('kind') === 'Restore' ? 'Restore' : 'Backup'
  return {
    name,
    objectRef: { kind, name: text('name'), uid: text('uid') },
    problem,
  }
}

/** The object that a run is for. */
export const refOf = (run: KeptRun) => ('problem' in run ? run.objectRef : run.spec.objectRef)

/** Those that can be understood. */
export const readable = (runs: readonly KeptRun[]): readonly ActionRun[] =>
  runs.flatMap((run) => ('problem' in run ? [] : [run]))

/** The API server sends a bookmark at least once a minute: a copy that heard nothing for longer is not believed. */
const longestSilenceMs = 75_000

/** Whether what decisions are made from is current: Actions, runs and storage locations. */
export const isFresh = ({ actions, runs, locations }: NamespaceCaches): boolean =>
  [actions, runs, locations].every((copy) => copy.synced() && copy.silentMs() < longestSilenceMs)
