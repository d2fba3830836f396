/** Backups and Restores with their runs, as lists and pages show them; those that were refused were never created, and are shown too. */
import type { ActionRun } from '../api/action-run.ts'
import { isHeld } from '../core/hold/turn.ts'
import { finishedAt, saysUnguarded, type SeenObject } from '../core/post.ts'
import { holds } from '../core/run/conditions.ts'
import { endedPhase } from '../core/run/ending.ts'
import { progressOf, textAt, type VeleroKind } from '../core/velero.ts'
import type { Known } from './ports.ts'

/** One of them. Times are milliseconds, undefined where they are not known. */
export type ObjectRow = {
  readonly kind: VeleroKind
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly schedule: string
  /** Velero's phase; `Held` while we keep it from starting; `Not created` for what was refused. */
  readonly phase: string
  readonly at: number
  readonly endedAt: number | undefined
  readonly isUnguarded: boolean
  readonly isStuck: boolean
  readonly failure: string
  /** The newest run of each stage, pre before post. */
  readonly runs: readonly ActionRun[]
}

/** When things count as stuck. */
export type Moment = { readonly now: number; readonly stuckAfterMs: number }

/** All of a kind, the newest first. Without the right to see runs, `runs` is empty. */
export function objectRows(
  known: Known,
  kind: VeleroKind,
  { runs, ...moment }: Moment & { readonly runs: readonly ActionRun[] },
): readonly ObjectRow[] {
  const ofUid = Map.groupBy(
    runs.filter(({ spec }) => spec.objectRef.kind === kind),
    ({ spec }) => spec.objectRef.uid,
  )
  const objects = known.objects(kind)
  const uids = new Set(objects.map(({ uid }) => uid))
  const rows = [
    ...objects.map((object) => rowOf(object, ofUid.get(object.uid) ?? [], moment)),
    ...[...ofUid].flatMap(([uid, ofOne]) => (uids.has(uid) ? [] : goneRow(known.namespace, uid, ofOne))),
  ]
  return rows.sort((a, b) => b.at - a.at || (a.uid < b.uid ? -1 : 1))
}

function rowOf(object: SeenObject, runs: readonly ActionRun[], { now, stuckAfterMs }: Moment): ObjectRow {
  const { kind, namespace, name, uid, schedule, progress } = object
  const { started, ended } = progressOf(progress, now)
  const end = finishedAt(object)
  return {
    kind,
    namespace,
    name,
    uid,
    schedule,
    phase: isHeld(object) ? 'Held' : textAt(progress, 'status', 'phase') || 'New',
    at: object.createdAt,
    endedAt: ended === undefined || !Number.isFinite(end) ? undefined : end,
    isUnguarded: saysUnguarded(object.pre),
    isStuck: started && ended === undefined && now - object.startedAt > stuckAfterMs,
    failure: textAt(progress, 'status', 'failureReason'),
    runs: inOrder(runs),
  }
}

/** What is not there: refused before it was created, or deleted since. */
function goneRow(namespace: string, uid: string, runs: readonly ActionRun[]): ObjectRow[] {
  const ordered = inOrder(runs)
  const [first] = ordered
  if (first === undefined) return []
  const { objectRef, scheduleName = '' } = first.spec
  return [
    {
      kind: objectRef.kind,
      namespace,
      name: objectRef.name,
      uid,
      schedule: scheduleName,
      phase: ordered.every(neverCame) ? 'Not created' : 'Deleted',
      at: beganAt(first),
      endedAt: undefined,
      isUnguarded: false,
      isStuck: false,
      failure: '',
      runs: ordered,
    },
  ]
}

/** Refused inside its admission, or by another webhook after that. What was held had been created. */
const neverCame = (run: ActionRun): boolean =>
  holds(run, 'Orphaned') ||
  (run.spec.stage.startsWith('Pre') && run.spec.held !== true && endedPhase(run) === 'Refused')

const inOrder = (runs: readonly ActionRun[]): readonly ActionRun[] =>
  [...runs].sort((a, b) => Number(isPost(a)) - Number(isPost(b)) || beganAt(a) - beganAt(b))

const isPost = ({ spec }: ActionRun): boolean => spec.stage.startsWith('Post')

/** When a run began, or was written. */
export const beganAt = ({ metadata, status }: ActionRun): number =>
  Date.parse(status.startTimestamp ?? metadata.creationTimestamp) || 0
