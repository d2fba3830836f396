/** What a command needs to foresee what the gate will do: from files alone, or from the cluster as its user sees it. */
import type { ForesightPorts } from '../admission/gate-ports.ts'
import type { Action } from '../api/action.ts'
import type { Cel } from '../cel/cel.ts'
import type { Clock } from '../clock.ts'
import { authorAnnotation, claimedAuthor, usernameOf } from '../core/author.ts'
import type { OutputsKey } from '../core/exported/keys.ts'
import type { Author } from '../core/plan.ts'
import { objectAt, scheduleLabel, textAt, textMapAt, type Json } from '../core/velero.ts'
import type { AccessReview } from '../kube/access-review.ts'
import { isKubeError } from '../kube/errors.ts'
import type { Log } from '../log.ts'
import { defaultLocation, keptAction, keptLocation, type UnreadAction } from './caches.ts'
import { whyNoActor, type Actors } from './actors.ts'
import { hash } from './crypto.ts'
import { backupOf, exportedFor, type ExportedWorld } from './exported.ts'
import { knownActions } from './gate.ts'
import type { Calls } from './kinds.ts'
import { performWith } from './perform.ts'
import { nobody } from '../actions/nobody.ts'
import { annotationsIn, annotationsOfSchedule, defaultsOf, scheduleOfBackup } from './world.ts'

/** What both ways need. */
export type ForesightWorld = {
  readonly clock: Clock
  readonly log: Log
  readonly cel: Cel
  readonly version: string
  /** What the files hold, each with its namespace: it counts before what the cluster holds. */
  readonly documents: readonly Json[]
  /** The keys whose exported outputs are believed. */
  readonly trusted: readonly OutputsKey[]
}

/** The account that Velero has in its namespace unless told otherwise (velero install; the chart calls it velero-server). */
export const veleroAccount = (namespace: string): string => usernameOf(namespace, 'velero')

/** From files alone: whoever applies the Actions is their author, and may skip. */
export function offlineForesight(actions: readonly Action[], world: ForesightWorld): ForesightPorts {
  const { documents } = world
  const locations = find(documents, 'BackupStorageLocation').map(keptLocation)
  return ports(world, {
    actionsOf: async (namespace) => ({ ok: actions.filter((one) => one.metadata.namespace === namespace) }),
    authorOf: () => ({ username: 'whoever applies it', groups: [] }),
    defaultsOf: async () => ({
      storageLocation: defaultLocation(locations),
    }),
    scheduleOfBackup: async () => '',
    backupOf: async (_, restore) => ({
      name: textAt(restore, 'spec', 'backupName'),
      problem: 'there are no exported outputs: its Backup is in none of the files',
    }),
    annotationsOfSchedule: async () => ({}),
    maySkip: async () => true,
    whyNoActor: async () => undefined,
  })
}

/** From the cluster, as its user may see it. Nothing is written, and no Secret is read. */
export function clusterForesight(
  { calls, review }: { readonly calls: Calls; readonly review: AccessReview },
  world: ForesightWorld,
): ForesightPorts {
  const asking = { calls, caches: new Map<string, never>() }
  return ports(world, {
    actionsOf: once(async (namespace) => {
      const { items } = await calls.own('actions', namespace).list()
      return knownActions(items.map(keptAction), wasAdopted)
    }),
    authorOf: authorShown,
    defaultsOf: once((namespace) => defaultsOf(asking, namespace)),
    scheduleOfBackup: (namespace, backup) => scheduleOfBackup(asking, namespace, backup),
    backupOf: (namespace, restore) => backupOf(asking, namespace, restore),
    annotationsOfSchedule: (namespace, schedule) => annotationsOfSchedule(asking, namespace, schedule),
    maySkip: (_, namespace) =>
      review.mayI({ verb: 'skip', group: 'tidewaiter.io', resource: 'actions', namespace }),
    whyNoActor: async (name, by) => {
      const isVelero = (username: string, namespace: string) => username === veleroAccount(namespace)
      try {
        return await whyNoActor(name, by, { review, isVelero })
      } catch (error) {
        // What this user may not ask hinders nothing here.
        if (isKubeError(error, 'FORBIDDEN')) return undefined
        throw error
      }
    },
  })
}

