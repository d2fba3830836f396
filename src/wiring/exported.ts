/** What the Backup of a Restore exported: found, opened and held against that very Backup. Also what our own Backups are signed with. */
import { createHash } from 'node:crypto'
import type { ActionSpec } from '../api/action.ts'
import { clusterKeys, thumbprintOf, type OutputsKey } from '../core/exported/keys.ts'
import { outputsAnnotation } from '../core/exported/outputs.ts'
import { foreignTo, keptOf, type Statement } from '../core/exported/statement.ts'
import { usesExported, type ExportedFor, type KeptExported, type Names } from '../core/exported/use.ts'
import { isSynced, seenObjectOf, type SeenObject } from '../core/post.ts'
import { textAt, textMapAt, type Json } from '../core/velero.ts'
import type { OutputsKeys } from '../tls/outputs-key.ts'
import { insistOnList } from './insist.ts'
import { openStatement, signStatement } from './outputs-signature.ts'
import { cachesOf, type Asking, type World } from './world.ts'

/** SHA-256 in base64url. */
export const digest = (text: string): string => createHash('sha256').update(text).digest('base64url')

/** Signs with the key of this cluster. Throws while there is none: whoever signs tries again. */
export async function signOutputs(statement: Statement, keys: OutputsKeys | undefined): Promise<string> {
  if (keys === undefined)
    throw new Error('outputs cannot be signed: the Secret of tidewaiter has no key for it yet')
  return signStatement(statement, { key: keys.key, kid: thumbprintOf(keys.publicKeys[0] ?? '', digest) })
}

/** The public keys of this cluster. */
export const ownKeys = (keys: OutputsKeys | undefined, cluster: string): readonly OutputsKey[] =>
  clusterKeys(keys?.publicKeys ?? [], cluster, digest)

/** Finds what the Backups of Restores exported, for a process of the service. */
export const exportedBy =
  (world: World): ExportedFor =>
  (namespace, restore) =>
    exportedFor(namespace, restore, {
      names: world.cel.names,
      cluster: world.cluster,
      trusted: world.trustedKeys,
      backupOf: (of, object) => backupOf(world, of, object),
    })

/** What reading them takes. */
export type ExportedWorld = {
  readonly names: Names
  /** uid of the namespace kube-system; '' where it is not known. */
  readonly cluster: string
  readonly trusted: () => Promise<readonly OutputsKey[]>
  /** The Backup that a Restore is of, as it is now; or why there is none. */
  readonly backupOf: (
    namespace: string,
    restore: Json,
  ) => Promise<{ readonly backup: Json } | { readonly name: string; readonly problem: string }>
}

/** What the actions of a Restore will see; undefined where none of them asks. */
export async function exportedFor(
  namespace: string,
  { object, specs }: { readonly object: Json; readonly specs: readonly ActionSpec[] },
  world: ExportedWorld,
): Promise<KeptExported | undefined> {
  if (!specs.some((spec) => usesExported(spec, world.names))) return undefined
  const source = await world.backupOf(namespace, object)
  if ('problem' in source) return { backup: source.name, problem: source.problem }
  return exportedIn(source.backup, world)
}

/** What one Backup carries. */
async function exportedIn(raw: Json, { cluster, trusted }: ExportedWorld): Promise<KeptExported> {
  const seen = seenObjectOf('Backup', raw)
  const backup = seen.name
  const text = textMapAt(raw, 'metadata', 'annotations')[outputsAnnotation]
  if (text === undefined) return refused(backup, nothing)
  const opened = await openStatement(text, await trusted())
  if ('problem' in opened) return refused(backup, opened.problem, opened.kid)
  // Times are whole seconds: a sync may come in the second in which it ended.
  const carrier = { ...seen, synced: isSynced(seen) || seen.completedAt === seen.createdAt }
  const foreign = foreignTo(carrier, opened.ok, cluster)
  if (foreign !== undefined) return refused(backup, foreign, opened.key.kid)
  return { backup, key: opened.key.kid, ...keptOf(opened.ok) }
}

const nothing = `it carries none (annotation ${outputsAnnotation}): no action of it exported any, or its hold was lifted by hand, or they were taken off`

const refused = (backup: string, why: string, kid?: string): KeptExported => ({
  backup,
  ...(kid === undefined ? {} : { key: kid.slice(0, 64) }),
  problem: `the exported outputs of Backup ${backup} may not be used: ${why}`.slice(0, 1024),
})

/** The Backup that Velero will restore: the named one, or the newest Completed one of the Schedule (velero restore_controller.go, mostRecentCompletedBackup). */
export async function backupOf(
  asking: Asking,
  namespace: string,
  restore: Json,
): Promise<{ readonly backup: Json } | { readonly name: string; readonly problem: string }> {
  const schedule = textAt(restore, 'spec', 'scheduleName')
  const name = textAt(restore, 'spec', 'backupName') || (await newestOf(asking, namespace, schedule))
  if (name === '')
    return {
      name,
      problem: `there are no exported outputs: no Backup of the Schedule "${schedule}" is Completed`,
    }
  const backup = await asking.calls.velero('backups', namespace).find(name)
  return backup === undefined
    ? { name, problem: `there are no exported outputs: Backup ${name} is not in namespace ${namespace}` }
    : { backup }
}

async function newestOf(asking: Asking, namespace: string, schedule: string): Promise<string> {
  if (schedule === '') return ''
  const completed = (await allBackups(asking, namespace)).filter(
    (one) => one.schedule === schedule && textAt(one.progress, 'status', 'phase') === 'Completed',
  )
  // As Velero, to which a Backup that says nothing of its start is the oldest.
  const startOf = ({ startedAt }: SeenObject) => (Number.isFinite(startedAt) ? startedAt : 0)
  return completed.toSorted((a, b) => startOf(b) - startOf(a))[0]?.name ?? ''
}

async function allBackups(asking: Asking, namespace: string): Promise<readonly SeenObject[]> {
  const copy = cachesOf(asking, namespace)?.objects.Backup
  if (copy?.synced() === true) return copy.list()
  const listed = await insistOnList(asking.calls.velero('backups', namespace))
  return listed.map((raw) => seenObjectOf('Backup', raw))
}
