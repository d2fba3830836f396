/** What a plan says of one object, as a value: what is printed in every format comes from it. */
import type { Foresight } from '../admission/foresee.ts'
import type { Foreseen } from '../admission/foreseen.ts'
import type { ActionSpec, Stage } from '../api/action.ts'
import type { PlannedAction } from '../api/action-run.ts'
import { callOf } from '../core/calls.ts'
import { exportedNames } from '../core/exported/outputs.ts'
import { keyOf } from '../core/hold/keys.ts'
import { stagesOf } from '../core/run/names.ts'
import { specOf } from '../core/run/rows.ts'
import type { Now } from './plan-now.ts'
import type { Probed } from './plan-probe.ts'
import type { Subject } from './plan-subject.ts'

/** One action that would run, be skipped, or fail. */
export type ReportRow = {
  readonly name: string
  readonly stage: Stage
  /** call: as `request` says. later: with outputs of the actions before it. fail: it cannot be rendered, as `because` says. */
  readonly does: Foreseen['does']
  readonly because?: string
  /** Of a failure: `template`, or `account` where its author may not act for it. */
  readonly cause?: string
  /** As it would be recorded, secrets masked: the request line, headers, an empty line, the body. */
  readonly request?: string
  /** Where it cannot be rendered yet: what it calls, as the Action says it. */
  readonly calls?: string
  readonly timeoutSeconds: number
  readonly onError: string
  readonly dryRun: boolean
  /** The key that it takes: no other object's action with the same key begins meanwhile. */
  readonly exclusive?: string
  /** The outputs that it exports for Restores in any cluster. */
  readonly exports?: readonly string[]
  /** If it has an undo: when that runs. */
  readonly undoAt?: 'Abort' | 'Always'
  /** Of post actions: the ends after which it runs. */
  readonly when?: readonly string[]
  /** Whether it could work at this moment; absent where nothing was looked at. */
  readonly now?: readonly Now[]
}

/** The plan for one object. */
export type Report = {
  readonly file: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
  /** The Schedule that makes it. */
  readonly schedule?: string
  readonly admitted: boolean
  readonly reason: string
  readonly message: string
  /** False where it was decided before the Actions were looked at: then nothing is known of them. */
  readonly planned: boolean
  /** Why it would be held; absent if it would not be. */
  readonly held?: string
  /** Where the actions before it run inside its admission request. */
  readonly budget?: { readonly wantedSeconds: number; readonly leftSeconds: number }
  readonly before: readonly ReportRow[]
  readonly after: readonly ReportRow[]
  readonly leftOut: Foresight['leftOut']
  /** Of a Restore whose actions refer to them: what its Backup exported, and by which key; or why that may not be used. */
  readonly exported?: NonNullable<Foresight['exported']>
  /** Annotations that only tidewaiter may write: they are taken off. */
  readonly takenOff: readonly string[]
  /** Skip annotations, and whether this user may write them; undefined: nobody was asked. */
  readonly skips: readonly string[]
  readonly maySkip?: boolean
  /** With --probe: what was looked at. */
  readonly probes?: readonly Probed[]
}

/** Where it comes from, and what was found out. */
export type Reported = {
  readonly file: string
  readonly subject: Subject
  readonly foresight: Foresight
  readonly maySkip: boolean | undefined
  readonly now: ReadonlyMap<PlannedAction, readonly Now[]>
}

/** The report of one object. */
export function reportOf({ file, subject, foresight, maySkip, now }: Reported): Report {
  const { kind, schedule, request } = subject
  const { pre, post } = stagesOf(kind)
  const before = foresight.before.map((row) => rowOf(row, pre, now))
  const refused = schedule === undefined ? undefined : scheduleRefusal(foresight, maySkip)
  return {
    file,
    kind,
    namespace: request.namespace,
    name: request.name,
    ...(schedule === undefined ? {} : { schedule }),
    ...(refused === undefined
      ? verdictNow(foresight, before)
      : { admitted: false, reason: 'MayNotSkip', message: refused }),
    planned: foresight.planned,
    ...wayIn(foresight),
    before,
    after: foresight.after.map((row) => rowOf(row, post, now)),
    leftOut: foresight.leftOut,
    ...(foresight.exported === undefined ? {} : { exported: foresight.exported }),
    takenOff: foresight.takenOff,
    skips: foresight.skips,
    ...(maySkip === undefined || foresight.skips.length === 0 ? {} : { maySkip }),
  }
}

