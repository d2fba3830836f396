/** What every part of one process shares: the client, the copies, the tools. */
import type { PluginPorts } from '../admission/plugin-ports.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { authorAnnotation, authorOf as readAuthor, isOurs, usernameOf } from '../core/author.ts'
import { minimal } from '../api/minimal.ts'
import { actionKind, type Action } from '../api/action.ts'
import type { OutputsKey } from '../core/exported/keys.ts'
import type { Author } from '../core/plan.ts'
import { textAt, textMapAt, type Json, type VeleroDefaults } from '../core/velero.ts'
import type { RequestUser } from '../core/admission-request.ts'
import type { Cel } from '../cel/cel.ts'
import type { AccessReview } from '../kube/access-review.ts'
import type { KubeClient } from '../kube/client.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Recorder } from '../observe/recorder.ts'
import type { OutputsKeys } from '../tls/outputs-key.ts'
import { defaultLocation, isFresh, keptLocation } from './caches.ts'
import type { KeptAction, NamespaceCaches, UnreadAction } from './caches.ts'
import { hash, signer } from './crypto.ts'
import { insistOnList } from './insist.ts'
import type { Calls } from './kinds.ts'
import type { Runs } from './runs.ts'

/** The world of one process. */
export type World = {
  readonly config: Config
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly client: KubeClient
  readonly calls: Calls
  readonly review: AccessReview
  readonly cel: Cel
  readonly runs: Runs
  readonly plugins: PluginPorts
  readonly caches: ReadonlyMap<string, NamespaceCaches>
  /** uid of the namespace kube-system. */
  readonly cluster: string
  /** The time as the API server told it last, gone on since by our own clock. */
  readonly serverTime: () => number
  /** This process, new with every start. */
  readonly owner: string
  readonly version: string
  /** Whether the guard is seen in force in a namespace. */
  readonly guards: (namespace: string) => Promise<boolean>
  /** The key that authenticates author stamps; throws before the Secret was read. */
  readonly macKey: () => Uint8Array
  /** What signs exported outputs; undefined while the Secret has no key for it. */
  readonly outputsKeys: () => OutputsKeys | undefined
  /** The keys whose exported outputs are believed: our own, and those of --trusted-keys. */
  readonly trustedKeys: () => Promise<readonly OutputsKey[]>
  /** Records a decision beside its answer; gives its audit annotations. */
  readonly record: Recorder['record']
}

/** The copies of a namespace; a namespace that is not Velero's has none. */
export function cachesOf(world: Pick<World, 'caches'>, namespace: string): NamespaceCaches | undefined {
  return world.caches.get(namespace)
}

/** A spec without what the schema fills in, as stamps hash it. */
export const minimalSpec = (spec: unknown): unknown => minimal(actionKind.spec, spec)

/** The tools of author stamps. */
export const stampTools = (world: World) => ({ hash, sign: signer(world.macKey()) })

/** Who wrote the spec of an Action that is kept; undefined if it came in another way. */
export function authorOfKept(world: World, action: Action): Author | undefined {
  const { namespace, name } = action.metadata
  const kept = cachesOf(world, namespace)?.actions.get(namespace, name)
  const stamp = action.metadata.annotations?.[authorAnnotation] ?? kept?.stamp
  return readAuthor(stamp, { namespace, name, spec: minimalSpec(action.spec) }, stampTools(world))
}

/** Whether somebody with the rights wrote or adopted an Action that cannot be understood: its spec cannot be looked at, its stamp can. */
export const isUnreadAdopted = (world: World, namespace: string, { name, stamp }: UnreadAction): boolean =>
  isOurs(stamp, { namespace, name }, stampTools(world).sign)

/** Whether somebody with the rights wrote or adopted an Action. */
export const isAdopted = (world: World, namespace: string, kept: KeptAction): boolean =>
  'problem' in kept ? isUnreadAdopted(world, namespace, kept) : authorOfKept(world, kept.action) !== undefined

/** What asks the API server, and the copies that save it the question where there are some. */
export type Asking = Pick<World, 'caches' | 'calls'>

/** Velero's own account is never taken for a person. */
export function isVelero(world: World, user: Pick<RequestUser, 'username'>, namespace: string): boolean {
  return world.config.veleroServiceAccounts.some((name) => user.username === usernameOf(namespace, name))
}

/** What Velero fills in: the default storage location (velero pkg/controller/backup_controller.go prepareBackupRequest). */
export async function defaultsOf(world: Asking, namespace: string): Promise<VeleroDefaults> {
  const caches = cachesOf(world, namespace)
  const locations =
    caches !== undefined && isFresh(caches)
      ? caches.locations.list()
      : (await insistOnList(world.calls.velero('backupstoragelocations', namespace))).map(keptLocation)
  return { storageLocation: defaultLocation(locations) }
}

/** The Schedule that made a Backup, or ''. */
export async function scheduleOfBackup(world: Asking, namespace: string, backup: string): Promise<string> {
  const seen = cachesOf(world, namespace)?.objects.Backup
  const found = seen?.synced() === true ? seen.get(namespace, backup) : undefined
  if (found !== undefined) return found.schedule
  return textAt(
    await world.calls.velero('backups', namespace).find(backup),
    'metadata',
    'labels',
    'velero.io/schedule-name',
  )
}

/** The annotations of a Schedule and of its template, as they stand. */
export async function annotationsOfSchedule(
  world: Asking,
  namespace: string,
  schedule: string,
): Promise<Readonly<Record<string, string>>> {
  return annotationsIn(await world.calls.velero('schedules', namespace).find(schedule))
}

/** The annotations that a Schedule gives its Backups. */
export const annotationsIn = (schedule: unknown): Readonly<Record<string, string>> => ({
  ...textMapAt(schedule, 'metadata', 'annotations'),
  ...textMapAt(schedule, 'spec', 'template', 'metadata', 'annotations'),
})

/** The uid of a Schedule; undefined if there is none of that name. */
export async function uidOfSchedule(
  world: World,
  namespace: string,
  schedule: string,
): Promise<string | undefined> {
  const uid = textAt(await world.calls.velero('schedules', namespace).find(schedule), 'metadata', 'uid')
  return uid === '' ? undefined : uid
}

/** A live object, or undefined. */
export const readObject = (
  world: World,
  plural: string,
  at: { readonly namespace: string; readonly name: string },
): Promise<Json | undefined> => world.calls.velero(plural, at.namespace).find(at.name)
