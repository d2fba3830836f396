/** What is held: for which actions, since when, and what each waits for. Pure. */
import type { ActionRun } from '../api/action-run.ts'
import { standings } from '../core/hold/standing.ts'
import type { VeleroKind } from '../core/velero.ts'
import type { Known } from './ports.ts'

/** One held Backup or Restore. Times are milliseconds. */
export type HoldRow = {
  readonly kind: VeleroKind
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly since: number
  /** Absent where it has no run yet, or the visitor may not see it. */
  readonly actions: readonly string[] | undefined
  /** What it waits for, or what goes on; '' where the visitor may not see its run. */
  readonly standing: string
}

/** What is seen of holds: `runs` is absent where the visitor may not see them. */
export type HoldFacts = {
  readonly runs: readonly ActionRun[] | undefined
  readonly now: number
  readonly stuckAfterMs: number
}

/** The held ones of a kind, in the order in which their turns come. */
export function holdRows(
  { namespace, objects }: Pick<Known, 'namespace' | 'objects'>,
  kind: VeleroKind,
  { runs, ...moment }: HoldFacts,
): readonly HoldRow[] {
  const all = objects(kind)
  const uids = new Set(all.flatMap(({ held, uid }) => (held ? [uid] : [])))
  if (uids.size === 0) return []
  const pre = (runs ?? []).filter(({ spec }) => spec.stage.startsWith('Pre') && uids.has(spec.objectRef.uid))
  const ofUid = new Map(pre.map((run) => [run.spec.objectRef.uid, run]))
  // How many Backups Velero works on at once stands in its Deployment, which the dashboard may not read: one is its default.
  return standings({ objects: all, slots: 1, ...moment, runOf: (uid) => ofUid.get(uid) }).map(
    ({ object: { name, uid, createdAt }, run, standing }) => ({
      kind,
      namespace,
      name,
      uid,
      since: createdAt,
      actions: run?.spec.actions.filter(({ skip }) => skip === undefined).map(({ name: action }) => action),
      standing: runs === undefined ? '' : standing.words,
    }),
  )
}