/** What cannot work now refuses what is not held: its actions run before the answer. */
function verdictNow(
  { verdict: { allowed, reason, message }, way }: Foresight,
  before: readonly ReportRow[],
): Pick<Report, 'admitted' | 'reason' | 'message'> {
  const failing = allowed && !way.hold ? before.find(failsNow) : undefined
  if (failing === undefined) return { admitted: allowed, reason, message }
  const [because] = (failing.now ?? []).filter(isNo)
  return {
    admitted: false,
    reason: 'ActionFailed',
    message: `as things are now, ${failing.stage} action "${failing.name}" fails: ${because?.said ?? ''}`,
  }
}

const isNo = ({ found }: Now): boolean => found === 'no'

/** Whether an action cannot work at this moment, and what it is for depends on it. */
export const failsNow = ({ now = [], onError }: ReportRow): boolean => onError === 'Fail' && now.some(isNo)

/** Whether everything that was looked at is as it must be. */
export const isSoundNow = ({ before, after }: Report): boolean =>
  [...before, ...after].every(({ cause, now = [] }) => cause !== 'account' && !now.some(isNo))

const wayIn = ({ way, budget }: Foresight): Pick<Report, 'held' | 'budget'> =>
  way.hold
    ? { held: way.why }
    : { budget: { wantedSeconds: budget.wantedMs / 1000, leftSeconds: budget.leftMs / 1000 } }

/** Who writes skips into a Schedule is judged by the guard when it is written: Velero, which makes the Backups, may do all. */
const scheduleRefusal = ({ skips }: Foresight, maySkip: boolean | undefined): string | undefined =>
  skips.length > 0 && maySkip === false
    ? `the guard would refuse the Schedule: this user may not skip actions (${skips.join(', ')})`
    : undefined

const usually = ['Completed', 'PartiallyFailed', 'Failed']

function rowOf(row: Foreseen, stage: Stage, now: Reported['now']): ReportRow {
  const spec = specOf(row.action)
  return {
    name: row.action.name,
    stage,
    does: row.does,
    ...doesPart(row),
    timeoutSeconds: spec.timeoutSeconds,
    onError: spec.onError,
    dryRun: spec.dryRun,
    ...exportsOf(row.action),
    ...effectsOf(row.action.name, spec, stage),
    ...(stage.startsWith('Post')
      ? { when: spec.at === 'ItemsDone' ? ['ItemsDone'] : (spec.when ?? usually) }
      : {}),
    ...nowPart(now.get(row.action)),
  }
}

function doesPart(row: Foreseen): Pick<ReportRow, 'because' | 'cause' | 'request' | 'calls'> {
  const called = callOf(specOf(row.action))
  const calls = called === undefined ? {} : { calls: called }
  switch (row.does) {
    case 'skip':
      return { because: row.because }
    case 'call':
      return { request: row.request }
    case 'later':
      return calls
    case 'fail':
      return { because: row.problem, cause: row.cause, ...calls }
  }
}

const nowPart = (now: readonly Now[] = []): Pick<ReportRow, 'now'> => (now.length === 0 ? {} : { now })

function exportsOf(action: PlannedAction): Pick<ReportRow, 'exports'> {
  const exports = exportedNames(action)
  return exports.length === 0 ? {} : { exports }
}

/** What it keeps others from meanwhile, and whether it is taken back: of pre actions. */
function effectsOf(name: string, spec: ActionSpec, stage: Stage): Pick<ReportRow, 'exclusive' | 'undoAt'> {
  if (stage.startsWith('Post')) return {}
  const exclusive = keyOf(name, spec)
  return {
    ...(exclusive === undefined ? {} : { exclusive }),
    ...(spec.undo === undefined ? {} : { undoAt: spec.undoAt ?? 'Abort' }),
  }
}
