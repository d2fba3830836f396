/** What is held: for which actions, since when, and what each waits for. Pure. */
import type { ActionRun } from '../api/action-run.ts'
import { inLine } from '../core/hold/turn.ts'
import { endedPhase } from '../core/run/ending.ts'
import { hasEnded } from '../core/run/machine.ts'
import type { VeleroKind } from '../core/velero.ts'
import type { Known } from './ports.ts'
import { counted } from './words.ts'

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

/** The held ones of a kind, in the order in which their turns come. `runs` is absent where the visitor may not see them. */
export function holdRows(
  { namespace, objects }: Pick<Known, 'namespace' | 'objects'>,
  kind: VeleroKind,
  runs: readonly ActionRun[] | undefined,
): readonly HoldRow[] {
  const line = inLine(objects(kind))
  const uids = new Set(line.map(({ uid }) => uid))
  const pre = (runs ?? []).filter(({ spec }) => spec.stage.startsWith('Pre') && uids.has(spec.objectRef.uid))
  const ofUid = new Map(pre.map((run) => [run.spec.objectRef.uid, run]))
  return line.map(({ name, uid, createdAt }, before) => {
    const run = ofUid.get(uid)
    return {
      kind,
      namespace,
      name,
      uid,
      since: createdAt,
      actions: run?.spec.actions.filter(({ skip }) => skip === undefined).map(({ name: action }) => action),
      standing: runs === undefined ? '' : standingOf(run, before),
    }
  })
}

function standingOf(run: ActionRun | undefined, before: number): string {
  if (run === undefined) return 'its run is not written yet'
  if (hasEnded(run)) return `about to ${good.has(endedPhase(run)) ? 'start' : 'fail'}: its actions have ended`
  const rows = run.status.actions ?? []
  const acting = rows.find(({ phase }) => phase === 'Running')
  if (acting !== undefined) return `${acting.name} runs`
  // Handed back: it waits for what another object has.
  const waits = rows.find(({ phase, completionTimestamp }) => phase === 'Pending' && completionTimestamp)
  if (waits !== undefined) return `${waits.name} ${waits.message ?? 'waits'}`
  if (run.status.phase === 'Running') return 'between two actions'
  return before === 0 ? 'the next one' : `waits for its turn, ${counted(before, 'held one')} before it`
}

const good: ReadonlySet<string> = new Set(['Succeeded', 'Skipped'])