/** Asks once for each namespace: a file may hold a thousand Backups. */
function once<T>(ask: (namespace: string) => Promise<T>): (namespace: string) => Promise<T> {
  const asked = new Map<string, Promise<T>>()
  return (namespace) => {
    const answer = asked.get(namespace) ?? ask(namespace)
    asked.set(namespace, answer)
    return answer
  }
}

/** The author as far as a person can know: only a replica has the key that tells a true stamp, and the leader says what it found. */
function authorShown({ metadata, status }: Action): Author | undefined {
  const said = status?.conditions?.find(({ type }) => type === 'Accepted')
  const isOld = said?.observedGeneration !== undefined && said.observedGeneration !== metadata.generation
  if (said?.reason === 'Unadopted' && !isOld) return undefined
  return claimedAuthor(metadata.annotations?.[authorAnnotation])
}

/** As far as a person can know. What the leader says of it has no generation: a stamp that came since makes it say so anew. */
const wasAdopted = ({ stamp, status }: UnreadAction): boolean =>
  claimedAuthor(stamp) !== undefined &&
  status?.conditions?.find(({ type }) => type === 'Accepted')?.reason !== 'Unadopted'

type Asked = Pick<
  ForesightPorts,
  'actionsOf' | 'authorOf' | 'defaultsOf' | 'scheduleOfBackup' | 'annotationsOfSchedule' | 'maySkip'
> &
  Pick<ExportedWorld, 'backupOf'> & {
    readonly whyNoActor: (...asked: Parameters<Actors>) => Promise<string | undefined>
  }

function ports(world: ForesightWorld, asked: Asked): ForesightPorts {
  const { clock, cel, documents } = world
  // Time stands still for what is judged: how long a slow cluster takes to answer us is not the admission's.
  const at = clock.now()
  const named = (kind: string, namespace: string, name: string): Json | undefined =>
    find(documents, kind).find(
      (one) => textAt(one, 'metadata', 'namespace') === namespace && textAt(one, 'metadata', 'name') === name,
    )
  return {
    ...asked,
    clock: { ...clock, now: () => at },
    cluster: '',
    hash,
    evaluate: cel.evaluate,
    namesVariable: cel.names,
    isVelero: ({ username }, namespace) => username === veleroAccount(namespace),
    scheduleOfBackup: async (namespace, backup) => {
      const found = named('Backup', namespace, backup)
      if (found === undefined) return asked.scheduleOfBackup(namespace, backup)
      return textMapAt(found, 'metadata', 'labels')[scheduleLabel] ?? ''
    },
    exportedFor: (namespace, restore) =>
      exportedFor(namespace, restore, {
        names: cel.names,
        cluster: '',
        trusted: async () => world.trusted,
        backupOf: async (of, object) => {
          const found = named('Backup', of, textAt(object, 'spec', 'backupName'))
          return found === undefined ? asked.backupOf(of, object) : { backup: found }
        },
      }),
    annotationsOfSchedule: async (namespace, schedule) => {
      const found = named('Schedule', namespace, schedule)
      return found === undefined ? asked.annotationsOfSchedule(namespace, schedule) : annotationsIn(found)
    },
    perform: async (performing) =>
      performWith(await asked.defaultsOf(performing.run.metadata.namespace), performing, {
        clock: { ...clock, now: () => at },
        log: world.log,
        evaluate: cel.evaluate,
        reads: cel.selections,
        names: cel.names,
        version: world.version,
        send: () => Promise.reject(new Error('a command renders only, and calls nobody')),
        // Never read, for what is shown of it is stars anyway.
        secret: async () => ({ ok: unread }),
        actor: async (name, by) => {
          const refused = await asked.whyNoActor(name, by)
          if (refused !== undefined) return { refused }
          return { ok: { ...nobody, account: `ServiceAccount ${by.namespace}/${name}` } }
        },
        spanId: () => '0'.repeat(16),
      }),
  }
}

const unread = 'the value of a Secret that was not read'

const find = (documents: readonly Json[], kind: string): readonly Json[] =>
  documents.filter((one) => one['kind'] === kind && textAt(one, 'apiVersion') === 'velero.io/v1')

/** The object with its namespace, the given one where it names none. */
export const inNamespace = (object: Json, namespace: string): Json => ({
  ...object,
  metadata: {
    ...objectAt(object, 'metadata'),
    namespace: textAt(object, 'metadata', 'namespace') || namespace,
  },
})
